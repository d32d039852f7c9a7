"""A simulated shop to ask about: made, imported and trained by Etappe's own commands, and the requests for it."""

import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import polars as pl

from benchmarks import client

BATCH: Final = 500
SESSION: Final = 3
"""Items that every second customer looked at just now."""
LIMIT: Final = 10


class Size(msgspec.Struct, frozen=True):
    """How large the shop is, and how much is asked of it. `requests` and `seconds` bound one round."""

    customers: int
    items: int
    days: int
    requests: int
    seconds: float
    rounds: int


class Shop(msgspec.Struct, frozen=True):
    """The ids that requests are made of."""

    customers: list[str]
    items: list[str]


def make(data: Path, size: Size, seed: int) -> Shop:
    """Makes the shop and trains on it, in the data folder `data`."""
    out = data.with_name("shop")
    counts = [f"--customers={size.customers}", f"--items={size.items}", f"--days={size.days}", f"--seed={seed}"]
    etappe(data, "simulate", f"--out={out}", *counts)
    etappe(data, "import-items", str(out / "items.jsonl"))
    etappe(data, "import", str(out / "events.parquet"))
    etappe(data, "train")
    bought = pl.read_parquet(out / "events.parquet").filter(pl.col("event") == "purchase").drop_nulls("user_id")
    return Shop(bought["user_id"].unique().sort().to_list(), bought["item_id"].unique().sort().to_list())


def etappe(data: Path, *arguments: str) -> None:
    """Runs a command of Etappe; what it says is told where it fails."""
    command = [sys.executable, "-m", "etappe", *arguments]
    place = [] if arguments[0] == "simulate" else [f"--data={data}"]
    done = subprocess.run([*command, *place], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"etappe {' '.join(arguments)} failed: {done.stderr or done.stdout}")


def sessions(shop: Shop, seed: int) -> Iterator[bytes]:
    """Batches of events by which every second customer has a session under way."""
    chance = random.Random(seed)
    now = datetime.now(UTC).isoformat()
    events = [
        {"event": "view_item", "user_id": one, "item_id": chance.choice(shop.items), "timestamp": now}
        for one in shop.customers[::2]
        for _ in range(SESSION)
    ]
    for start in range(0, len(events), BATCH):
        yield client.post("/v1/events", msgspec.json.encode({"events": events[start : start + BATCH]}))


def requests(shop: Shop, count: int, seed: int) -> list[bytes]:
    """`count` requests, of four kinds in equal shares: home page, item page, cart, and a stranger on an item page."""
    chance = random.Random(seed)
    return [client.post("/v1/decide", msgspec.json.encode(_body(shop, chance, number))) for number in range(count)]


def _body(shop: Shop, chance: random.Random, number: int) -> dict[str, Any]:
    customer = {"user_id": chance.choice(shop.customers)}
    contexts: list[tuple[dict[str, str], dict[str, Any]]] = [
        (customer, {"page": "home"}),
        (customer, {"page": "product", "item": chance.choice(shop.items)}),
        (customer, {"page": "cart", "cart": chance.sample(shop.items, 2)}),
        ({}, {"page": "product", "item": chance.choice(shop.items)}),
    ]
    who, context = contexts[number % len(contexts)]
    placement = {"name": "list", "kind": "items", "limit": LIMIT, "max_per_category": 3}
    return {"customer": who, "context": context, "placements": [placement]}
