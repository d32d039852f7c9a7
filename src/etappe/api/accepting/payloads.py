"""The way in for the payloads of other systems: their bodies, and their events on the way of all events."""

import zlib
from collections.abc import Iterable
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from litestar import Request
from litestar.datastructures import State

from etappe.api.accepting.flow import take_events
from etappe.api.access import auth
from etappe.api.bodies import EventsAnswer
from etappe.api.limits import bounds, rates
from etappe.api.problems import RefusedError
from etappe.api.service import Service
from etappe.errors import InputError, TooMuchError
from etappe.events.intake import MAX_EVENTS, Accepted, Rejected
from etappe.events.translation.translated import Translated, accepted

AnyRequest = Request[Any, Any, State]

_GZIP: Final = 16 + zlib.MAX_WBITS


async def body_of(request: AnyRequest, limit: int) -> bytes:
    """The body, unpacked where it is sent as gzip.

    Raises:
        InputError: it cannot be unpacked.
        RefusedError: it has more than `limit` bytes then.
    """
    body = await request.body()
    if request.headers.get("content-encoding", "").strip().lower() in ("gzip", "x-gzip"):
        body = unpacked(body, limit)
    if len(body) > limit:
        raise RefusedError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body may have {limit:,} bytes unpacked; send smaller ones"
        )
    return body


def unpacked(body: bytes, limit: int) -> bytes:
    """What is in a gzip, as far as `limit` bytes and one.

    Raises:
        InputError: it is none, or cut off.
    """
    unpacking = zlib.decompressobj(_GZIP)
    try:
        found = unpacking.decompress(body, limit + 1)
    except zlib.error as error:
        raise InputError(f"the body is no gzip ({error}); leave content-encoding out, or pack it") from error
    if len(found) <= limit and not unpacking.eof:
        raise InputError("the gzip of the body is cut off; send it whole")
    return found


async def take(
    request: AnyRequest, service: Service, payloads: Iterable[Translated | Rejected], now: datetime
) -> EventsAnswer:
    """Takes the events of payloads, as many at once as a batch may have; each goes by the place of its payload.

    Raises:
        TooMuchError: they make more events than one request may.
        StoreError: Redis does not take them; what it took of them is recognised when they are sent again.
    """
    most = bounds.PAYLOADS_EVENTS.of(request)
    good: list[Accepted] = []
    bad: list[Rejected] = []
    for index, payload in enumerate(payloads):
        events, refused = ([], [payload]) if isinstance(payload, Rejected) else accepted(payload, now, index)
        good += events
        bad += refused
        if len(good) + len(bad) > most:
            raise TooMuchError(
                f"more than {most:,} events in one request; send fewer messages or products at a time", field="events"
            )
    rates.admit(request, good, auth.sender_of(request, None))
    portions = [good[start : start + MAX_EVENTS] for start in range(0, len(good), MAX_EVENTS)] or [[]]
    answers = [
        await take_events(request, service, some, bad if some is portions[0] else [], arrived=now) for some in portions
    ]
    rejected = sorted((one for answer in answers for one in answer.rejected), key=lambda one: one.index)
    return EventsAnswer(sum(one.accepted for one in answers), sum(one.duplicate for one in answers), rejected)
