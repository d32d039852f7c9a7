"""Intake: what is taken, what is refused and why, and that nothing but InputError comes of garbage."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etappe.customers.records import decode_tail, encode
from etappe.errors import InputError
from etappe.events import intake
from etappe.events.intake import Accepted, Rejected, completed, read_batch, read_event
from etappe.events.vocabulary import (
    CHANNELS,
    CODES,
    DECIDED_BY_ARRIVAL,
    DECIDED_BY_TIME,
    NAMES,
    STRENGTH,
    TYPES,
    AnyEvent,
)

NOW = datetime(2026, 3, 1, 12, 30, 15, 500_000, tzinfo=UTC)
GOOD: dict[str, Any] = {"event": "view_item", "user_id": "u", "item_id": "i", "event_id": "e1"}


def _raw(**changes: Any) -> bytes:
    return json.dumps({name: value for name, value in (GOOD | changes).items() if value is not None}).encode()


def _refused(raw: bytes) -> InputError:
    with pytest.raises(InputError) as caught:
        read_event(raw, NOW)
    return caught.value


def _batch(*events: bytes) -> bytes:
    return b'{"events":[' + b",".join(events) + b"]}"


@given(st.binary(max_size=200))
def test_garbage_event_raises_input_error_alone(raw: bytes) -> None:
    """Bytes at random are refused with InputError, whatever they are."""
    with pytest.raises(InputError):
        read_event(raw, NOW)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [*GOOD, "timestamp", "anonymous_id", "quantity", "price", "currency", "order_id", "channel", "properties"]
LIKELY = st.sampled_from([*TYPES, "web", "EUR", "2026-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", 3, 2.5, -1])
ALMOST = st.dictionaries(st.sampled_from([*FIELDS, "unknown"]), LIKELY | JSON, max_size=8)


@given(st.sampled_from(list(TYPES)), ALMOST)
@settings(max_examples=300, deadline=None)
def test_almost_events_are_taken_or_refused(name: str, fields: dict[str, Any]) -> None:
    """An event with any fields is either refused with InputError, or taken, kept, and read back the same."""
    raw = json.dumps({"event": name, "user_id": "u", "item_id": "i"} | fields).encode()
    try:
        taken = read_event(raw, NOW)
    except InputError:
        return
    again = read_event(completed(taken), NOW)
    assert (taken.event_id, taken.time, type(taken.event)) == (again.event_id, again.time, type(again.event))
    assert completed(taken) == completed(again)


@given(JSON)
def test_garbage_body_raises_input_error_alone(body: Any) -> None:
    """A body of any JSON is refused with InputError, unless it is a batch."""
    if isinstance(body, dict) and body.keys() == {"events"} and isinstance(body["events"], list):
        return
    with pytest.raises(InputError) as caught:
        read_batch(json.dumps(body).encode(), NOW)
    assert caught.value.field == "events"


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b'{"events":[', b'{"events":[' + b"[" * 100_000, b'{"events":[],"x":1}']
)
def test_broken_body_is_refused(body: bytes) -> None:
    """A body that is cut off, no text, nested without end or has a field too much says what a body is."""
    with pytest.raises(InputError, match=r'the body is \{"events": \[\.\.\.\]\}'):
        read_batch(body, NOW)


@given(st.lists(st.sampled_from(["good", "bad"]), max_size=12), st.data())
def test_one_bad_event_spoils_no_batch(kinds: list[str], data: st.DataObject) -> None:
    """Each event of a batch is judged alone: the good ones are taken, the bad ones named by their place."""
    bad = JSON.filter(lambda value: not isinstance(value, dict) or "event" not in value)
    events = [
        _raw(event_id=f"e{place}") if kind == "good" else json.dumps(data.draw(bad)).encode()
        for place, kind in enumerate(kinds)
    ]
    accepted, rejected, _ = read_batch(_batch(*events), NOW)
    assert [place for place, kind in enumerate(kinds) if kind == "good"] == [one.index for one in accepted]
    assert [place for place, kind in enumerate(kinds) if kind == "bad"] == [one.index for one in rejected]


def test_rejected_says_why_and_where() -> None:
    """A rejected event has its place, the reason and the field to mend."""
    _, rejected, _ = read_batch(_batch(_raw(), _raw(item_id=None)), NOW)
    assert [Rejected(1, "item_id: Object missing required field `item_id`", "item_id")] == rejected


FULL: dict[str, Any] = {
    "event_id": "e1",
    "timestamp": "2026-02-03T04:05:06Z",
    "user_id": "u",
    "anonymous_id": "a",
    "item_id": "i",
    "quantity": 2,
    "price": 2.55,
    "currency": "GBP",
    "order_id": "o",
    "channel": "email",
}


@pytest.mark.parametrize("name", TYPES)
def test_every_event_round_trips(name: str) -> None:
    """Each event of the vocabulary with all its fields is taken, kept as it came, and read back from the stream."""
    properties = {"rate": {"rating": 4}, "set_consent": {"personalisation": True}}.get(name, {"a": [1, {"b": None}]})
    whole = {"event": name, **FULL, "properties": properties}
    taken = read_event(json.dumps(whole).encode(), NOW)
    assert ("e1", datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)) == (taken.event_id, taken.time)
    assert whole == json.loads(completed(taken))
    assert taken.event == msgspec.json.decode(completed(taken), type=AnyEvent)


def test_codes_are_fixed() -> None:
    """The codes in Redis and the names they stand for are what they were on the first day."""
    spelled = (
        "view_item view_item_list select_item search add_to_cart remove_from_cart add_to_wishlist remove_from_wishlist "
        "begin_checkout add_payment_info purchase refund login sign_up share generate_lead view_promotion "
        "select_promotion rate ignore gift review service_contact subscribe unsubscribe email_open email_click ad_click "
        "store_visit impression click dismiss set_traits set_consent "
        "identify alias other page_view survey delivery complaint return email_send message_send message_open "
        "message_click"
    )
    assert dict(enumerate(spelled.split(), start=1)) == NAMES
    assert {name: code for code, name in NAMES.items()} == CODES


def test_strengths() -> None:
    """A purchase counts five views and a refund takes four back; what says nothing of taste counts nothing."""
    names = ("purchase", "view_item", "refund", "set_traits", "login", "ignore")
    assert [STRENGTH[CODES[name]] for name in names] == [5.0, 1.0, -4.0, 0.0, 0.0, 0.0]
    assert STRENGTH[0] == 0.0


@pytest.mark.parametrize(
    ("raw", "field", "reason"),
    [
        (_raw(event="teleport"), "event", "event 'teleport' is not in the vocabulary: view_item, .*set_consent"),
        (_raw(event=None), "event", "event None is not in the vocabulary"),
        (_raw(item_id=None), "item_id", "missing"),
        (_raw(item_id=""), "item_id", "missing"),
        (_raw(item_id="undefined"), "item_id", "names an item_id"),
        (_raw(item_id="x" * 257), "item_id", "length <= 256"),
        (_raw(colour="red"), "colour", "unknown field"),
        (_raw(price=-0.01), "price", ">= 0"),
        (_raw(quantity=0), "quantity", "0 is no whole number from 1"),
        (_raw(quantity=1.5), "quantity", "1.5 is no whole number"),
        (_raw(channel="fax"), "channel", "fax"),
        (_raw(currency="US Dollar"), "currency", "no currency: give three letters"),
        (_raw(timestamp="yesterday"), "timestamp", "'yesterday' is no time: write it as ISO 8601"),
        (_raw(timestamp="2026-03-02T12:30:16Z"), "timestamp", "more than a day ahead"),
        (_raw(timestamp="0001-01-01T00:00:00+23:59"), "timestamp", "outside the years"),
        (_raw(timestamp="9999-12-31T23:59:59-23:59"), "timestamp", "outside the years"),
        (_raw(user_id=None), "user_id", "user_id or anonymous_id"),
        (_raw(event="refund", item_id=None), "item_id", "item_id or an order_id"),
        (_raw(event="rate"), "properties.rating", "None"),
        (_raw(event="rate", properties={"rating": 5.5}), "properties.rating", "1 to 5"),
        (_raw(event="rate", properties={"rating": 0}), "properties.rating", "1 to 5"),
        (_raw(event="rate", properties={"rating": True}), "properties.rating", "True"),
        (_raw(event="rate", properties={"rating": "5"}), "properties.rating", "'5'"),
        (_raw(event="return", item_id=None), "item_id", "a return names an item_id or an order_id"),
        (_raw(event="delivery", item_id=None), "item_id", "a delivery names an item_id or an order_id"),
        (_raw(event="page_view", properties={"source": 7}), "properties.source", "text of 1 to 512 characters"),
        (_raw(event="page_view", properties={"campaign": ""}), "properties.campaign", "text of 1 to 512"),
        (_raw(event="page_view", properties={"click_id": "x" * 513}), "properties.click_id", "text of 1 to 512"),
        (_raw(event="page_view", properties={"referrer": "x" * 2049}), "properties.referrer", "1 to 2048"),
        (_raw(event="survey", properties={"question": 3}), "properties.question", "1 to 256 characters"),
        (_raw(event="survey", properties={"question": "q", "answer": {}}), "properties.answer", "or a list of texts"),
        (_raw(event="survey", properties={"question": "q", "answer": []}), "properties.answer", "or a list of texts"),
        (_raw(event="survey", properties={"question": "q", "answer": ["a", 1]}), "properties.answer", "list of texts"),
        (_raw(event="service_contact", properties={"topic": ["a"]}), "properties.topic", "1 to 256 characters"),
        (
            _raw(event="service_contact", properties={"state": "gone"}),
            "properties.state",
            "'gone'; there are open, pend",
        ),
        (_raw(event="complaint", properties={"state": ["open"]}), "properties.state", "there are open, pending"),
        (_raw(event="complaint", properties={"topic": ""}), "properties.topic", "1 to 256 characters"),
        (_raw(event="set_traits", properties={"household": 1.5}), "properties.household", "the id of a household"),
        (_raw(event="identify", properties={"company": {"id": 1}}), "properties.company", "the id of a company"),
        (_raw(event="identify", properties={"buying_centre": True}), "properties.buying_centre", "of a buying centre"),
        (_raw(event="purchase", properties={"identities": {"company": "c"}}), "properties.identities.company", "trait"),
        (
            _raw(event="set_traits", properties={"identities": {"household": "h" * 257}}),
            "properties.identities.household",
            "1",
        ),
        (_raw(event="set_traits"), "properties", "says nothing"),
        (_raw(event="set_traits", properties={}), "properties", "says nothing"),
        (_raw(event="set_traits", properties={"$consent:x": True}), "properties", "reserved"),
        (_raw(event="set_traits", properties={"a": "x" * 8186}), "properties", "8192 bytes"),
        (_raw(event="set_consent", properties={"email": "yes"}), "properties.email", "true or false"),
    ],
)
def test_refused_names_field_and_reason(raw: bytes, field: str, reason: str) -> None:
    """What cannot be taken is refused, naming the field to mend and the reason."""
    error = _refused(raw)
    assert field == error.field
    with pytest.raises(InputError, match=reason):
        raise error


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity", "1" + "0" * 400])
@pytest.mark.parametrize("field", ["price", "quantity"])
def test_numbers_that_are_not_finite_are_refused(field: str, number: str) -> None:
    """No infinite, undefined or absurd number passes, however it is written."""
    _refused(_raw()[:-1] + f', "{field}": {number}}}'.encode())


def test_one_day_ahead_is_taken() -> None:
    """A client's clock may be a day ahead, to the microsecond."""
    ahead = NOW + timedelta(days=1)
    assert ahead == read_event(_raw(timestamp=ahead.isoformat()), NOW).time


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-02-01T10:00:00+02:00", datetime(2026, 2, 1, 8, tzinfo=UTC)),
        ("2026-02-01T10:00:00", datetime(2026, 2, 1, 10, tzinfo=UTC)),
        (None, NOW),
    ],
)
def test_times_are_utc(given: str | None, expected: datetime) -> None:
    """A time with a zone is turned into UTC, one without is UTC, none is the time of arrival."""
    assert expected == read_event(_raw(timestamp=given), NOW).time


