"""Rows in native form are judged as the API judges events."""

from datetime import UTC, datetime

import msgspec
import polars as pl
import pytest

from etappe.errors import InputError
from etappe.events import intake
from etappe.importing.formats.native import SPELT
from etappe.importing.judging import checks
from etappe.importing.judging.spelling import Spelling
from etappe.values.reading import USUAL

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GOOD = {"event": "purchase", "timestamp": "2025-01-01T00:00:00Z", "user_id": "7", "item_id": "A"}


def _judge(row: dict[str, str | None]) -> dict[str, object]:
    frame = pl.DataFrame({name: pl.Series([value], dtype=pl.String) for name, value in row.items()})
    spelt = Spelling(USUAL, "UTC", NOW).read(frame, SPELT)
    return checks.check(spelt, "UTC", NOW).row(0, named=True)


BAD = [
    ({"event": None}, "event: missing"),
    ({"event": "bought"}, "event: not in the vocabulary"),
    ({"timestamp": None}, "timestamp: missing"),
    ({"timestamp": "soon"}, "timestamp: not a time"),
    ({"timestamp": "1969-12-31T00:00:00Z"}, "timestamp: before 1970"),
    ({"timestamp": "2026-01-02T00:00:01Z"}, "timestamp: more than a day ahead"),
    ({"user_id": "x" * 257}, "user_id: not 1 to 256 characters"),
    ({"event_id": "e" * 257}, "event_id: not 1 to 256 characters"),
    ({"item_id": None}, "item_id: missing"),
    ({"event": "refund", "item_id": None}, "item_id: a refund, return or delivery names an item_id or an order_id"),
    ({"event": "return", "item_id": None}, "item_id: a refund, return or delivery names an item_id or an order_id"),
    ({"event": "page_view", "properties": '{"source": 1}'}, "properties: not what page_view takes"),
    ({"event": "service_contact", "properties": '{"state": "x"}'}, "properties: not what service_contact takes"),
    ({"event": "survey", "properties": '{"answer": {}}'}, "properties: not what survey takes"),
    ({"event": "identify", "properties": '{"company": [1]}'}, "properties: not what identify takes"),
    (
        {"event": "view_item", "properties": '{"identities": {"household": "h"}}'},
        "properties.identities.household: no identity",
    ),
    ({"user_id": None}, checks.NOBODY),
    ({"quantity": "0"}, "quantity: not a whole number from 1 to 1000000"),
    ({"quantity": "1.5"}, "quantity: not a whole number from 1 to 1000000"),
    ({"quantity": "1000001"}, "quantity: not a whole number from 1 to 1000000"),
    ({"quantity": "many"}, "quantity: not a whole number from 1 to 1000000"),
    ({"quantity": "NaN"}, "quantity: not a whole number from 1 to 1000000"),
    ({"price": "-0.01"}, "price: not a number from 0 to 1e12"),
    ({"price": "inf"}, "price: not a number from 0 to 1e12"),
    ({"price": "NaN"}, "price: not a number from 0 to 1e12"),
    ({"price": "1e13"}, "price: not a number from 0 to 1e12"),
    ({"price": "1,50 Taler"}, "price: not a number from 0 to 1e12"),
    ({"currency": "US Dollar"}, "currency: not three capital letters"),
    (
        {"channel": "fax"},
        "channel: not one of web, app, email, sms, push, store, ad, phone, social, chat, print, agent",
    ),
    ({"claim": "yes"}, "claim: not true or false"),
    ({"event": "view_item", "claim": "true"}, "claim: only a purchase or refund is one"),
    ({"properties": "{"}, "properties: not a JSON object"),
    ({"properties": "[1]"}, "properties: not a JSON object"),
    ({"properties": '{"a": "' + "x" * 33_000 + '"}'}, "properties: over 32768 bytes"),
    ({"event": "rate", "properties": '{"rating": 6}'}, "properties: not what rate takes"),
    ({"event": "rate"}, "properties: not what rate takes"),
    ({"event": "set_consent", "properties": '{"ads": 1}'}, "properties: not what set_consent takes"),
]


@pytest.mark.parametrize(("change", "reason"), BAD)
def test_reason(change: dict[str, str | None], reason: str) -> None:
    """Each broken rule has its reason, which names the field and not the value."""
    assert reason == _judge(GOOD | change)["reason"]


@pytest.mark.parametrize(("change", "reason"), BAD)
def test_api_refuses_the_same(change: dict[str, str | None], reason: str) -> None:
    """What an import rejects, `POST /v1/events` rejects too, apart from times it fills in and before 1970."""
    row = {name: value for name, value in (GOOD | change).items() if value is not None}
    numbers = {name: _number(row[name]) for name in ("quantity", "price") if name in row}
    said = {"properties": msgspec.Raw(row["properties"].encode())} if "properties" in row else {}
    raw = msgspec.json.encode(row | numbers | said)
    if reason in ("timestamp: missing", "timestamp: before 1970"):
        return
    with pytest.raises(InputError):
        intake.read_event(raw, NOW)


def _number(text: str) -> object:
    try:
        return float(text) if "." in text or "e" in text else int(text)
    except ValueError:
        return text


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"user_id": None, "anonymous_id": "x"},
        {"user_id": None, "order_id": "1"},
        {"quantity": "1000000", "price": "0", "currency": "EUR", "channel": "web"},
        {"quantity": "3.0"},
        {"properties": '{"a": [1, {"b": null}]}'},
        {"event": "search", "item_id": None},
        {"event": "set_traits", "item_id": None, "properties": '{"country": "DE"}'},
        {"timestamp": "2026-01-01T23:59:59Z"},
        {"user_id": "x" * 256},
    ],
)
def test_good(change: dict[str, str | None]) -> None:
    """Rows at the limits, and with what else the API takes, are accepted."""
    assert _judge(GOOD | change)["reason"] is None


def test_deep_nesting() -> None:
    """JSON nested too deep to be decoded is a rejected row, not a crash."""
    assert _judge(GOOD | {"properties": '{"a": ' + "[" * 30_000})["reason"] == "properties: not a JSON object"


def test_typed() -> None:
    """An accepted row has its time, quantity and price as the log keeps them."""
    row = _judge(GOOD | {"quantity": "3", "price": "2.5"})
    expected = (datetime(2025, 1, 1, tzinfo=UTC), 3, 2.5)
    assert expected == (row["time"], row["quantity"], row["price"])


def test_own_reason_first() -> None:
    """A reason that the importer found goes before the ones found here."""
    frame = pl.DataFrame([GOOD | {"event": "bought", "reason": "mine"}])
    assert checks.check(frame, "UTC", NOW).row(0, named=True)["reason"] == "mine"
