"""Logs in memory."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from etappe.log import as_rows, schema

NOW = datetime(2026, 3, 1, tzinfo=UTC)

Row = tuple[str, str | None, str | None, str | None, float]
"""Event, customer (None: nobody known), item, order, days before NOW."""


def _rows(rows: Iterable[Row]) -> pl.LazyFrame:
    given = list(rows)
    if not given:
        return pl.LazyFrame(schema=schema.EVENT)
    return as_rows(
        "event",
        {
            "event_id": [f"e{number}" for number in range(len(given))],
            "event": [row[0] for row in given],
            "subject": [row[1].encode() if row[1] else None for row in given],
            "item_id": [row[2] for row in given],
            "order_id": [row[3] for row in given],
            "time": [NOW - timedelta(days=row[4]) for row in given],
        },
    ).lazy()


@pytest.fixture
def log() -> Callable[[Iterable[Row]], pl.LazyFrame]:
    """Makes the event table of (event, customer, item, order, days before NOW)."""
    return _rows


@pytest.fixture
def now() -> datetime:
    """The time from which the days of `log` are counted back."""
    return NOW