@pytest.mark.parametrize(
    ("event", "properties"),
    [
        ("page_view", {"source": "news", "medium": "email", "campaign": "may", "term": "mugs", "content": "top"}),
        ("page_view", {"click_id": "x" * 512, "referrer": "https://e.example/" + "x" * 2030, "title": 7}),
        ("view_item", {"source": "news", "content": {"of": "ones own"}}),
        ("survey", {"question": "why", "answer": "price"}),
        ("survey", {"question": "nps", "answer": 9}),
        ("survey", {"question": "which", "answer": ["a", "b"]}),
        ("survey", {"score": 4}),
        ("service_contact", {"topic": "delivery", "state": "open"}),
        ("complaint", {"topic": "broken", "state": "closed", "text": "..."}),
        ("return", {"reason": "too small"}),
        ("delivery", None),
        ("email_send", {"campaign": "may"}),
        ("set_traits", {"household": None}),
    ],
)
def test_new_words_are_taken(event: str, properties: dict[str, Any] | None) -> None:
    """Properties that Etappe reads are kept as they came, and what is the sender's own beside them."""
    assert (read_event(_raw(event=event, properties=properties), NOW).event.properties or None) == properties


def test_channels_are_where_they_were() -> None:
    """Records keep a channel by its place, so that the first eight stay; each is taken, and a record has room for all."""
    assert CHANNELS[:8] == ("web", "app", "email", "sms", "push", "store", "ad", "phone")
    assert CHANNELS[8:] == ("social", "chat", "print", "agent")
    for name in CHANNELS:
        taken = read_event(_raw(channel=name), NOW)
        assert decode_tail(encode(taken.event, "e", NOW))["meta"][0] & 15 == CHANNELS.index(name) + 1


