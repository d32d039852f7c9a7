"""`POST /v1/segment/...`: the calls of Segment's HTTP API, as its clients make them."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from etappe.api.accepting.payloads import AnyRequest, body_of, take
from etappe.api.access import auth
from etappe.api.describing.operations import BatchOperation, MessageOperation
from etappe.api.service import Service, now
from etappe.errors import InputError
from etappe.events.intake import Rejected
from etappe.events.translation import segment
from etappe.events.translation.segment_messages import BATCH, CALLS, MAX_BODY_BYTES, messages
from etappe.events.translation.translated import Translated

Serving = NamedDependency[Service]
_OPTIONS: dict[str, Any] = {"status_code": 200, "guards": [auth.basic_key]}


class SegmentAnswer(msgspec.Struct, frozen=True):
    """Segment's answer, with what became of the events; `index` of a rejected one is its message's in the batch."""

    success: bool
    accepted: int
    duplicate: int
    rejected: list[Rejected]


async def _taken(request: AnyRequest, service: Service, call: str) -> SegmentAnswer:
    arrived = now()
    body = await body_of(request, MAX_BODY_BYTES)
    done = await take(request, service, _translated(messages(body, call, arrived), service), arrived)
    return SegmentAnswer(success=True, accepted=done.accepted, duplicate=done.duplicate, rejected=done.rejected)


def _translated(raws: Iterable[bytes], service: Service) -> Iterator[Translated | Rejected]:
    reading = service.settings.values.reading()
    for index, raw in enumerate(raws):
        try:
            yield segment.translate(raw, reading=reading)
        except InputError as error:
            yield Rejected(index, str(error), error.field)


@post(f"/v1/segment/{BATCH}", operation_class=BatchOperation, **_OPTIONS)
async def post_batch(request: AnyRequest, service: Serving) -> SegmentAnswer:
    """Take a batch of Segment's messages: each is judged on its own, and what is accepted is durable."""
    return await _taken(request, service, BATCH)


def _call(name: str) -> HTTPRouteHandler:
    async def post_call(request: AnyRequest, service: Serving) -> SegmentAnswer:
        return await _taken(request, service, name)

    post_call.__name__ = f"post_{name}"
    post_call.__doc__ = f"Take one `{name}` message of Segment's."
    return post(f"/v1/segment/{name}", operation_class=MessageOperation, **_OPTIONS)(post_call)


HANDLERS = [post_batch, *(_call(name) for name in CALLS)]
