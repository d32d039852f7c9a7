"""`etappe demo`: a small shop with a known truth, imported, trained, served, asked, and played on live."""

import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated

import msgspec
from cyclopts import Parameter

from etappe import settings
from etappe.cli import progress, show
from etappe.cli.bringing.files import import_into, items_into
from etappe.cli.learning.models import train_in
from etappe.cli.running.processes import SAFE_PATH
from etappe.cli.running.serve import check_free, url_of, wait_until_ready
from etappe.cli.simulating import demo_scenes
from etappe.cli.simulating.demo_scenes import Scene
from etappe.cli.simulating.simulate import make
from etappe.errors import EtappeError
from etappe.settings import Place
from etappe.simulation import Shop, Size, files, live
from etappe.wiring.store import opened

CUSTOMERS, ITEMS, DAYS, SEED = 3_000, 400, 120, 20
HOST = "127.0.0.1"
DEFAULT_DATA = Path("demo-data")
_DONE = "demo.json"
_STOP_SECONDS = 30
_TRICKLE = live.Pace(visits_per_second=1.0)
_TASTE = live.Pace(visits_per_second=20.0, visits=20)
"""Of live visits: while the demo stays up, and where it answers once and ends."""


class Made(msgspec.Struct, frozen=True):
    """The shop in the data folder, and whom to ask about."""

    size: Size
    scenes: tuple[Scene, ...]


def demo(
    *,
    port: Annotated[int, Parameter(help="Port to serve on.")] = 8000,
    data: Annotated[Path | None, Parameter(help="Data folder of the demo shop (default ./demo-data).")] = None,
    once: Annotated[bool, Parameter(help="Answer once and end (DEMO_ONCE=1).", negative="")] = False,
) -> None:
    """Make a small shop, train, serve it, ask for a customer in each stage, and let its people go on visiting.

    Keys are off, on this machine only.
    """
    began = time.monotonic()
    signal.signal(signal.SIGTERM, _terminated)
    place = Place(data=(data or DEFAULT_DATA).absolute(), auth=False)
    check_free(HOST, port)
    made, shop = _set_up(place)
    check_free(HOST, port)  # another may have come while the shop was made, and would be taken for ours
    url = url_of(HOST, port)
    with _served(place, port) as process:
        demo_scenes.ask(url, made.scenes)
        show.say(f"\nUp {time.monotonic() - began:.1f} s after the start.")
        if once or settings.demo_once():
            demo_scenes.tell_played(_play(url, shop or make(made.size), _TASTE, threading.Event()))
            return
        demo_scenes.suggest(url, made.scenes[-1])
        _keep_moving(url, shop or make(made.size), process)
    raise EtappeError("the server ended by itself; its last lines are above")


def _set_up(place: Place) -> tuple[Made, Shop | None]:
    """The shop in the data folder, made where it is not there yet, and then at hand."""
    done = place.data / _DONE
    if done.exists():
        show.say(f"Using the shop in {place.data} (remove the folder to begin anew).")
        return _read(done), None
    show.say(f"Making a shop of {ITEMS:,} items and {CUSTOMERS:,} customers over {DAYS} days in {place.data} ...")
    size = Size(customers=CUSTOMERS, items=ITEMS, days=DAYS, seed=SEED, end=datetime.now(UTC).replace(microsecond=0))
    shop = make(size)
    with tempfile.TemporaryDirectory() as folder, opened(place) as here, progress.shown() as shown:
        written = files.write_told(shop, Path(folder))  # not in the data folder, where nobody could be erased
        items = items_into(here, written.items, shown)
        report = import_into(here, written.events, "native", shown)
        snapshot = train_in(here, shown, force=True)
    events = sum(report.events.values())
    show.say(f"{items.items:,} items and {events:,} events imported, snapshot {snapshot.version} trained.")
    made = Made(size, demo_scenes.scenes(shop))
    done.write_bytes(msgspec.json.encode(made))
    return made, shop


def _read(done: Path) -> Made:
    try:
        return msgspec.json.decode(done.read_bytes(), type=Made)
    except msgspec.MsgspecError as error:
        raise EtappeError(f"{done} is of another version of Etappe; remove the folder {done.parent}") from error


@contextmanager
def _served(place: Place, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, *SAFE_PATH, "-m", "etappe", "serve", "--host", HOST, "--port", str(port)]
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


def _keep_moving(url: str, shop: Shop, process: "subprocess.Popen[bytes]") -> None:
    """Lets the shop's people visit until the server ends, or the demo is stopped."""
    ended = threading.Event()
    threading.Thread(target=_watch, args=(process, ended), daemon=True).start()
    try:
        _play(url, shop, _TRICKLE, ended)
    except EtappeError:
        if not ended.wait(_STOP_SECONDS):
            raise


def _watch(process: "subprocess.Popen[bytes]", ended: threading.Event) -> None:
    process.wait()
    ended.set()


def _play(url: str, shop: Shop, pace: live.Pace, ended: threading.Event) -> live.Played:
    with live.Client(url, None) as client:
        return live.play(shop.story, shop.named, client, pace, stopped=ended.is_set, told=demo_scenes.Ticker())


def _terminated(_signal: int, _frame: FrameType | None) -> None:
    """Asked to end, the demo stops its server as it does on Ctrl-C."""
    raise KeyboardInterrupt
