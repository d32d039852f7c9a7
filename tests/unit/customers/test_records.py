"""The fixed-width records: what an event becomes in a tail, and how a tail is read."""

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etappe.customers import records
from etappe.customers.records import EVENT, ITEM, WIDTH, blocks_of, decode_tail, encode, heads
from etappe.customers.stated.traits import told
from etappe.errors import DataError
from etappe.events.vocabulary import (
    CODES,
    TYPES,
    Identify,
    Purchase,
    Rate,
    Refund,
    Search,
    SetConsent,
    SetTraits,
    ViewItem,
)
from etappe.ids import event_hash, item_hash, order_hash

TIME = datetime(2026, 3, 1, 12, 0, 0, 999_999, tzinfo=UTC)
MICROSECONDS = 1_772_366_400_999_999


def _fields(encoded: bytes) -> dict[str, Any]:
    return {name: decode_tail(encoded)[name][0].item() for name in EVENT.names or ()}


def test_layout_is_fixed() -> None:
    """A record is 40 and an item 56 bytes, of these fields at these places; a change needs a new version."""
    assert (EVENT.itemsize, ITEM.itemsize) == (40, 56)
    fields = EVENT.fields or {}
    assert {name: fields[name][1] for name in fields} == {
        "event": 0,
        "item": 8,
        "time": 16,
        "value": 24,
        "order": 32,
        "quantity": 36,
        "code": 38,
        "meta": 39,
    }


def test_known_bytes() -> None:
    """This purchase has these bytes, as it had on the first day of version 3."""
    event = Purchase(item_id="85123A", quantity=6, price=2.5, order_id="536365", channel="web")
    assert (
        encode(event, "e1", TIME).hex()
        == "ddd928ab551e8030c497fcfea37f17003f52be35f54b06000000000000002e40034a42f706000b31"
    )


def test_purchase() -> None:
    """A purchase keeps its hashes, microsecond, the money of the line, pieces and channel."""
    event = Purchase(item_id="i", quantity=6, price=2.5, order_id="o", channel="email")
    assert {
        "event": event_hash("e1"),
        "item": item_hash("i"),
        "time": MICROSECONDS,
        "value": 15.0,
        "order": order_hash("o"),
        "quantity": 6,
        "code": CODES["purchase"],
        "meta": records.VERSION << 4 | 3,
    } == _fields(encode(event, "e1", TIME))


def test_what_is_not_said() -> None:
    """Without item, price, order or channel those are 0; without a quantity it is one piece."""
    found = _fields(encode(Search(user_id="u"), "e1", TIME))
    assert tuple(found[name] for name in ("item", "value", "order", "quantity", "meta")) == (0, 0.0, 0, 1, 3 << 4)


def test_bounds_of_fields() -> None:
    """A quantity beyond 65,535 and a time before 1970 are kept as the nearest that fits."""
    found = _fields(encode(ViewItem(item_id="i", quantity=1_000_000), "e", datetime(1, 1, 1, tzinfo=UTC)))
    assert (found["quantity"], found["time"]) == (65_535, 0)


@pytest.mark.parametrize(
    ("event", "value"),
    [
        (Rate(item_id="i", price=19.99, properties={"rating": 2}), 2.0),
        (Rate(item_id="i", properties={"rating": 4.5}), 4.5),
        (Purchase(item_id="i", properties={"rating": 5}), 0.0),
        (Search(properties={"rating": 10**400}), 0.0),
        (ViewItem(item_id="i", price=3.5, quantity=4, properties={"rating": True}), 3.5),
        (Purchase(item_id="i", price=0.1, quantity=1_000_000), 0.1 * 1_000_000),
        (Purchase(item_id="i", price=19.99), 19.99),
        (Refund(item_id="i", price=19.99, quantity=3), 19.99 * 3),
    ],
)
def test_value_is_rating_price_or_money(event: Any, value: float) -> None:
    """The value of `rate` is the rating, of a purchase or refund the money of all pieces, of any other the price."""
    assert value == _fields(encode(event, "e", TIME))["value"]


@pytest.mark.parametrize("name", TYPES)
def test_every_event_has_a_record(name: str) -> None:
    """Each event of the vocabulary is one record of its code, with blocks only where it carries what was said."""
    event = TYPES[name](item_id="i", properties={"a": True})
    encoded = encode(event, "e", TIME)
    carries = name in ("set_traits", "set_consent", "identify")
    assert (CODES[name], 2 * WIDTH if carries else WIDTH) == (decode_tail(encoded)["code"][0], len(encoded))


