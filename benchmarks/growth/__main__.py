"""What Redis and the log hold over 90 simulated days, day by day, with the time to live of all keys let pass.

python -m benchmarks.growth            about three minutes
python -m benchmarks.growth --smoke    shows that it runs; its figures mean little
"""

import asyncio
import shlex
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console

from benchmarks.decide import say, told_machine
from benchmarks.growth import keys, plot, shop, tables
from benchmarks.growth.keys import Held
from benchmarks.growth.tables import Day
from etappe.events.identities import USER, Identity
from etappe.events.intake import Accepted, read_batch
from etappe.ids import subject_of
from etappe.settings import Place, Settings, Store
from etappe.store.identities import erasure
from etappe.store.identities.linking import Linker
from etappe.store.ingesting.ingest import Aliases, ingest
from etappe.store.server import connection
from etappe.store.wire import RedisPy
from etappe.units import SECONDS_PER_DAY
from etappe.wiring.store import Opened, opened
from etappe.worker.erasing.rewriting import erase_now
from etappe.worker.run import go_round

SEED: Final = 20
CUSTOMER_DAYS: Final = 30
ERASE_EVERY: Final = 7
"""Days between two rewritings of the log for those who were erased, one each day."""
BATCH: Final = 500


class Size(msgspec.Struct, frozen=True):
    """How large the shop is and for how long it lives."""

    customers: int
    items: int
    days: int


FULL: Final = Size(6_000, 1_000, 90)
SMOKE: Final = Size(150, 200, 10)


def main() -> None:
    """Lives through the days, prints what is held in the end, and draws the curves."""
    parser = ArgumentParser(prog="python -m benchmarks.growth", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--smoke", action="store_true", help="the smallest size, in well under a minute")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the shop (default {SEED})")
    parser.add_argument("--plot", type=Path, help="where to draw the curves (SVG)")
    options = parser.parse_args()
    size = SMOKE if options.smoke else FULL
    with tempfile.TemporaryDirectory(prefix="etappe-benchmark-") as folder, opened(Place(Path(folder))) as here:
        limited = Settings(store=Store(customer_days=CUSTOMER_DAYS))
        days = list(live(msgspec.structs.replace(here, settings=limited), size, options.seed))
        held = keys.held(here.client)
    show(days, held, size, options.seed)
    if options.plot:
        plot.draw(days, CUSTOMER_DAYS, options.plot)
    immortal = {kind: one.immortal for kind, one in held.items() if one.immortal}
    if immortal:
        sys.exit(f"keys without a time to live: {immortal}")


def live(here: Opened, size: Size, seed: int) -> Iterator[Day]:
    """Each day: its events, what the worker does, one erasure, then a day passes for every key that lapses."""
    linker, aliases = Linker(here.client, here.secret, here.settings), Aliases()
    empty, events, began = memory(here), 0, time.monotonic()
    for number, today in enumerate(shop.days(size.customers, size.items, size.days, seed), start=1):
        for start in range(0, len(today), BATCH):
            take(here, linker, aliases, _accepted(today[start : start + BATCH]))
        events += len(today)
        waiting = keys.waiting(here.client) / max(1, len(today))
        _erase(here, today, number)
        go_round(here.client, here.log, here.place, here.settings)
        yield _day(here, events, empty, waiting)
        keys.put_forward(here.client, SECONDS_PER_DAY)
        keys.sweep_all(here.client, here.settings)
        if number % 10 == 0:
            say(f"day {number} of {size.days}, {events:,} events, {time.monotonic() - began:.0f} s")


def take(here: Opened, linker: Linker, aliases: Aliases, batch: list[Accepted]) -> None:
    """Takes a batch as a serving process does."""
    asyncio.run(_ingest(here, aliases, batch))
    claims = linker.news(batch)
    if claims:
        linker.link(claims)


def memory(here: Opened) -> int:
    """Bytes that the server's allocator has given out."""
    info: dict[str, Any] = here.client.info("memory")
    return int(info["used_memory"])


async def _ingest(here: Opened, aliases: Aliases, batch: list[Accepted]) -> None:
    async with connection.connect_async(here.place) as client:
        await ingest(RedisPy(client), here.secret, batch, here.settings, aliases)


def _erase(here: Opened, today: list[dict[str, Any]], number: int) -> None:
    user = next((event["user_id"] for event in today if "user_id" in event), None)
    if user:
        subject = subject_of(here.secret, USER, user)
        erasure.erase(here.client, here.secret, Identity(USER, user), subject, here.settings)
    if number % ERASE_EVERY == 0:
        erase_now(here.client, here.log, here.place.data / "rejected", here.settings)


def _day(here: Opened, events: int, empty: int, waiting: float) -> Day:
    found = keys.names(here.client)
    customers = {name.rpartition(b":")[2] for name in found["c"]}
    files = [file for table in here.log.state().files for file in here.log.state().of(table)]
    return Day(
        events=events,
        memory=memory(here) - empty,
        keys={kind: len(of_kind) for kind, of_kind in found.items()},
        customers=len(customers),
        waiting=waiting,
        log_bytes=sum((here.log.folder / file.path).stat().st_size for file in files),
        log_files=len(files),
    )


def _accepted(events: list[dict[str, Any]]) -> list[Accepted]:
    accepted, rejected, _ = read_batch(msgspec.json.encode({"events": events}), datetime.now(UTC))
    if rejected:
        sys.exit(f"an event of the simulated shop was refused: {rejected[0].reason}")
    return accepted


def show(days: list[Day], held: dict[str, Held], size: Size, seed: int) -> None:
    """Prints the days in steps, and what each kind of key takes at the end."""
    console = Console(width=120, highlight=False)
    console.print(f"command   python -m benchmarks.growth {shlex.join(sys.argv[1:])}".rstrip())
    told_machine(console)
    made = f"{size.items:,} items, {size.customers:,} customers who stay {shop.STAY_DAYS:g} days in the mean"
    console.print(f"shop      {made}, {size.days} days, seed {seed}; customer_days {CUSTOMER_DAYS}")
    console.print(tables.over_time(days))
    console.print(tables.by_key(held))


if __name__ == "__main__":
    main()
