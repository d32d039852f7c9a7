"""No payload, however odd, brings a translation to more than an InputError, and what it gives can be given again."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etappe.errors import InputError
from etappe.events.intake import completed
from etappe.events.translation import ga4, segment
from etappe.events.translation.segment_messages import messages
from etappe.events.translation.translated import Translated, accepted

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEYS = st.one_of(
    st.sampled_from(
        [
            "type", "event", "userId", "anonymousId", "previousId", "messageId", "timestamp", "originalTimestamp", "sentAt",
            "receivedAt", "context", "traits", "properties", "products", "product_id", "sku", "quantity", "price", "currency",
            "order_id", "rating", "query", "device", "id", "advertisingId", "externalIds", "consent", "categoryPreferences",
            "userAgent", "email", "identities", "$x", "name", "params", "items", "item_id", "events", "client_id",
            "timestamp_micros", "user_properties", "value", "user_data", "sha256_email_address", "ad_personalization",
            "transaction_id", "received_micros", "event_name", "event_params", "key", "string_value", "int_value", "ecommerce",
            "event_timestamp", "privacy_info", "analytics_storage", "user_pseudo_id", "set_timestamp_micros",
        ]
    ),
    st.text(max_size=4),
)  # fmt: skip
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=6),
    st.sampled_from(
        ["track", "identify", "page", "group", "alias", "Order Completed", "Product Reviewed", "purchase", "view_item", "refund",
         "2026-03-01T11:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59Z", "1772366400000000", "1e400", "EUR",
         "GRANTED", "(not set)", "a" * 300, "-1", "0"]
    ),
)  # fmt: skip
JSON = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=6)),
    max_leaves=20,
)
OBJECTS = st.dictionaries(KEYS, JSON, max_size=9)


def _check(payloads: Iterable[Translated]) -> None:
    for done in payloads:
        good, bad = accepted(done, NOW)
        assert all(one.event_id and len(one.event_id) <= 256 for one in good)
        assert all(msgspec.json.decode(completed(one)) for one in good)
        assert [one.raw for one in good if one.raw is not None] == [done.raw] * bool(good)
        assert all(one.reason for one in bad)


@given(message=OBJECTS, more=JSON, call=st.sampled_from(["track", "identify", "page", "group", "alias"]))
@settings(max_examples=300, deadline=None)
def test_segment(message: dict[str, Any], more: Any, call: str) -> None:
    """Any objects as messages: alone, in a batch, and from the payload again."""
    for body, name in ((message, call), ({"batch": [message | {"type": call}, more], "context": more}, "batch")):
        try:
            raws = list(messages(json.dumps(body).encode(), name, NOW))
        except InputError:
            continue
        for raw in raws:
            try:
                done = segment.translate(raw)
            except InputError:
                continue
            _check([done])
            assert segment.translate(raw) == done


@given(body=OBJECTS, events=st.lists(JSON, max_size=3), named=st.booleans())
@settings(max_examples=300, deadline=None)
def test_ga4(body: dict[str, Any], events: list[Any], named: bool) -> None:
    """Any objects as bodies, and as rows of the export."""
    whole = body | ({"event_name": "purchase", "items": events} if named else {"events": events})
    raw = ga4.stamped(json.dumps(whole).encode(), NOW)
    try:
        done = ga4.translate(raw)
    except InputError:
        return
    _check([done])
    assert ga4.translate(raw) == done


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b'{"a": "\\ud800"}', b"[" * 99_999, b'{"a":' * 99_999, b"1" * 999])
def test_no_json(raw: bytes) -> None:
    """Bytes that are no JSON object are refused as such."""
    for translate in (segment.translate, ga4.translate):
        with pytest.raises(InputError):
            translate(raw)
