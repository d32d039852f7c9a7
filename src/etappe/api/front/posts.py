"""What `POST /v1/decide` and `POST /v1/events` do once key and body are there: one way for the routes and the front."""

from typing import Any, Final

import msgspec
from litestar import Request
from litestar.datastructures import State

from etappe.api.accepting.flow import take_events
from etappe.api.access import auth
from etappe.api.bodies import EventsAnswer
from etappe.api.deciding import flow
from etappe.api.limits import bounds, rates
from etappe.api.service import Service, now
from etappe.events.identities import ANONYMOUS, Identity
from etappe.events.intake import read_batch
from etappe.serving.request import DecideRequest, check, with_clean_ids

FAILED: Final = "failed"
"""Where a request's state has the error that the front met with: the route raises it, and Litestar tells it."""

AnyRequest = Request[Any, Any, State]


async def decided(request: AnyRequest, asked: DecideRequest, service: Service) -> bytes:
    """The answer to `asked`, encoded: about whom the key and the token allow to ask.

    Raises:
        InputError: something of it cannot be answered.
    """
    check(asked)
    asked = with_clean_ids(asked, service.settings.values.nobodys())
    customer = asked.customer
    if customer.user_id and not auth.may_name_customers(request, customer.user_id, customer.token):
        asked = msgspec.structs.replace(asked, customer=msgspec.structs.replace(customer, user_id=None))
    browser = customer.anonymous_id
    proven = browser is None or auth.proves(request, Identity(ANONYMOUS, browser), customer.token)
    return await flow.answer(service, asked, proven=proven)


async def taken(request: AnyRequest, body: bytes, service: Service) -> EventsAnswer:
    """Takes the events of `body`; what became of each.

    Raises:
        InputError: the body is no batch of events.
        RefusedError: a visitor sends more than one may.
        StoreError: Redis does not take them.
    """
    accepted, rejected, token = read_batch(body, now(), bounds.EVENTS.of(request), service.settings.values.reading())
    rates.admit(request, accepted, auth.sender_of(request, token))
    return await take_events(request, service, accepted, rejected, token=token)


def raise_failed(request: AnyRequest) -> None:
    """Raises the error that the front met with when it did what the request asks for, if it did."""
    error: Exception | None = request.scope["state"].get(FAILED)
    if error is not None:
        raise error
