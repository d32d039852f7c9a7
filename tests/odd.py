"""Whole payloads of every kind, and what stands where something else should: any JSON in any of their fields."""

import copy
import json
from collections.abc import Iterator
from typing import Any, Final

from hypothesis import strategies as st

_HIGH: Final = 2
"""Places so high up are tried together."""
Path = tuple[str | int, ...]
Payload = dict[str, Any]

_PRODUCT: Final[Payload] = {
    "product_id": "p-1", "sku": "s-1", "name": "Lamp", "brand": "Alma", "category": "home", "quantity": 2, "price": 3.5,
    "currency": "EUR", "variant": "red", "position": 1, "item_category": "home", "item_category2": "lamps",
}  # fmt: skip
_CONTEXT: Final[Payload] = {
    "userAgent": "Mozilla/5.0", "page": {"url": "https://shop.example/"}, "traits": {"email": "a@example.com", "phone": "+49 1"},
    "device": {"type": "ios", "id": "d-1", "advertisingId": "ad-1", "adTrackingEnabled": True},
    "externalIds": [{"type": "crm", "id": "7", "collection": "users", "encoding": "none"}],
    "consent": {"categoryPreferences": {"advertising": True, "functional": False}},
}  # fmt: skip
_MESSAGE: Final[Payload] = {
    "type": "track", "event": "Order Completed", "userId": "u-1", "anonymousId": "a-1", "messageId": "m-1",
    "timestamp": "2026-03-01T11:00:00Z", "originalTimestamp": "2026-03-01T11:00:00Z", "sentAt": "2026-03-01T11:00:01Z",
    "receivedAt": "2026-03-01T11:00:02Z", "channel": "browser", "version": 2, "context": _CONTEXT, "integrations": {"All": True},
    "properties": {
        "order_id": "o-1", "revenue": 7.0, "total": 8.0, "currency": "EUR", "email": "a@example.com", "device": "phone",
        "identities": {"loyalty_card": "c-1"}, "decision": "d", "products": [_PRODUCT], **_PRODUCT,
    },
}  # fmt: skip

SEGMENT: Final[list[Payload]] = [
    _MESSAGE,
    _MESSAGE | {"event": "Product Viewed"},
    _MESSAGE | {"event": "Product Reviewed", "properties": _PRODUCT | {"rating": 4, "review_body": "good"}},
    _MESSAGE | {"event": "Products Searched", "properties": {"query": "lamp"}},
    _MESSAGE | {"event": "Email Opened", "properties": {"campaign_id": "c"}},
    _MESSAGE | {"type": "identify", "traits": {"email": "a@example.com", "phone": "1", "country": "DE", "$x": 1}},
    _MESSAGE | {"type": "page", "name": "Lamp", "category": "home"},
    _MESSAGE | {"type": "group", "groupId": "g-1", "traits": {"plan": "x"}},
    _MESSAGE | {"type": "alias", "previousId": "old"},
]
"""Segment's messages with every field that their translation reads."""

_PURCHASE: Final[Payload] = {
    "name": "purchase", "timestamp_micros": 1772362800000000,
    "params": {"transaction_id": "t-1", "value": 9.5, "currency": "EUR", "items": [{"item_id": "i-1", "item_name": "Lamp", **_PRODUCT}]},
}  # fmt: skip
_BODY: Final[Payload] = {
    "client_id": "c-1", "app_instance_id": "app-1", "user_id": "u-1", "timestamp_micros": 1772362800000000,
    "received_micros": 1772362800000001, "user_agent": "Mozilla/5.0", "platform": "WEB", "daily": False, "non_personalized_ads": True,
    "consent": {"ad_user_data": "GRANTED", "ad_personalization": "DENIED"},
    "user_data": {"sha256_email_address": ["a" * 64], "sha256_phone_number": "b" * 64},
    "user_properties": {"tier": {"value": "gold", "timestamp_micros": 1772362800000000}},
    "events": [_PURCHASE, {"name": "view_search_results", "params": {"search_term": "lamp", "items": []}}],
}  # fmt: skip
_UNION: Final[Payload] = {
    "string_value": None,
    "int_value": "7",
    "double_value": None,
    "set_timestamp_micros": 1772362800000000,
}
GA4: Final[list[Payload]] = [_BODY, _BODY | {"events": [{"name": "add_to_cart", "params": _PURCHASE["params"]}]}]
"""Bodies of the Measurement Protocol."""