def test_sale_to_nobody_needs_an_order() -> None:
    """A till receipt, known by its order alone, is taken."""
    taken = read_event(_raw(event="purchase", user_id=None, order_id="o1"), NOW)
    assert (taken.event.user_id, taken.event.anonymous_id, taken.event.order_id) == (None, None, "o1")


def test_event_of_32_kb() -> None:
    """An event of exactly 32 KiB is taken, one byte more is refused with both sizes."""
    room = 32 * 1024 - len(_raw(properties={"a": ""}))
    assert read_event(_raw(properties={"a": "x" * room}), NOW).event_id == "e1"
    assert str(_refused(_raw(properties={"a": "x" * (room + 1)}))) == "32769 bytes; an event may have 32768"


def test_traits_of_8_kb() -> None:
    """Traits of exactly 8 KiB fit into the blocks behind a record."""
    given = {"a": "x" * (8192 - len('{"a":""}'))}
    assert given == read_event(_raw(event="set_traits", properties=given), NOW).event.properties


def test_batch_of_500() -> None:
    """500 events are a batch, 501 are refused as a whole."""
    accepted, rejected, _ = read_batch(_batch(*[_raw()] * 500), NOW)
    assert (len(accepted), len(rejected)) == (500, 0)
    with pytest.raises(InputError, match="501 events in one batch; send at most 500"):
        read_batch(_batch(*[_raw()] * 501), NOW)


