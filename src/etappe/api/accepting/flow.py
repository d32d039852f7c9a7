"""The way of events through HTTP, whatever form they came in: what the key allows, then the store, then the answer."""

from datetime import datetime
from typing import Any, Final

from litestar import Request
from litestar.datastructures import State

from etappe.api import metrics
from etappe.api.accepting import stubs
from etappe.api.access import auth
from etappe.api.bodies import EventsAnswer
from etappe.api.service import Service, now
from etappe.events import trust
from etappe.events.intake import Accepted, Rejected
from etappe.store.ingesting.ingest import Outcome

_STATUSES: Final = ("accepted", "duplicate", "rejected")
_COUNTERS: Final = tuple(metrics.Tally(metrics.EVENTS.labels(status=status)) for status in _STATUSES)
ERASED: Final = "this customer was erased since; what happened before that is not kept"


async def take_events(
    request: Request[Any, Any, State],
    service: Service,
    accepted: list[Accepted],
    rejected: list[Rejected],
    *,
    token: str | None = None,
    arrived: datetime | None = None,
) -> EventsAnswer:
    """Takes the `accepted` events of a request that `arrived` (default: now); `token` says whom a browser speaks for.

    Raises:
        RefusedError: there is more to do than can be done in time.
        StoreError: Redis does not take them; what it took of them is recognised when they are sent again.
    """
    sender = auth.sender_of(request, token)
    allowed, rejected = trust.without_foreign_consent(accepted, rejected, sender)
    allowed, rejected = trust.without_shops_own(allowed, rejected, sender)
    allowed, rejected = trust.without_vouched(allowed, rejected, sender)
    allowed = trust.received(allowed, sender, trust_orders=service.settings.keys.browser_orders == "trust")
    async with service.admission.events_turn(len(allowed)):
        allowed = await service.with_consent_timed(allowed, arrived or now())
        outcomes = await service.take(allowed, trust.linking(allowed, sender))
    erased = [one for one, what in zip(allowed, outcomes, strict=True) if what is Outcome.ERASED]
    gone = [Rejected(one.index, ERASED) for one in erased if one.proven]
    rejected = sorted([*rejected, *gone], key=lambda one: one.index)
    untold = len(erased) - len(gone)  # that somebody was erased is nothing for strangers
    if sender.trusted:
        await stubs.add(service, allowed)
    answer = EventsAnswer(outcomes.count(Outcome.ACCEPTED) + untold, outcomes.count(Outcome.DUPLICATE), rejected)
    for counter, count in zip(_COUNTERS, (answer.accepted, answer.duplicate, len(rejected)), strict=True):
        if count:
            counter.inc(count)
    return answer
