"""`POST /mp/collect`: the Measurement Protocol of Google Analytics 4, as its clients send it."""

from typing import Final

import msgspec
from litestar import post
from litestar.di import NamedDependency

from etappe.api.accepting.payloads import AnyRequest, body_of, take
from etappe.api.access import auth
from etappe.api.describing.operations import CollectOperation
from etappe.api.service import Service, now
from etappe.events.intake import Rejected
from etappe.events.translation import ga4
from etappe.events.translation.translated import Translated, accepted

Serving = NamedDependency[Service]
_REQUIRED: Final = "missing"


class ValidationMessage(msgspec.Struct, frozen=True, rename="camel"):
    """What of a body is not taken, as Google's validation server tells it."""

    field_path: str
    description: str
    validation_code: str


class Validation(msgspec.Struct, frozen=True, rename="camel"):
    """All that is not taken; empty where all is."""

    validation_messages: list[ValidationMessage]


@post("/mp/collect", status_code=204, guards=[auth.api_secret], operation_class=CollectOperation)
async def post_collect(request: AnyRequest, service: Serving) -> None:
    """Take the events of a Measurement Protocol body; what of it is no event for Etappe is counted and left out."""
    arrived = now()
    body = ga4.stamped(await body_of(request, ga4.MAX_BODY_BYTES), arrived)
    await take(request, service, [_translated(body, service)], arrived)


@post("/debug/mp/collect", status_code=200, guards=[auth.api_secret], operation_class=CollectOperation)
async def post_debug_collect(request: AnyRequest, service: Serving) -> Validation:
    """Check a Measurement Protocol body without taking anything of it."""
    arrived = now()
    body = ga4.stamped(await body_of(request, ga4.MAX_BODY_BYTES), arrived)
    _, refused = accepted(_translated(body, service), arrived)
    return Validation([_message(one) for one in refused])


def _translated(body: bytes, service: Service) -> Translated:
    return ga4.translate(body, reading=service.settings.values.reading())


def _message(refused: Rejected) -> ValidationMessage:
    place = f"events[{refused.index}]" + (f".{refused.field}" if refused.field else "")
    code = "VALUE_REQUIRED" if _REQUIRED in refused.reason else "VALUE_INVALID"
    return ValidationMessage(place, refused.reason, code)


HANDLERS = [post_collect, post_debug_collect]