def test_empty_batch() -> None:
    """A batch of nothing is a batch."""
    assert read_batch(b'{"events": []}', NOW) == ([], [], None)


def test_nesting_is_bounded() -> None:
    """Properties may be 32 deep; deeper ones are refused, so that nothing behind ever runs out of stack."""

    def nested(levels: int) -> bytes:
        return _raw()[:-1] + b', "properties": ' + b'{"a":' * levels + b"1" + b"}" * levels + b"}"

    assert read_event(nested(32), NOW).event_id == "e1"
    assert _refused(nested(33)).field == "properties"
    assert "recursion" in str(_refused(nested(5000)))


def test_deep_event_spoils_no_batch() -> None:
    """An event nested beyond what is taken is rejected alone."""
    deep = _raw()[:-1] + b', "properties": {"a":' + b"[" * 200 + b"]" * 200 + b"}}"
    accepted, rejected, _ = read_batch(_batch(deep, _raw()), NOW)
    assert ([one.index for one in accepted], [one.index for one in rejected]) == ([1], [0])


def _id(raw: bytes, now: datetime = NOW) -> str:
    return read_event(raw, now).event_id


def test_own_id_is_kept() -> None:
    """An event's own id is its id."""
    assert _id(_raw()) == "e1"


def test_content_id_is_stable_for_a_retry() -> None:
    """The same bytes sent again get the same id: with a timestamp whenever, without one within the minute."""
    stamped, plain = _raw(event_id=None, timestamp="2026-01-01T00:00:00Z"), _raw(event_id=None)
    assert _id(stamped) == _id(stamped, NOW + timedelta(days=3))
    assert _id(plain) == _id(plain, NOW + timedelta(seconds=30))


