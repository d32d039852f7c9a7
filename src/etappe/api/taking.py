"""The way of events through HTTP, whatever form they came in: what the key allows, then the store, then the answer."""

from datetime import datetime
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.datastructures import State

from etappe.api import auth, metrics
from etappe.api.bodies import EventsAnswer
from etappe.api.service import Service, now
from etappe.events import trust
from etappe.events.intake import Accepted, Rejected
from etappe.events.vocabulary import SetConsent
from etappe.store.ingest import Outcome

ERASED: Final = "this customer was erased since; what happened before that is not kept"


async def take_events(
    request: Request[Any, Any, State],
    service: Service,
    accepted: list[Accepted],
    rejected: list[Rejected],
    *,
    token: str | None = None,
) -> EventsAnswer:
    """Takes the `accepted` events of a request; `token` says whom a browser speaks for."""
    sender = auth.sender_of(request, token)
    allowed, rejected = trust.without_foreign_consent(accepted, rejected, sender)
    allowed, rejected = trust.without_vouched(allowed, rejected, sender)
    allowed = trust.received(allowed, sender, trust_orders=service.settings.keys.browser_orders == "trust")
    allowed = _said_by_now(allowed, now())
    outcomes = await service.take(allowed, trust.linking(allowed, sender))
    gone = [Rejected(one.index, ERASED) for one, what in zip(allowed, outcomes, strict=True) if what is Outcome.ERASED]
    rejected = sorted([*rejected, *gone], key=lambda one: one.index)
    answer = EventsAnswer(outcomes.count(Outcome.ACCEPTED), outcomes.count(Outcome.DUPLICATE), rejected)
    for status, count in (("accepted", answer.accepted), ("duplicate", answer.duplicate), ("rejected", len(rejected))):
        metrics.EVENTS.labels(status=status).inc(count)
    return answer


def _said_by_now(events: list[Accepted], arrived: datetime) -> list[Accepted]:
    """Consent counts from when it arrived at the latest: else a clock that runs ahead would outlast a withdrawal."""
    return [
        msgspec.structs.replace(one, time=arrived) if isinstance(one.event, SetConsent) and one.time > arrived else one
        for one in events
    ]
