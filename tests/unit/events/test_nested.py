"""An order with its lines inside is as many events as it has lines."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from etappe.errors import TooMuchError
from etappe.events.intake import read_batch
from etappe.events.nested import LISTS, lines_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HEADER = {"event": "purchase", "user_id": "u", "timestamp": "2026-02-01T00:00:00Z", "properties": {"coupon": "X"}}
LINES = [{"item_id": "a", "price": "9,90", "quantity": "2", "colour": "red"}, {"sku": "b", "price": 1}]


def _sent(*events: dict[str, Any]) -> Any:
    return read_batch(json.dumps({"events": events}).encode(), NOW)


@pytest.mark.parametrize("name", LISTS)
def test_lines(name: str) -> None:
    """Each line is an event of the header's order, whatever the list is called; what it says besides is its own."""
    found = _sent(HEADER | {"order_id": "o", name: LINES})
    first, second = (one.event for one in found.accepted)
    assert (first.item_id, first.price, first.quantity, first.order_id) == ("a", 9.9, 2, "o")
    assert (second.item_id, second.price, second.order_id) == ("b", 1, "o")
    assert (first.properties, second.properties) == ({"coupon": "X", "colour": "red"}, None)


def test_one_order() -> None:
    """Lines of a header without an order are one order, and another's are another; their ids tell them apart."""
    found = _sent(HEADER | {"items": LINES}, HEADER | {"items": LINES, "event_id": "e"}, HEADER | {"items": LINES[:1]})
    orders = [one.event.order_id for one in found.accepted]
    assert orders[0] == orders[1]
    assert orders[2:4] == ["e", "e"]
    assert len(set(orders)) == 3
    assert [one.event_id for one in found.accepted[2:4]] == ["e#0", "e#1"]


def test_a_bad_line_is_refused_alone() -> None:
    """A line that is none is told with the event's place, and spoils no other."""
    found = _sent({"event": "login", "user_id": "u"}, HEADER | {"items": [*LINES, {"item_id": "c", "price": "x"}]})
    assert len(found.accepted) == 3
    assert [(one.index, one.field) for one in found.rejected] == [(1, "price")]


@pytest.mark.parametrize("lines", [json.dumps(LINES), {"0": LINES[0], "1": LINES[1]}])
def test_lines_in_other_shapes(lines: Any) -> None:
    """A list as JSON text, and an object of lines by key, are lines."""
    found = _sent(HEADER | {"order_id": "o", "line_items": lines})
    assert [(one.event.item_id, one.event.price) for one in found.accepted] == [("a", 9.9), ("b", 1)]


@pytest.mark.parametrize("nobodys", ["(not set)", "undefined", " NULL "])
def test_an_order_that_is_nobodys_is_none(nobodys: str) -> None:
    """Lines of a header whose order or event has an id that is nobody's are one order with an id of its own."""
    found = _sent(HEADER | {"order_id": nobodys, "event_id": nobodys, "items": LINES})
    (order,) = {one.event.order_id for one in found.accepted}
    assert order is not None
    assert order.startswith("n-")
    assert len({one.event_id for one in found.accepted}) == 2


def test_a_lines_first_id() -> None:
    """A line whose item_id is nobody's is about its next id."""
    found = _sent(HEADER | {"items": [{"item_id": "undefined", "sku": "S", "price": 5}]})
    assert [one.event.item_id for one in found.accepted] == ["S"]


def test_lines_tell_of_each_other() -> None:
    """What the price of one line leaves open, the others of its order tell."""
    found = _sent(HEADER | {"items": [{"item_id": "a", "price": "1.450"}, {"item_id": "b", "price": "7,20"}]})
    assert [one.event.price for one in found.accepted] == [1450, 7.2]


def test_what_has_no_lines() -> None:
    """What is no list of objects, or an empty one, is no order of lines."""
    for listed in ([], "x", [1], None, {}):
        assert lines_of(HEADER | {"items": listed}) == []
    assert len(_sent(HEADER | {"items": [], "item_id": "a"}).rejected) == 1


def test_as_many_as_events() -> None:
    """A batch holds no more lines than it may hold events."""
    with pytest.raises(TooMuchError):
        _sent(HEADER | {"items": [{"item_id": "a"}] * 501})
