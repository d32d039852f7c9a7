"""How often a visitor's browser may send events: what its publishable key allows anyone who reads it."""

import math
import time
from collections import Counter, OrderedDict
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from litestar.connection import ASGIConnection

from etappe.api.access import auth
from etappe.api.problems import RefusedError
from etappe.events.intake import Accepted
from etappe.events.trust import Sender, is_proven
from etappe.events.vocabulary import Event
from etappe.settings import Limits

VISITORS: Final = 50_000
"""Visitors whose buckets a process remembers: those heard of last; some 10 MB."""
BURST_SECONDS: Final = 10.0


class Rates:
    """A bucket of events for each visitor that fills with time, in this process.

    A full bucket lets any number pass, which is owed then: a batch larger than a bucket is slowed, never shut out.
    """

    def __init__(self, limits: Limits, visitors: int = VISITORS) -> None:
        self._rate = limits.browser_events_per_second
        self._full = max(1.0, self._rate * BURST_SECONDS)
        self._buckets: OrderedDict[int, tuple[float, float]] = OrderedDict()
        self._visitors = visitors

    def __len__(self) -> int:
        """The number of visitors that are remembered."""
        return len(self._buckets)

    def take(self, counts: dict[int, int], now: float) -> float:
        """Takes so many events of each visitor at `now` (seconds), or none and says in how many seconds they may come.

        Visitors are told apart by a hash: two who share one share a bucket.
        """
        left = {visitor: self._left(visitor, now) for visitor in counts}
        missing = [min(count, self._full) - left[visitor] for visitor, count in counts.items()]
        if max(missing, default=0.0) > 0.0:
            return max(missing) / self._rate
        for visitor, count in counts.items():
            self._buckets[visitor] = left[visitor] - count, now
            self._buckets.move_to_end(visitor)
        while len(self._buckets) > self._visitors:
            self._buckets.popitem(last=False)
        return 0.0

    def _left(self, visitor: int, now: float) -> float:
        left, then = self._buckets.get(visitor, (self._full, now))
        return min(self._full, left + (now - then) * self._rate)


def admit(request: ASGIConnection[Any, Any, Any, Any], accepted: Sequence[Accepted], sender: Sender) -> None:
    """Lets the events of a request of `sender` pass, all or none.

    Raises:
        RefusedError: they came with a publishable key, and a visitor of theirs sends more than one may.
    """
    if not accepted or auth.is_trusted(request):
        return
    counts = Counter(_visitor(one.event, sender) for one in accepted)
    seconds = math.ceil(request.app.state.rates.take(counts, time.monotonic()))
    if seconds:
        raise RefusedError(
            HTTPStatus.TOO_MANY_REQUESTS,
            f"a visitor sends more events than limits.browser_events_per_second; send these again in {seconds} s,"
            " or from a server with a secret key",
            field="events",
            seconds=seconds,
        )


def _visitor(event: Event, sender: Sender) -> int:
    """All names an event gives, and whether they are proved.

    Who claims one of them alone takes nothing from a browser that gives two, and who proves nothing none from who does.
    """
    order = event.order_id if not event.anonymous_id else None
    return hash((event.user_id, event.anonymous_id, order, is_proven(event, sender)))
