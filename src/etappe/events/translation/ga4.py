"""Google Analytics 4: bodies of the Measurement Protocol and rows of the BigQuery export as events.

A payload is translated from its own bytes alone (those of a body with the time of arrival), so that these bytes, kept,
give the same events again. docs/events.md has the mapping.
"""

from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from etappe.errors import InputError, TooMuchError
from etappe.events.traffic import OTHER
from etappe.events.translation import ga4_customer, ga4_rows, touches, values
from etappe.events.translation.drafts import Common, Draft, named, occurrence, same, told
from etappe.events.translation.translated import Translated, translated
from etappe.values.reading import USUAL, Reading
from etappe.values.unreadable import Unreadable

MAX_EVENTS: Final = 25
"""In a body, as Google has it."""
MAX_BODY_BYTES: Final = 130_000
"""Of a body, as Google has it."""

_RECEIVED: Final = "received_micros"
_NAMES: Final = {
    "view_search_results": "search",
    "ecommerce_purchase": "purchase",
    "purchase_refund": "refund",
    "screen_view": "page_view",
}
_TOGETHER: Final = frozenset(
    {
        "view_item_list", "begin_checkout", "add_payment_info", "view_promotion", "select_promotion", "search",
        "page_view", "survey",
    }
)  # fmt: skip
"""Events about their items together; others happen to each."""


def stamped(body: bytes, now: datetime) -> bytes:
    """The body of a request that arrived at `now`, with that time.

    Raises:
        InputError: it is no JSON object.
    """
    found = values.parts(body)
    found.setdefault(_RECEIVED, msgspec.Raw(str(values.micros(now)).encode()))
    return msgspec.json.encode(found)


def translate(raw: bytes, now: datetime | None = None, reading: Reading = USUAL) -> Translated:
    """What a body or a row says. What names no time happened when it was received, else at `now`.

    Raises:
        InputError: it is neither, or has too many events.
    """
    body = values.decoded(raw)
    if "event_name" in body:
        body = ga4_rows.body_of(body)
    events = body.get("events", [])
    if not isinstance(events, list):
        raise InputError('events is a list: {"client_id": "...", "events": [...]}', field="events")
    if len(events) > MAX_EVENTS:
        raise TooMuchError(f"{len(events)} events in one body; send at most {MAX_EVENTS}", field="events")
    received = values.at(body[_RECEIVED]) if _RECEIVED in body else now
    drafts = [*ga4_customer.drafts(body, received, reading.nobody), *_of_events(body, events, received, reading)]
    return translated(drafts, raw, reading.nobody)


def _of_events(
    body: dict[str, Any], events: list[Any], received: datetime | Unreadable | None, reading: Reading
) -> list[Draft]:
    agent = body.get("user_agent")
    shared = Common(
        ga4_customer.who(body, reading.nobody) | {"channel": _channel(body)},
        agent if isinstance(agent, str) else None,
        reading=reading,
    )
    seen: Counter[str] = Counter()
    drafts: list[Draft] = []
    for index, one in enumerate(events):
        event = values.mapping(one)
        stamp = event.get("timestamp_micros", body.get("timestamp_micros"))
        time = received if stamp is None else values.at(stamp)
        if "timestamp_micros" not in event and isinstance(time, datetime):
            with suppress(OverflowError):  # at the end of time; others refuse it
                time += timedelta(microseconds=index)  # what names no time happened in the order of the list
        made = _of_event(event, msgspec.structs.replace(shared, fields=shared.fields | {"timestamp": time}))
        once = ga4_customer.stamp(event.get("row", stamp), received, made[0].event)
        _name(made, event, once, seen)
        drafts += [msgspec.structs.replace(draft, index=index) for draft in made]
    return drafts


def _of_event(event: dict[str, Any], common: Common) -> list[Draft]:
    said = dict(values.mapping(event.get("params")))
    items, name = said.pop("items", None), event.get("name")
    if not isinstance(name, str) or not name:
        return [Draft("", common.fields)]
    kind = same(_NAMES.get(name, name), said, items)
    if kind == OTHER:
        said["event_name"] = name
    made = told(kind, said, items, common, listed=kind == OTHER or kind in _TOGETHER)
    came = (touches.named(said), touches.named(values.mapping(event.get("traffic"))))
    touches.put(
        made, (*came, touches.of_address(said.get("page_location")), touches.referred(said.get("page_referrer")))
    )
    return made


def _name(drafts: list[Draft], event: dict[str, Any], stamp: str, seen: Counter[str]) -> None:
    """Gives drafts of one event their ids: those of an order are the order's and the item's, as Google counts them."""
    told_as = [msgspec.json.encode(event.get(name), order="sorted") for name in ("name", "params")]
    for place, draft in enumerate(drafts):
        fields = draft.fields
        who = [str(fields.get(name)) for name in ("user_id", "anonymous_id")]
        if not (draft.event == "purchase" and isinstance(fields.get("order_id"), str)):
            fields["event_id"] = occurrence(seen, values.digest(*who, *told_as, stamp, str(place)), "g-")
    named(drafts, "g-")


def _channel(body: dict[str, Any]) -> str | None:
    platform = body.get("platform")
    if platform is not None:
        return {"WEB": "web", "ANDROID": "app", "IOS": "app"}.get(str(platform).upper())
    if body.get("app_instance_id"):
        return "app"
    return "web" if body.get("client_id") else None
