"""A simulated shop's events as batches to post, each with ids of its own, so that none is a repeat."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import polars as pl

from benchmarks import shop

RECENT: Final = timedelta(days=14)
"""Events of this last time are posted; all older ones are imported before, so that customers have records."""


def make(data: Path, *, customers: int, items: int, days: int, seed: int) -> list[dict[str, Any]]:
    """Simulates the shop, imports its past into the data folder `data`, and returns its recent events by time."""
    out = data.with_name("shop")
    counts = [f"--customers={customers}", f"--items={items}", f"--days={days}", f"--seed={seed}"]
    shop.etappe(data, "simulate", f"--out={out}", *counts)
    events = pl.read_parquet(out / "events.parquet").sort("timestamp")
    recent = pl.col("timestamp") > pl.col("timestamp").max() - RECENT
    events.filter(~recent).write_parquet(out / "past.parquet")
    shop.etappe(data, "import-items", str(out / "items.jsonl"))
    shop.etappe(data, "import", str(out / "past.parquet"))
    return [as_native(row) for row in events.filter(recent).iter_rows(named=True)]


def as_native(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the native columns as the object that is posted."""
    event = {name: value for name, value in row.items() if value is not None}
    if "properties" in event:
        event["properties"] = msgspec.json.decode(event["properties"])
    return event


def renamed(events: Sequence[dict[str, Any]], run: str, count: int) -> Iterator[dict[str, Any]]:
    """`count` of `events`, from the first again after the last, with event ids that no other `run` has.

    They look like random ones, as clients make them: what can be packed small would make the log look small.
    """
    for number in range(count):
        event_id = hashlib.blake2b(f"{run}-{number}".encode(), digest_size=16).hexdigest()
        yield events[number % len(events)] | {"event_id": event_id}


def batches(events: Sequence[dict[str, Any]], run: str, size: int, count: int) -> list[list[dict[str, Any]]]:
    """`count` batches of `size` events in the shop's own order, which mixes customers as a server's queue does."""
    flow = renamed(events, run, size * count)
    return [[next(flow) for _ in range(size)] for _ in range(count)]
