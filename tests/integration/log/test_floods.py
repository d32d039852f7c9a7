"""Purchases of accounts that order as no person does."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl

from etappe.log import as_rows, floods

DAY = datetime(2026, 3, 1, 8, tzinfo=UTC)
MOST = 3

Row = tuple[str, str | None, str | None, float]
"""Event, subject, order, minutes after DAY."""


def _rows(*rows: Row) -> pl.LazyFrame:
    return as_rows(
        "event",
        {
            "event_id": [f"e{number}" for number in range(len(rows))],
            "event": [row[0] for row in rows],
            "subject": [row[1].encode() if row[1] else None for row in rows],
            "order_id": [row[2] for row in rows],
            "time": [DAY + timedelta(minutes=row[3]) for row in rows],
        },
    ).lazy()


def _split(rows: pl.LazyFrame) -> tuple[set[str], set[str]]:
    """The ids of events that flood, and of those that are left."""
    ids: Callable[[pl.LazyFrame], set[str]] = lambda some: set(some.collect()["event_id"])  # noqa: E731
    return ids(floods.flooding(rows, MOST)), ids(floods.without(rows, MOST))


def test_orders_beyond_the_most_take_the_whole_day() -> None:
    """With one order too many no purchase or refund of that day counts, the first neither; what else it did does."""
    orders: list[Row] = [("purchase", "m", f"o{number}", number) for number in range(MOST + 1)]
    others: list[Row] = [("refund", "m", "o1", 50), ("view_item", "m", None, 51), ("purchase", "m", "next", 1440)]
    flooding, left = _split(_rows(*orders, *others, ("purchase", "x", "ox", 3)))
    assert flooding == {"e0", "e1", "e2", "e3", "e4"}
    assert left == {"e5", "e6", "e7"}


def test_a_large_order_is_no_flood() -> None:
    """Lines of one order are one, with an id of it or within one minute without; orders of nobody are nobody's."""
    lines: list[Row] = [("purchase", "b", "one", number) for number in range(30)]
    nameless: list[Row] = [("purchase", "c", None, number / 60) for number in range(30)]
    nobodys: list[Row] = [("purchase", None, f"t{number}", number) for number in range(30)]
    rows = _rows(*lines, *nameless, *nobodys)
    assert _split(rows) == (set(), set(rows.collect()["event_id"]))


def test_orders_without_ids_are_told_apart_by_the_minute() -> None:
    """A script that names no orders is found all the same."""
    rows = _rows(*(("purchase", "m", None, 7.0 * number) for number in range(MOST + 1)))
    assert _split(rows) == ({"e0", "e1", "e2", "e3"}, set())
