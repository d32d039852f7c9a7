"""What is printed of the days, and of what Redis holds when they are over."""

from typing import Final

import msgspec
from rich.table import Table

from benchmarks.growth.keys import KINDS, Held

_EVERY: Final = 10


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a day.

    `events` so far, `memory` above that of the empty server, `keys` by kind, `waiting` bytes of the streams for each
    event of the day before it was archived.
    """

    events: int
    memory: int
    keys: dict[str, int]
    customers: int
    waiting: float
    log_bytes: int
    log_files: int


def over_time(days: list[Day]) -> Table:
    """Every tenth day. `waiting` and `in the log` are bytes an event."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    names = ("day", "events", "Redis MB", "keys", "customers", "bytes a customer", "waiting", "in the log", "files")
    for name in names:
        shown.add_column(name, justify="right")
    for number, day in enumerate(days, start=1):
        if number % _EVERY == 0 or number == 1:
            shown.add_row(
                str(number),
                f"{day.events:,}",
                f"{day.memory / 1e6:.1f}",
                f"{sum(day.keys.values()):,}",
                f"{day.customers:,}",
                f"{day.memory / max(1, day.customers):,.0f}",
                f"{day.waiting:,.0f}",
                f"{day.log_bytes / max(1, day.events):,.0f}",
                str(day.log_files),
            )
    return shown


def by_key(held: dict[str, Held]) -> Table:
    """What each kind of key takes, by MEMORY USAGE."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column("key")
    for name in ("keys", "median", "p99", "largest", "all MB"):
        shown.add_column(name, justify="right")
    shown.add_column("bound of one")
    for kind, (_, bound, _) in KINDS.items():
        sizes = held[kind].sizes
        if sizes:
            picked = (sizes[len(sizes) // 2], sizes[min(len(sizes) - 1, len(sizes) * 99 // 100)], sizes[-1])
            shown.add_row(kind, f"{len(sizes):,}", *(f"{one:,}" for one in picked), f"{sum(sizes) / 1e6:.1f}", bound)
    return shown
