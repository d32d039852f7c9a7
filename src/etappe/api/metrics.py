"""What operators watch, in Prometheus' format, added up over the serving processes of one machine."""

import asyncio
import logging
import os
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from etappe import settings

_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_REGISTRY: Final = CollectorRegistry()
_ALONE: Final = b"# The folder that serving processes share cannot be read: these are of one process alone.\n"
_TELL_SECONDS: Final = 0.1
_SETTLE_SECONDS: Final = 0.3
"""After so long every process has told what it had counted until then."""
_TALLIES: Final[list["Tally | Durations"]] = []
_log = logging.getLogger("etappe.api")

if folder := settings.shared_metrics():
    with suppress(OSError):  # a process that starts where the folder was removed counts in a new one, or says why not
        Path(folder).mkdir(parents=True, exist_ok=True)

DECISIONS: Final = Counter("etappe_decisions", "Decisions answered.", ["degraded"], registry=_REGISTRY)
DECISION_SECONDS: Final = Histogram(
    "etappe_decision_seconds", "From request to answer, in seconds.", buckets=_SECONDS, registry=_REGISTRY
)
EVENTS: Final = Counter("etappe_events", "Events that came in.", ["status"], registry=_REGISTRY)
SET_BACK: Final = Counter(
    "etappe_decisions_set_back", "Decisions degraded because Redis has lost what it had.", registry=_REGISTRY
)
HELD_BACK: Final = Counter(
    "etappe_decisions_held_back",
    "Degraded decisions that held back what was known to be forbidden to a customer seen lately.",
    registry=_REGISTRY,
)
REFUSED: Final = Counter(
    "etappe_refused", "Requests refused as there was more to do than could be done.", ["what"], registry=_REGISTRY
)
RECORDS_DROPPED: Final = Counter(
    "etappe_decision_records_dropped", "Decision records dropped under overload.", registry=_REGISTRY
)


class Tally:
    """A counter of what happens at each request: counted in a plain number, and told to Prometheus now and then.

    Its own numbers lie in a shared file behind a lock, where counting once costs as much as a hundred times.
    """

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._count = 0
        _TALLIES.append(self)

    def inc(self, amount: int = 1) -> None:
        """Counts."""
        self._count += amount

    def tell(self) -> None:
        """Adds what was counted since to the counter."""
        count, self._count = self._count, 0
        if count:
            self._counter.inc(count)


class Durations:
    """As `Tally`, of a histogram."""

    def __init__(self, histogram: Histogram, bounds: Sequence[float]) -> None:
        self._histogram = histogram
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0
        _TALLIES.append(self)

    def observe(self, seconds: float) -> None:
        """Counts a duration."""
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._sum += seconds

    def tell(self) -> None:
        """Adds what was counted since to the histogram, which has no way in but one by one."""
        counts, self._counts = self._counts, [0] * len(self._counts)
        total, self._sum = self._sum, 0.0
        if any(counts):
            self._histogram._sum.inc(total)  # noqa: SLF001
            for bucket, count in zip(self._histogram._buckets, counts, strict=True):  # noqa: SLF001
                if count:
                    bucket.inc(count)


_SECONDS_OF_DECISIONS: Final = Durations(DECISION_SECONDS, _SECONDS)


@cache
def _decisions(*, degraded: bool) -> Tally:
    return Tally(DECISIONS.labels(degraded=str(degraded).lower()))


@cache
def _refused(what: str) -> Tally:
    return Tally(REFUSED.labels(what=what))


def refused(what: str) -> None:
    """Counts a request that was refused."""
    _refused(what).inc()


def decided(seconds: float, *, degraded: bool) -> None:
    """Counts a decision."""
    _decisions(degraded=degraded).inc()
    _SECONDS_OF_DECISIONS.observe(seconds)


def tell() -> None:
    """Tells Prometheus what was counted since."""
    for tally in _TALLIES:
        tally.tell()


async def tell_now_and_then() -> None:
    """Tells until cancelled, and once more then: other processes show what this one counted."""
    try:
        while True:
            await asyncio.sleep(_TELL_SECONDS)
            tell()
    finally:
        tell()


async def settled(shared: str | None) -> bytes:
    """As `exposition`, with all that any process had counted when this was asked."""
    if shared is not None:
        await asyncio.sleep(_SETTLE_SECONDS)
    return exposition(shared)


def exposition(shared: str | None) -> bytes:
    """The metrics as text; `shared` is the folder in which processes share theirs, None for this process alone.

    Where the folder is gone or holds what is none of ours, what this process counted itself is all there is: it goes
    on counting in the files that it holds open.
    """
    tell()
    if shared is None:
        return generate_latest(_REGISTRY)
    registry = CollectorRegistry()
    try:
        (Path(shared) / f"counter_{os.getpid()}.db").stat()
        MultiProcessCollector(registry, path=shared)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
    except Exception as error:  # noqa: BLE001 - whatever is in the folder, operators want to see what there is
        _log.warning(
            "%s cannot be read, so /metrics shows one process alone: %s; restart `etappe serve`", shared, error
        )
        return _ALONE + generate_latest(_REGISTRY)