JSON_OBJECTS = st.dictionaries(
    st.text(max_size=12), st.text(max_size=60) | st.integers() | st.booleans() | st.none(), max_size=6
)


@given(JSON_OBJECTS, st.sampled_from([SetTraits, SetConsent, Identify]))
@settings(deadline=None)
def test_blocks_round_trip(properties: dict[str, Any], kind: Any) -> None:
    """What an event said comes back from the blocks behind its record, whole records all of them."""
    encoded = encode(kind(properties=properties), "e", TIME)
    found = decode_tail(encoded)
    assert told(properties) == blocks_of(found, 0)
    assert len(found) - 1 == found["quantity"][0]


def test_blocks_of_no_properties() -> None:
    """An event that carries blocks and says nothing has one block with the empty object."""
    assert blocks_of(decode_tail(encode(SetTraits(), "e", TIME)), 0) == {}


def test_blocks_are_bounded() -> None:
    """10 KiB fit behind a record, and a byte more is refused."""
    room = 10_240 - len(json.dumps({"a": ""}, separators=(",", ":")))
    assert len(encode(SetTraits(properties={"a": "x" * room}), "e", TIME)) == WIDTH + 10_240
    with pytest.raises(DataError, match="set_traits carries 10241 bytes, at most 10240 fit"):
        encode(SetTraits(properties={"a": "x" * (room + 1)}), "e", TIME)


@pytest.mark.parametrize("kind", [SetTraits, SetConsent, Identify])
def test_identities_are_not_told(kind: Any) -> None:
    """What names the customer in other ways is no trait and no purpose: the blocks do not have it."""
    event = kind(properties={"plan": "gold", "identities": {"loyalty_card": "4711"}})
    assert blocks_of(decode_tail(encode(event, "e", TIME)), 0) == {"plan": "gold"}


@pytest.mark.parametrize(
    ("properties", "verdict"),
    [
        ({"email": True}, 0),
        ({"personalisation": True}, 1),
        ({"personalization": True, "email": False}, 1),
        ({"personalisation": False}, 2),
        ({"personalisation": True, "personalization": False}, 2),
        ({"personalisation": "yes"}, 2),
        (None, 0),
    ],
)
def test_verdict_on_personalisation(properties: Any, verdict: int) -> None:
    """A set_consent record tells the verdict on personalisation where others have their item, whatever item it names."""
    assert verdict == _fields(encode(SetConsent(item_id="i", properties=properties), "e", TIME))["item"]


def test_heads() -> None:
    """The places of events are those of records that are no blocks, though the blocks look like records."""
    parts = [
        encode(ViewItem(item_id="a"), "a", TIME),
        encode(SetTraits(properties={"a": chr(CODES["set_traits"]) * 90}), "b", TIME),
        encode(ViewItem(item_id="c"), "c", TIME),
        encode(Identify(), "d", TIME),
    ]
    found = decode_tail(b"".join(parts))
    places = heads(found)
    assert places is not None
    assert [event_hash(name) for name in "abcd"] == found["event"][places].tolist()
    assert heads(decode_tail(parts[0] + parts[2])) is None


def test_tail_is_a_run_of_records() -> None:
    """Records put one behind the other are read in that order."""
    tail = b"".join(encode(ViewItem(item_id=name), name, TIME) for name in "abc")
    assert [event_hash(name) for name in "abc"] == decode_tail(tail)["event"].tolist()
    assert len(decode_tail(b"")) == 0


def test_cut_tail_is_refused() -> None:
    """A tail that is no run of whole records is refused with its length and the remedy."""
    tail = encode(ViewItem(item_id="i"), "e", TIME)
    with pytest.raises(DataError, match="a tail of 39 bytes is no run of 40-byte records"):
        decode_tail(tail[:-1])


def test_tail_of_another_version_is_refused() -> None:
    """A tail whose record is of another version is refused with both versions."""
    record = np.frombuffer(encode(ViewItem(item_id="i"), "e", TIME), EVENT).copy()
    record["meta"] = 2 << 4
    with pytest.raises(DataError, match="a tail of version 2; this Etappe reads version 3: `etappe rebuild` makes"):
        decode_tail(record.tobytes())


def test_cut_blocks_are_refused() -> None:
    """Blocks that are cut off are a damaged tail, not a decoder's error."""
    encoded = encode(SetTraits(properties={"a": "x" * 40}), "e", TIME)
    with pytest.raises(DataError, match="blocks of a tail's record are damaged"):
        blocks_of(decode_tail(encoded[:-WIDTH]), 0)
    with pytest.raises(DataError, match="they are cut off"):
        heads(decode_tail(encoded[:-WIDTH]))