def test_content_id_tells_events_apart() -> None:
    """Other bytes, or the same without a timestamp a minute later, are another event."""
    plain = _raw(event_id=None)
    ids = {_id(plain), _id(plain, NOW + timedelta(minutes=1)), _id(_raw(event_id=None, item_id="j"))}
    assert len(ids) == 3


def test_content_id_is_fixed() -> None:
    """The id of these bytes is what it was on the first day, so a retry across an upgrade is recognised."""
    raw = b'{"event":"login","user_id":"u","timestamp":"2026-01-01T00:00:00Z"}'
    assert _id(raw) == "c-9b73d7028b1323a2b6698256"


@pytest.mark.parametrize("name", sorted(DECIDED_BY_ARRIVAL | DECIDED_BY_TIME))
def test_what_decides_is_no_repeat(name: str) -> None:
    """What decides is told apart from what said the same in that very moment: the opposite may have come in between."""
    fields = {
        "item_id": "i",
        "properties": {"rating": 3, "previous_id": "v"} if name != "set_consent" else {"ad": True},
    }
    raw = json.dumps({"event": name, "user_id": "u"} | fields).encode()
    assert _id(raw) != _id(raw)
    assert _id(raw[:-1] + b',"event_id":"e"}') == "e"


@pytest.mark.parametrize("name", sorted(DECIDED_BY_ARRIVAL | DECIDED_BY_TIME))
def test_what_time_decides_is_a_repeat_at_its_time(name: str) -> None:
    """Where time alone decides, the same bytes with a time are a repeat, as they change nothing and would weigh twice."""
    fields = {
        "item_id": "i",
        "properties": {"rating": 3, "previous_id": "v"} if name != "set_consent" else {"ad": True},
    }
    raw = json.dumps({"event": name, "user_id": "u", "timestamp": "2026-01-01T00:00:00Z"} | fields).encode()
    assert (_id(raw) == _id(raw, NOW + timedelta(days=1))) is (name in DECIDED_BY_TIME)


def test_completed_has_id_and_time() -> None:
    """What the stream keeps names the id and the time that intake gave."""
    taken = read_event(b'{"event":"login","user_id":"u"}', NOW)
    kept = json.loads(completed(taken))
    assert {
        "event": "login",
        "event_id": taken.event_id,
        "timestamp": "2026-03-01T12:30:15.500000Z",
        "user_id": "u",
    } == kept


def test_accepted_keeps_its_place() -> None:
    """An accepted event knows its place in the batch; without a time it happened in that order."""
    accepted, _, _ = read_batch(_batch(b"{}", _raw()), NOW)
    event = msgspec.json.decode(_raw(), type=AnyEvent)
    assert [Accepted(1, event, "e1", NOW + timedelta(microseconds=1))] == accepted


def test_times_before_1970_are_refused() -> None:
    """A clock that was never set is told, and 1970 itself is a time."""
    _, (refused,), _ = read_batch(_batch(_raw(timestamp="1969-12-31T23:59:59Z")), NOW)
    assert (refused.field, "before 1970" in refused.reason) == ("timestamp", True)
    (accepted,), _, _ = read_batch(_batch(_raw(timestamp="1970-01-01T00:00:00Z")), NOW)
    assert accepted.time == intake.EARLIEST


def test_limits() -> None:
    """A body may hold the largest batch of the largest events."""
    assert intake.MAX_BODY_BYTES >= intake.MAX_EVENTS * intake.MAX_EVENT_BYTES


def test_an_event_id_that_is_nobodys_is_none() -> None:
    """Two events that call themselves `undefined` are two, each known by what it says; ids are kept without space."""
    first, second = (read_event(_raw(event_id=" Undefined ", item_id=item), NOW).event_id for item in ("a", "b"))
    assert first != second
    assert first == read_event(_raw(event_id=" Undefined ", item_id="a"), NOW).event_id
    assert first.startswith("c-")
    assert read_event(_raw(event_id=" e7 "), NOW).event_id == "e7"
