"""A log in memory whose future is known."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from etappe.log import as_rows

START = datetime(2026, 1, 1, tzinfo=UTC)
CUSTOMERS, GROUPS, ITEMS = 24, 3, 8
Row = tuple[str, str | None, str, float]
"""Event, customer (None: nobody known), item, days after START."""


def _make(rows: list[Row]) -> pl.LazyFrame:
    return as_rows(
        "event",
        {
            "event_id": [f"e{number}" for number in range(len(rows))],
            "event": [row[0] for row in rows],
            "subject": [row[1].encode() if row[1] else None for row in rows],
            "item_id": [row[2] for row in rows],
            "order_id": [f"{row[1]}-{row[3]}" for row in rows],
            "quantity": [1] * len(rows),
            "price": [2.5] * len(rows),
            "time": [START + timedelta(days=row[3]) for row in rows],
        },
    ).lazy()


@pytest.fixture
def rows() -> list[Row]:
    """Customers of three groups buy all items of their group but one, and after day 30 that one and one again."""
    planted: list[Row] = []
    for customer in range(CUSTOMERS):
        group, missing = customer % GROUPS, customer // GROUPS % ITEMS
        owned = [item for item in range(ITEMS) if item != missing]
        planted += [("purchase", f"c{customer:02}", f"i{group}-{item}", float(item)) for item in owned]
        again = owned[0]
        planted += [("purchase", f"c{customer:02}", f"i{group}-{item}", 40.0) for item in (missing, again)]
    return planted


@pytest.fixture
def events(rows: list[Row]) -> pl.LazyFrame:
    """The event table of `rows`."""
    return _make(rows)


@pytest.fixture
def make() -> Callable[[list[Row]], pl.LazyFrame]:
    """Makes an event table of (event, customer, item, days after the start)."""
    return _make
