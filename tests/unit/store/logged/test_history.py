"""Histories out of the log: the same records, bases and order as the tails made of the same events."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etappe.customers.packed.base import pack
from etappe.customers.records import WIDTH, encode
from etappe.customers.state import fold_state
from etappe.events.intake import Accepted, read_event
from etappe.events.vocabulary import CHANNELS, TYPES
from etappe.log import Log, as_rows
from etappe.store.logged import history
from etappe.values.ids import cleaned

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HALF_LIFE = 60.0
COLUMNS = ("event_id", "item_id", "quantity", "price", "order_id", "channel")


def rows_of(events: Sequence[Accepted], subjects: Sequence[bytes]) -> pl.DataFrame:
    """The log's rows of these events."""
    columns: dict[str, Any] = {name: [getattr(one.event, name) for one in events] for name in COLUMNS}
    columns["event_id"] = [one.event_id for one in events]
    columns["event"] = [str(one.event.__struct_config__.tag) for one in events]
    columns["time"] = [one.time for one in events]
    columns["subject"] = list(subjects)
    columns["properties"] = [
        None if one.event.properties is None else json.dumps(one.event.properties) for one in events
    ]
    return as_rows("event", columns)


def _event(name: str, fields: dict[str, Any]) -> Accepted:
    given_fields = {name: value for name, value in fields.items() if value is not None}
    if name == "rate":
        given_fields["properties"] = {"rating": 4} | (fields["properties"] or {})
    elif name == "set_consent":
        purposes = fields["properties"] or {"email": 1}
        given_fields["properties"] = {"personalisation": purposes.get("b") == 1, "rating": "rating" in purposes}
    elif name == "identify":
        given_fields["properties"] = (fields["properties"] or {}) | {
            "identities": {"loyalty_card": "4711"},
            "é": "x" * 99,
        }
    elif name == "alias":
        given_fields["properties"] = {"previous_id": "v"}
    elif name == "set_traits":
        given_fields["properties"] = fields["properties"] or {"a": 1}
    elif name == "page_view" and "source" in (fields["properties"] or {}):
        given_fields["properties"] = fields["properties"] | {"medium": "cpc"}  # a touch of text, or it is refused
    raw = {"event": name, "user_id": "u", "item_id": "i"} | given_fields
    return read_event(json.dumps(raw).encode(), NOW)


IDS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=6).filter(cleaned)
FIELDS = st.fixed_dictionaries(
    {
        "event_id": st.uuids().map(str),
        "timestamp": st.datetimes(datetime(1970, 1, 1), datetime(2026, 3, 1)).map(lambda time: time.isoformat() + "Z"),  # noqa: DTZ001
        "item_id": IDS,
        "quantity": st.none() | st.integers(1, 1_000_000),
        "price": st.none() | st.floats(0, 1e12),
        "order_id": st.none() | IDS,
        "channel": st.none() | st.sampled_from(CHANNELS),
        "properties": st.none()
        | st.dictionaries(st.sampled_from(["rating", "b"]), st.floats(1, 5) | st.integers(1, 5), min_size=1, max_size=2)
        | st.just({"b": 10**400})
        | st.just({"b": {"rating": "5"}})
        | st.sampled_from([{"piece": "p", "decision": "d"}, {"piece": 5}, {"b": {"piece": "p"}}])
        | st.just({"source": "google", "campaign": "é" * 70, "medium": 5}),
    }
)
EVENTS = st.builds(_event, st.sampled_from(list(TYPES)), FIELDS)


@given(st.lists(EVENTS, min_size=1, max_size=12))
@settings(deadline=None)
def test_records_equal_encoding_one_by_one(events: list[Accepted]) -> None:
    """Rows of the log become the very records that ingest made of the same events, but for the blocks behind them."""
    made = history.to_records(rows_of(events, [b"s"] * len(events)))
    for record, one in zip(made, events, strict=True):
        assert encode(one.event, one.event_id, one.time)[:WIDTH] == record.tobytes()


def test_ratings_of_other_events_are_no_value() -> None:
    """What only looks like a rating, as a text or in another event, is no value."""
    events = [
        _event("search", {"properties": {"rating": "4"}}),
        _event("review", {"properties": {"rating": 5}}),
        _event("rate", {"properties": {"rating": 2}, "price": 9.99}),
    ]
    assert history.to_records(rows_of(events, [b"s"] * 3))["value"].tolist() == [0.0, 0.0, 2.0]


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """An empty log."""
    found = Log(tmp_path / "log")
    found.prepare()
    return found


def _logged(log: Log, events: Sequence[Accepted], subjects: Sequence[bytes]) -> None:
    with log.transaction("test") as into:
        into.add("event", rows_of(events, subjects))


SAID = st.builds(
    _event,
    st.sampled_from(
        [
            "add_to_cart",
            "purchase",
            "add_to_wishlist",
            "remove_from_wishlist",
            "set_traits",
            "identify",
            "rate",
            "ignore",
            "impression",
            "dismiss",
            "ad_click",
            "set_consent",
        ]
    ),
    st.fixed_dictionaries(
        {
            "event_id": st.uuids().map(str),
            "item_id": st.sampled_from("ab"),
            "timestamp": st.sampled_from(
                [f"2026-02-0{day}T00:00:0{s}.{part}Z" for day in (1, 2) for s in (1, 2) for part in (1, 9)]
            ),
            "properties": st.fixed_dictionaries(
                {"plan": st.integers(1, 9), "piece": st.sampled_from("pq"), "source": st.sampled_from(["a", "b"])}
            ),
            "channel": st.none() | st.sampled_from(CHANNELS),
        }
    ),
)


@given(st.lists(SAID, min_size=1, max_size=10), st.integers(0, 10))
@settings(max_examples=40, deadline=None)
def test_base_from_the_log_equals_base_from_the_tail(
    tmp_path_factory: pytest.TempPathFactory, events: list[Accepted], cut: int
) -> None:
    """A base built from the log is the one folded from a tail of the same events, in whatever order they came in."""
    log = Log(tmp_path_factory.mktemp("history") / "log")
    log.prepare()
    for part in (events[:cut], events[cut:]):
        if part:
            _logged(log, part, [b"s"] * len(part))
    (past,) = history.of(log, history.alone(pl.Series([b"s"])), HALF_LIFE, [])
    tail = b"".join(encode(one.event, one.event_id, one.time) for one in events)
    assert pack(fold_state(b"", tail, HALF_LIFE).base) == pack(past.base)
    assert {one.tobytes() for one in past.events} == past.archived


def test_each_customer_gets_their_own(log: Log) -> None:
    """Bases are built for the subjects asked for, each from their own events, each event once."""
    events = [_event("view_item", {"event_id": f"e{number}", "item_id": f"i{number}"}) for number in range(5)]
    subjects = [b"a", b"b", b"a", b"c", b"b"]
    _logged(log, events, subjects)
    _logged(log, events[:2], subjects[:2])
    found = {
        past.subject: past
        for past in history.of(log, history.alone(pl.Series([b"b", b"a", b"b", b"x"])), HALF_LIFE, [])
    }
    assert {subject: int(past.base.totals["events"][0]) for subject, past in found.items()} == {b"a": 2, b"b": 2}
    assert [past.base.generation for past in found.values()] == [1, 1]


def test_nobody_in_the_log(log: Log) -> None:
    """Of an empty log there are no bases."""
    assert list(history.of(log, history.alone(pl.Series([b"a"])), HALF_LIFE, [])) == []
