"""The log is hurt by an operator's hand, under traffic, and brought back by the commands that its messages name."""

import contextlib
import random
import shutil
import time
from pathlib import Path
from typing import Final

import httpx
import polars as pl

from benchmarks.faults.losses import PATIENCE, NotRebuiltError
from benchmarks.faults.processes import free_port
from benchmarks.faults.shop import Part, Shop
from etappe.log import Log, damage

_ALL: Final[tuple[Part, ...]] = ("worker", "serve")


def cut_file(shop: Shop, chance: random.Random) -> None:
    """A live file of events is cut in the middle; archiving goes on, and a backup from before heals it."""
    log, backup = Log(shop.data / "log"), shop.home / f"before-{time.time_ns()}.tar"
    before = _of_events(log)
    _ran(shop, "backup", str(backup))
    there = sorted(before & log.state().live())
    path = log.folder / chance.choice(there)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    _sees_archived(shop, f"behind-{time.time_ns()}")
    _ran(shop, "quarantine", "--heal", str(backup))
    state = log.state()
    if damaged := [str(one) for one in damage.deep(log.folder, state.all())]:
        raise NotRebuiltError(f"still damaged: {damaged}")
    if state.missing:
        raise NotRebuiltError(f"still missing: {[file.path for file in state.missing]}")


def lose_commits(shop: Shop, _: random.Random) -> None:
    """The commits of the log are removed while all is stopped; nothing starts on it until all is listed anew."""
    with shop.unattended():
        for part in _ALL:
            shop.processes[part].terminate()
        for part in _ALL:
            shop.processes[part].wait(PATIENCE)
        log = Log(shop.data / "log")
        events = _events(log)
        shutil.rmtree(log.folder / "commits")
        files = _files(log.folder)
        for command in (("worker",), ("serve", "--port", str(free_port()))):
            _refuses(shop, command)
        if files != _files(log.folder):
            raise NotRebuiltError("a start that refuses has changed files of the log")
        _ran(shop, "quarantine", "--relist")
        _ran(shop, "rebuild")
    if gone := events - _events(log):
        raise NotRebuiltError(f"{len(gone)} events of {len(events)} are not in the log that was listed anew")


def _of_events(log: Log) -> set[str]:
    """The live files of events, as soon as there are some."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := {file.path for file in log.state().of("event")}:
            return found
        time.sleep(0.05)
    raise NotRebuiltError("nothing came into the log")


def _sees_archived(shop: Shop, name: str) -> None:
    """Sends an event and waits until it is in the log."""
    event = {"event": "view_item", "event_id": name, "user_id": name, "item_id": "i1"}
    log, deadline, sent = Log(shop.data / "log"), time.monotonic() + PATIENCE, False
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            sent = sent or shop.http.post("/v1/events", json={"events": [event]}).status_code == httpx.codes.ACCEPTED
        today = time.strftime("%Y-%m-%d", time.gmtime())
        if sent and name in log.readable("event", today).select("event_id").collect().to_series():
            return
        time.sleep(0.05)
    raise NotRebuiltError("nothing is archived behind a damaged file")


def _ran(shop: Shop, *command: str) -> None:
    ran = shop.command(*command)
    if ran.returncode:
        raise NotRebuiltError(f"{' '.join(command)} ended with {ran.returncode}: {ran.stderr[-500:]}")


def _refuses(shop: Shop, command: tuple[str, ...]) -> None:
    ran = shop.command(*command)
    if ran.returncode != 1 or "etappe quarantine --relist" not in ran.stderr:
        raise NotRebuiltError(f"{' '.join(command)} ended with {ran.returncode}: {ran.stderr[-500:]}")


def _events(log: Log) -> set[str]:
    return set(log.scan("event").select(pl.col("event_id").unique()).collect()["event_id"])


def _files(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_size for path in folder.rglob("*.parquet")}
