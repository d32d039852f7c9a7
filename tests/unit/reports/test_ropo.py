"""Purchases in stores beside what was looked at online before them, on a story whose counts are known."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from etappe.log.schema import EVENT
from etappe.reports.ropo import Line, report

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CATEGORIES = pl.DataFrame(
    [("lamp", "light"), ("bulb", "light"), ("cup", "kitchen"), ("odd", None)],
    schema={"item_id": pl.String, "category": pl.String},
    orient="row",
)


def happened(*rows: tuple[str | None, str, str | None, float, str | None]) -> pl.LazyFrame:
    """Events as (customer, event, item, days before now, channel)."""
    columns = {
        "subject": [None if who is None else who.encode() for who, *_ in rows],
        "event": [event for _, event, *_ in rows],
        "item_id": [item for _, _, item, *_ in rows],
        "time": [NOW - timedelta(days=days) for *_, days, _ in rows],
        "channel": [channel for *_, channel in rows],
    }
    whole = {name: columns.get(name, [None] * len(rows)) for name in EVENT}
    return pl.DataFrame(whole, schema=EVENT).lazy()


def line(category: str, counts: tuple[int, int, int, int, int], share: float | None) -> Line:
    """A line of the report."""
    bought, known, item, same, anything = counts
    return Line(
        category=category,
        purchases=bought,
        identified=known,
        same_item=item,
        same_category=same,
        any_item=anything,
        share=share,
    )


def test_counts_by_category() -> None:
    """Research of the item counts as such, of its category too, of anything else not; strangers are no customers."""
    events = happened(
        ("a", "view_item", "lamp", 3, "web"),
        ("a", "purchase", "lamp", 1, "store"),
        ("b", "view_item", "bulb", 3, None),
        ("b", "purchase", "lamp", 1, "store"),
        ("c", "view_item", "cup", 3, "app"),
        ("c", "purchase", "lamp", 1, "store"),
        (None, "purchase", "lamp", 1, "store"),
        ("d", "purchase", "cup", 1, "store"),
    )
    found = report(events, CATEGORIES, 30)
    assert found.lines == [
        line("light", (4, 3, 1, 2, 3), 0.6667),
        line("kitchen", (1, 1, 0, 0, 0), 0.0),
    ]
    assert found.total == line("all", (5, 4, 1, 2, 3), 0.5)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (("a", "view_item", "lamp", 0.5, "web"), "after the purchase"),
        (("a", "view_item", "lamp", 31.5, "web"), "too long before"),
        (("a", "view_item", "lamp", 2, "store"), "in the store itself"),
        (("a", "purchase", "lamp", 2, "web"), "a purchase is no research"),
        (("b", "view_item", "lamp", 2, "web"), "by somebody else"),
    ],
)
def test_what_is_no_research(row: tuple[str, str, str, float, str], why: str) -> None:
    """Only what the customer did online within the days before a purchase precedes it."""
    found = report(happened(row, ("a", "purchase", "lamp", 1, "store")), CATEGORIES, 30)
    assert found.total.any_item == 0, why


def test_items_without_category_have_no_category_in_common() -> None:
    """Two items of no category are not of one: looking at one is no research for the other."""
    events = happened(("a", "view_item", "unheard", 2, "web"), ("a", "purchase", "odd", 1, "store"))
    assert report(events, CATEGORIES, 30).total == line("all", (1, 1, 0, 0, 1), 0.0)


def test_purchases_online_are_not_counted() -> None:
    """A purchase in the web shop is none in a store; where there is none, nothing is divided by it."""
    found = report(happened(("a", "purchase", "lamp", 1, "web")), CATEGORIES, 30)
    assert (found.total, found.lines) == (line("all", (0, 0, 0, 0, 0), None), [])
