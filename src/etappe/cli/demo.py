"""`etappe demo`: a small shop with a known truth, imported, trained, served and asked."""

import json
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import msgspec
import polars as pl
from cyclopts import Parameter

from etappe import settings, simulation
from etappe.cli import progress, show
from etappe.cli.files import import_into, items_into
from etappe.cli.models import train_in
from etappe.cli.serve import check_free, url_of, wait_until_ready
from etappe.errors import EtappeError
from etappe.settings import Place
from etappe.simulation import Size
from etappe.wiring.store import opened

CUSTOMERS, ITEMS, DAYS, SEED = 4_000, 400, 150, 20
HOST = "127.0.0.1"
DEFAULT_DATA = Path("demo-data")
_DONE = "demo.json"
_STOP_SECONDS = 30


def demo(
    *,
    port: Annotated[int, Parameter(help="Port to serve on.")] = 8000,
    data: Annotated[Path | None, Parameter(help="Data folder of the demo shop (default ./demo-data).")] = None,
    once: Annotated[bool, Parameter(help="Answer once and end (DEMO_ONCE=1).", negative="")] = False,
) -> None:
    """Make a small shop, train, serve it, print one real answer and stay up. Keys are off, on this machine only."""
    began = time.monotonic()
    signal.signal(signal.SIGTERM, _terminated)
    place = Place(data=(data or DEFAULT_DATA).absolute(), auth=False)
    check_free(HOST, port)
    scene = _set_up(place)
    with _served(place, port) as process:
        _ask(port, scene)
        show.say(f"\nUp {time.monotonic() - began:.1f} s after the start.")
        if once or settings.demo_once():
            return
        _tell(port, scene.customer)
        process.wait()
    raise EtappeError("the server ended by itself; its last lines are above")


class Scene(msgspec.Struct, frozen=True):
    """Whom to ask about, and the item they are looking at."""

    customer: str
    item: str


def _set_up(place: Place) -> Scene:
    """The shop in the data folder, made where it is not there yet; returns what is worth asking about."""
    done = place.data / _DONE
    if done.exists():
        show.say(f"Using the shop in {place.data} (remove the folder to begin anew).")
        return msgspec.json.decode(done.read_bytes(), type=Scene)
    show.say(f"Making a shop of {ITEMS:,} items and {CUSTOMERS:,} customers over {DAYS} days in {place.data} ...")
    with progress.shown() as shown:
        size = Size(
            customers=CUSTOMERS, items=ITEMS, days=DAYS, seed=SEED, end=datetime.now(UTC).replace(microsecond=0)
        )
        shop = simulation.simulate(size, shown)
    with tempfile.TemporaryDirectory() as folder, opened(place) as here, progress.shown() as shown:
        files = simulation.write(shop, Path(folder) / "shop")  # not in the data folder, where nobody could be erased
        items = items_into(here, files.items, shown)
        report = import_into(here, files.events, "native", shown)
        snapshot = train_in(here, shown, force=True)
    events = sum(report.events.values())
    show.say(f"{items.items:,} items and {events:,} events imported, snapshot {snapshot.version} trained.")
    scene = _scene(shop.events)
    done.write_bytes(msgspec.json.encode(scene))
    return scene


def _scene(events: pl.DataFrame) -> Scene:
    """The customer with the most purchases, who has a story to tell, before an item that many others bought."""
    bought = events.filter(pl.col("event") == "purchase", pl.col("user_id").is_not_null())
    customer = _most(bought, "user_id")
    own = bought.filter(pl.col("user_id") == customer)["item_id"].unique()
    return Scene(customer, _most(bought.filter(~pl.col("item_id").is_in(own.implode())), "item_id"))


def _most(rows: pl.DataFrame, column: str) -> str:
    return str(rows.group_by(column).len().sort("len", column, descending=[True, False])[column][0])


@contextmanager
def _served(place: Place, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "etappe", "serve", "--host", HOST, "--port", str(port)]
    process = subprocess.Popen(command, env=place.environment())  # noqa: S603 - our own command
    try:
        if not wait_until_ready(HOST, port, lambda: process.poll() is not None):
            raise EtappeError("the server did not come up; its last lines are above")
        yield process
    except KeyboardInterrupt:
        show.say("Stopping ...")
        raise
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_STOP_SECONDS)


def _terminated(_signal: int, _frame: FrameType | None) -> None:
    """Asked to end, the demo stops its server as it does on Ctrl-C."""
    raise KeyboardInterrupt


def _ask(port: int, scene: Scene) -> None:
    """One real answer, asked over HTTP as a shop's frontend would."""
    body = {
        "customer": {"user_id": scene.customer},
        "context": {"page": "product", "item": scene.item},
        "placements": [{"name": "product.also", "kind": "items", "limit": 6, "max_per_category": 2}],
    }
    request = json.dumps(body)
    url = f"{url_of(HOST, port)}/v1/decide"
    show.result(f"\ncurl -s {url} -d '{request}'\n")
    answer = _post(url, request.encode())
    items = answer["placements"]["product.also"]["items"]
    rows = [(one["id"], one["title"], f"{one['price']:.2f}", one["source"], one["reason"]["text"]) for one in items]
    title = f"product.also for {scene.customer}, who looks at {scene.item}: decided in {answer['took_ms']} ms"
    show.table(title, ("item", "title", "price", "source", "reason"), rows)


def _post(url: str, body: bytes) -> Any:
    request = urllib.request.Request(url, body, {"content-type": "application/json"})  # noqa: S310 - our own server
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return json.loads(answer.read())


def _tell(port: int, customer: str) -> None:
    url = url_of(HOST, port)
    lines = (
        f"curl -s {url}/v1/customers/{customer}      # who this customer is",
        f"curl -s '{url}/v1/popular?window=7d'       # what sells",
        f"curl -s {url}/schema                    # all addresses, as OpenAPI",
    )
    show.say("Try:\n  " + "\n  ".join(lines) + "\nCtrl-C ends it; `make demo` starts it again at once.")
