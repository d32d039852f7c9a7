"""What OpenAPI says of requests whose bodies the routes read themselves."""

from dataclasses import dataclass
from typing import Any, Final

import msgspec
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody

from etappe.events import intake, mending
from etappe.events.translation import ga4, segment_messages
from etappe.events.vocabulary import TYPES, Event
from etappe.values import money

_MESSAGE: Final = {"type": "object"}
_TEXT: Final = {"type": "string", "maxLength": money.LONGEST}
_OTHERWISE: Final = {
    **{name: {"type": "number"} for name in mending.IDS},
    "price": _TEXT | {"description": "As files may have it: `12,99 EUR`."},
    "quantity": _TEXT,
    "currency": {"type": "string", "description": "In small letters, too, or a sign of which there is one."},
}
_LINES: Final = {
    "type": "array",
    "items": {"type": "object"},
    "description": "Lines of an order, each an event with the fields of the whole: `item_id` (or `product_id`, `sku`,"
    " `id`), `quantity`, `price`, `currency`. `products`, `line_items`, `lineItems` and `lines` are the same.",
}


@dataclass
class EventsOperation(Operation):
    """`POST /v1/events`: each event is checked on its own, so the body is not one typed struct."""

    def __post_init__(self) -> None:
        """Adds the body."""
        told = {name: value for name, value in _as_written(_event()).items() if name != "event"} | {"items": _LINES}
        name = {"type": "string", "enum": sorted(TYPES)}
        one = {"type": "object", "properties": {"event": name, **told}, "required": ["event"]}
        sender = {
            "type": "object",
            "properties": {"token": {"type": ["string", "null"]}},
            "additionalProperties": False,
        }
        events = {"type": "array", "items": one, "maxItems": intake.MAX_EVENTS}
        body: Any = {
            "type": "object",
            "properties": {"events": events, "customer": sender},
            "required": ["events"],
            "additionalProperties": False,
        }
        self.request_body = _body(body)


@dataclass
class MessageOperation(Operation):
    """One message of Segment's, which documents it: any object, judged by itself."""

    def __post_init__(self) -> None:
        """Adds the body."""
        self.request_body = _body(_MESSAGE)


@dataclass
class BatchOperation(Operation):
    """A batch of Segment's messages, each judged by itself."""

    def __post_init__(self) -> None:
        """Adds the body."""
        batch = {"type": "array", "maxItems": segment_messages.MAX_MESSAGES}
        self.request_body = _body(
            {"type": "object", "properties": {segment_messages.BATCH: batch}, "required": [segment_messages.BATCH]}
        )


@dataclass
class CollectOperation(Operation):
    """A body of the Measurement Protocol, which Google documents; its events are judged one by one."""

    def __post_init__(self) -> None:
        """Adds the body."""
        events = {"type": "array", "maxItems": ga4.MAX_EVENTS}
        self.request_body = _body({"type": "object", "properties": {"events": events}})


@dataclass
class VisitorOperation(Operation):
    """`POST /v1/visitor`: a body may be left out."""

    def __post_init__(self) -> None:
        """Adds the body."""
        name = _event()["anonymous_id"]
        body = {"type": "object", "properties": {"anonymous_id": name}, "additionalProperties": False}
        self.request_body = _body(body, required=False)


def _body(schema: Any, *, required: bool = True) -> RequestBody:
    return RequestBody(content={"application/json": OpenAPIMediaType(schema=schema)}, required=required)


def _event() -> dict[str, Any]:
    """The fields of an event, as its type states them."""
    told: dict[str, Any] = msgspec.json.schema(Event)["$defs"]["Event"]["properties"]
    return told | {"timestamp": {"type": ["string", "null"], "format": "date-time"}}


def _as_written(told: dict[str, Any]) -> dict[str, Any]:
    """The fields of an event as clients may write them: ids, amounts and times in any spelling that can be read."""
    spelt = {name: {"anyOf": [*told[name]["anyOf"], _OTHERWISE[name]]} for name in _OTHERWISE}
    return told | spelt | {"timestamp": told["timestamp"] | {"type": ["string", "number", "null"]}}
