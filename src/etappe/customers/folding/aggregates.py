"""Aggregates: what segments, stages and rules declared to need of a customer's events, kept up to date by the fold.

An aggregate counts one kind of event: by day in the shop's zone, with the sum of the values, up to its longest window;
or it has the last times exactly. A record says by a digest which declaration it was made for. Under another one the
record begins anew and is DIRTY, for the worker to rebuild from the log; under none nothing is kept.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from numpy.typing import NDArray

from etappe.events.vocabulary import CODES
from etappe.units import MICROSECONDS

MAX_DECLARED: Final = 64
"""Aggregates that can be declared at once."""
MAX_DAYS: Final = 400
MAX_LAST: Final = 32
_EPOCH_DAY: Final = datetime(1970, 1, 1, tzinfo=UTC).toordinal()

BUCKET: Final = np.dtype([("which", "u1"), ("day", "<u2"), ("count", "<u4"), ("sum", "<f8")])
"""15 bytes: the number of the aggregate, the day (since 1970, in the shop's zone), events, the sum of their values."""
TIME: Final = np.dtype([("which", "u1"), ("time", "<i8")])
"""9 bytes: the number of the aggregate, and Unix microseconds."""


class Aggregate(msgspec.Struct, frozen=True):
    """One aggregate: of `event`, either by day for the last `days`, or the `last` times exactly."""

    event: str
    days: int = 0
    last: int = 0

    def __post_init__(self) -> None:
        """Refuses what no record can hold, with ValueError."""
        if self.event not in CODES:
            raise ValueError(f"event {self.event!r} is none of the vocabulary; docs/events.md lists them")
        if (self.days > 0) == (self.last > 0) or not (0 <= self.days <= MAX_DAYS and 0 <= self.last <= MAX_LAST):
            told = f"days {self.days} and last {self.last}"
            raise ValueError(f"{told}: give either days, 1 to {MAX_DAYS}, or last, 1 to {MAX_LAST}")


class Declaration(msgspec.Struct, frozen=True):
    """All aggregates that are kept, in the order of their numbers, and the shop's time zone (IANA name)."""

    aggregates: tuple[Aggregate, ...] = ()
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        """Refuses more than a record can number, with ValueError."""
        if len(self.aggregates) > MAX_DECLARED:
            raise ValueError(f"{len(self.aggregates)} aggregates: declare at most {MAX_DECLARED}")

    def __bool__(self) -> bool:
        return bool(self.aggregates)

    @property
    def digest(self) -> int:
        """32 bits of a hash, by which a record tells for which declaration it was made."""
        return int.from_bytes(hashlib.blake2b(msgspec.json.encode(self), digest_size=4).digest(), "little")


NONE: Final = Declaration()


class Aggregates(msgspec.Struct, frozen=True):
    """What a record holds for the declaration of `digest`.

    `buckets` is BUCKET[n], ascending by number and day; `times` is TIME[m], ascending by number and time.
    """

    digest: int
    buckets: NDArray[np.void]
    times: NDArray[np.void]


def after(known: Aggregates | None, events: NDArray[np.void], declared: Declaration) -> Aggregates | None:
    """The aggregates after EVENT[m], in whatever order they come; None where nothing is declared.

    Exactly those of all events in one run: the days within a window of the newest of its kind of event, and the last
    times, of any union are among those of its parts.
    """
    if not declared:
        return None
    digest = declared.digest
    parts = [Aggregates(digest, *_of(events, declared))]
    if known is not None and known.digest == digest:
        parts.append(known)
    return _bounded(_together(parts), declared)


def stale(known: Aggregates | None, declared: Declaration) -> bool:
    """Whether a record with events in it was made for another declaration than this one."""
    return known is None or known.digest != declared.digest


def joined(parts: Sequence[Aggregates | None]) -> Aggregates | None:
    """Those of one customer that were kept apart; None where they were made for different declarations.

    They may be longer than declared until the next fold.
    """
    known = [part for part in parts if part is not None]
    if not known or len({part.digest for part in known}) > 1:
        return None
    return _together(known)


def _of(events: NDArray[np.void], declared: Declaration) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """A bucket or a time for each event that an aggregate is of."""
    zone = ZoneInfo(declared.time_zone)
    buckets: list[tuple[int, int, int, float]] = []
    times: list[tuple[int, int]] = []
    for which, one in enumerate(declared.aggregates):
        for event in events[events["code"] == CODES[one.event]]:
            time = int(event["time"])
            if one.last:
                times.append((which, time))
            else:
                buckets.append((which, day_of(time, zone), 1, float(event["value"])))
    return np.array(buckets, BUCKET), np.array(times, TIME)


def day_of(time: int, zone: ZoneInfo) -> int:
    """The day (since 1970) of Unix microseconds in a zone."""
    return max(0, datetime.fromtimestamp(time // MICROSECONDS, zone).toordinal() - _EPOCH_DAY)


def _together(parts: Sequence[Aggregates]) -> Aggregates:
    buckets = np.concatenate([part.buckets for part in parts])
    keys = buckets["which"].astype(np.int64) << 16 | buckets["day"]
    distinct, group = np.unique(keys, return_inverse=True)
    found = np.zeros(len(distinct), BUCKET)
    found["which"], found["day"] = distinct >> 16, distinct & 65_535
    found["count"] = np.bincount(group, buckets["count"], len(distinct))
    found["sum"] = np.bincount(group, buckets["sum"], len(distinct))
    times = np.concatenate([part.times for part in parts])
    return Aggregates(parts[0].digest, found, times[np.lexsort((times["time"], times["which"]))])


def _bounded(known: Aggregates, declared: Declaration) -> Aggregates:
    """Without the days beyond the windows, and the times beyond the last."""
    buckets: list[NDArray[np.void]] = []
    times: list[NDArray[np.void]] = []
    for which, one in enumerate(declared.aggregates):
        mine = known.buckets[known.buckets["which"] == which]
        if len(mine):
            buckets.append(mine[mine["day"].astype(np.int64) > int(mine["day"][-1]) - one.days])
        if one.last:
            times.append(known.times[known.times["which"] == which][-one.last :])
    return Aggregates(
        known.digest,
        np.concatenate([np.zeros(0, BUCKET), *buckets]),
        np.concatenate([np.zeros(0, TIME), *times]),
    )


def pack(known: Aggregates | None) -> bytes:
    """The digest u4, the number of buckets u2, buckets and times."""
    if known is None:
        return b""
    head = known.digest.to_bytes(4, "little") + len(known.buckets).to_bytes(2, "little")
    return head + known.buckets.tobytes() + known.times.tobytes()


def unpack(packed: bytes) -> Aggregates:
    """What `pack` made; ValueError where it is cut off."""
    count = int.from_bytes(packed[4:6], "little")
    end = 6 + count * BUCKET.itemsize
    buckets = np.frombuffer(packed, BUCKET, count, 6) if count else np.zeros(0, BUCKET)
    return Aggregates(int.from_bytes(packed[:4], "little"), buckets, np.frombuffer(packed[end:], TIME))
