"""What happens behind the answers: the store alone, then archiving and folding of what it took; bytes in the log."""

import asyncio
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console

from benchmarks.ingest import events as shop_events
from etappe.events.intake import Accepted, read_batch
from etappe.log.compaction import Limits
from etappe.settings import Place
from etappe.store.ingesting.ingest import Aliases, ingest
from etappe.store.server import connection
from etappe.store.wire import RedisPy
from etappe.wiring.store import Opened, opened
from etappe.worker.archiving.archive import archive
from etappe.worker.folding import fold_long_tails

BATCH: Final = 500
SMALL: Final = 200


class Worked(msgspec.Struct, frozen=True):
    """One round: events, the seconds to take, archive and fold them, how many tails were folded, bytes of the log."""

    events: int
    taking: float
    archiving: float
    folding: float
    folded: int
    log_bytes: int


class Merged(msgspec.Struct, frozen=True):
    """Bytes an event in the log: of rounds of SMALL events each, and after their files were merged."""

    files: int
    before: float
    after: float


def measure(data: Path, events: list[dict[str, Any]], count: int, rounds: int) -> list[Worked]:
    """Rounds of `count` events through the store and into the log of the data folder, with no server beside."""
    place = Place(data)
    with opened(place) as here:
        archive(here.client, here.log)
        return [_round(here, events, f"worked-{number}", count) for number in range(rounds)]


def merge(data: Path, events: list[dict[str, Any]], rounds: int) -> Merged:
    """Into an empty log in `data` SMALL events at a time, as a worker's rounds come to be, then merges the files."""
    with opened(Place(data)) as here:
        for number in range(rounds):
            made = [_accepted(one) for one in shop_events.batches(events[number * SMALL :], f"s-{number}", SMALL, 1)]
            asyncio.run(_take(here, made))
            archive(here.client, here.log)
        small = _live(here)
        while here.log.compact(Limits(many=2, quiet=1)):
            pass
        merged = _live(here)[1]
    count = rounds * SMALL
    return Merged(small[0], small[1] / count, merged / count)


def show(console: Console, worked: list[Worked], merged: Merged) -> None:
    """Prints the medians."""
    for what, values in {
        "store alone, batches of 500": [one.events / one.taking for one in worked],
        "archiving": [one.events / one.archiving for one in worked],
    }.items():
        console.print(f"{what}: {statistics.median(values):,.0f} events/s ({min(values):,.0f}-{max(values):,.0f})")
    each = statistics.median(one.log_bytes / one.events for one in worked)
    console.print(
        f"log: {each:,.0f} bytes an event where {worked[0].events:,} are archived at once, {merged.before:,.0f}"
        f" where {SMALL} are ({merged.files} files), {merged.after:,.0f} when these files are merged"
    )
    folds = [one.folding / one.folded * 1e6 for one in worked if one.folded]
    if folds:
        console.print(f"folding: {statistics.median(folds):,.0f} us a customer whose tail was long")


def _round(here: Opened, events: list[dict[str, Any]], run: str, count: int) -> Worked:
    made = [_accepted(one) for one in shop_events.batches(events, run, BATCH, count // BATCH)]
    _, before = _live(here)
    taking = asyncio.run(_take(here, made))
    began = time.perf_counter()
    moved = archive(here.client, here.log)
    archiving = time.perf_counter() - began
    began = time.perf_counter()
    folded = fold_long_tails(here.client, here.settings)
    folding = time.perf_counter() - began
    return Worked(moved, taking, archiving, folding, folded, _live(here)[1] - before)


async def _take(here: Opened, batches: list[list[Accepted]]) -> float:
    aliases = Aliases()
    async with connection.connect_async(here.place) as client:
        began = time.perf_counter()
        for batch in batches:
            await ingest(RedisPy(client), here.secret, batch, here.settings, aliases)
        return time.perf_counter() - began


def _accepted(batch: list[dict[str, Any]]) -> list[Accepted]:
    return read_batch(msgspec.json.encode({"events": batch}), datetime.now(UTC))[0]


def _live(here: Opened) -> tuple[int, int]:
    """How many files the events have in the log, and their bytes."""
    files = list(here.log.state().of("event"))
    return len(files), sum((here.log.folder / file.path).stat().st_size for file in files)