BIGQUERY: Final[list[Payload]] = [
    {
        "event_name": "purchase", "event_timestamp": "1772362800000000", "user_pseudo_id": "c-1", "user_id": "u-1", "platform": "WEB",
        "event_bundle_sequence_id": "1", "batch_page_id": "1", "batch_ordering_id": "1", "batch_event_index": "1",
        "event_params": [{"key": "currency", "value": {"string_value": "EUR"}}, {"key": "value", "value": _UNION}],
        "user_properties": [{"key": "tier", "value": _UNION}],
        "privacy_info": {"analytics_storage": "Yes", "ads_storage": "No"}, "ecommerce": {"transaction_id": "t-1", "purchase_revenue": 9.5},
        "items": [{"item_id": "i-1", "item_name": "Lamp", "price": 3.5, "quantity": "2", "item_params": [{"key": "a", "value": _UNION}]}],
    }
]  # fmt: skip
"""Rows of the BigQuery export."""

NATIVE: Final[list[Payload]] = [
    {
        "event": event, "timestamp": "2026-03-01T11:00:00Z", "event_id": "e-1", "user_id": "u-1", "anonymous_id": "a-1", "item_id": "i-1",
        "order_id": "o-1", "quantity": 2, "price": 3.5, "currency": "EUR", "channel": "web", "properties": properties,
    }
    for event, properties in (
        ("purchase", {"email": "a@example.com", "identities": {"external": {"crm": "7"}, "phone": "1"}, "staff": False}),
        ("rate", {"rating": 4}),
        ("set_consent", {"personalisation": True, "source": "page", "text_version": "v1"}),
        ("identify", {"email": "a@example.com", "phone": "1", "loyalty_card": "c", "tier": "gold"}),
        ("alias", {"previous_id": "old"}),
        ("view_item", {"user_agent": "Mozilla/5.0", "campaign": "c", "decision": "d"}),
    )
]  # fmt: skip
"""Events in Etappe's own form."""

_LEAVES: Final = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=6),
    st.sampled_from(["", " ", "\n", "EUR\n", "x" * 300, "1e400", "-1", "nan", "0001-01-01", "9999-12-31T23:59:59-23:59", "$", "\x00"]),
)  # fmt: skip
JSON: Final = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)

ODD: Final[list[Any]] = [
    None, True, 0, -1, 1.5, 10**30, "", "x" * 300, "EUR\n", [], [[]], [None], ["x"], {}, {"": None}, {"$x": [1]}, {"a": {"b": []}},
    json.loads('{"a":' * 60 + "1" + "}" * 60), json.loads("[" * 700 + "]" * 700),
]  # fmt: skip
"""Values that are hardly ever what a field takes."""


def paths(payload: Any, above: Path = ()) -> Iterator[Path]:
    """The place of every value in a payload."""
    inside = payload.items() if isinstance(payload, dict) else enumerate(payload) if isinstance(payload, list) else ()
    for name, value in inside:
        yield (*above, name)
        yield from paths(value, (*above, name))


def with_value(payload: Payload, path: Path, value: Any) -> Payload:
    """The payload with something else at a place."""
    changed = copy.deepcopy(payload)
    inside: Any = changed
    for name in path[:-1]:
        inside = inside[name]
    inside[path[-1]] = value
    return changed


def without(payload: Payload, path: Path) -> Payload:
    """The payload without what stands at a place, where it is an object's."""
    if not isinstance(path[-1], str):
        return payload
    changed = copy.deepcopy(payload)
    inside: Any = changed
    for name in path[:-1]:
        inside = inside[name]
    del inside[path[-1]]
    return changed


def sparser(payloads: list[Payload]) -> list[Payload]:
    """The payloads, and each without one of its fields: what one field says may hide another."""
    return [*payloads, *(without(payload, path) for payload in payloads for path in paths(payload))]


def changed(payloads: list[Payload]) -> st.SearchStrategy[Payload]:
    """One of the payloads, whole or without a field, with any JSON at any of its places."""
    places = [(payload, path) for payload in sparser(payloads) for path in paths(payload)]
    return st.builds(
        lambda place, value: with_value(*place, value), st.sampled_from(places), JSON | st.sampled_from(ODD)
    )


def every(payloads: list[Payload]) -> Iterator[Payload]:
    """Each payload with each odd value at each place, and the first of them without one thing with some of these."""
    for payload in payloads:
        for path in paths(payload):
            yield from (with_value(payload, path, value) for value in ODD)
    for gone in paths(payloads[0]):
        rest = without(payloads[0], gone)
        for path in paths(rest) if len(gone) <= _HIGH else ():
            yield from (with_value(rest, path, value) for value in ([], {}, 7) if len(path) <= _HIGH)
