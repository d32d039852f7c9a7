"""Returns find the order they belong to."""

from datetime import UTC, datetime, timedelta

import polars as pl

from etappe.importing.formats import returns

START = datetime(2020, 1, 1, tzinfo=UTC)


def _tie(*rows: tuple[str, int, str | None, str, int, str]) -> list[str | None]:
    """Orders of rows (event, day, user, item, quantity, order)."""
    frame = pl.DataFrame(
        [(line, event, START + timedelta(days=day), *rest) for line, (event, day, *rest) in enumerate(rows)],
        schema=["line", "event", "time", "user_id", "item_id", "quantity", "order_id"],
        orient="row",
    )
    return returns.tie(frame).to_list()


def test_most_recent_earlier_order() -> None:
    """Of two earlier orders the later one is given back; one still to come is not."""
    rows = [("purchase", day, "u", "i", 5, str(day)) for day in (1, 2, 9)]
    assert _tie(*rows, ("refund", 3, "u", "i", 1, "C1")) == ["1", "2", "9", "2"]


def test_quantity_is_used_up() -> None:
    """Pieces given back once do not cover a second return."""
    bought = ("purchase", 1, "u", "i", 5, "1")
    back = [("refund", day, "u", "i", 3, f"C{day}") for day in (2, 3)]
    assert _tie(bought, *back) == ["1", "1", None]


def test_order_that_covers_it() -> None:
    """Where the latest order was too small, the one before that covers the return is taken."""
    rows = [("purchase", 1, "u", "i", 9, "1"), ("purchase", 2, "u", "i", 2, "2"), ("refund", 3, "u", "i", 4, "C")]
    assert _tie(*rows) == ["1", "2", "1"]


def test_own_orders_only() -> None:
    """Another customer's order, another item's, and a stranger's return are not tied."""
    rows = [("purchase", 1, "u", "i", 9, "1"), ("purchase", 1, None, "i", 9, "2")]
    back = [("refund", 2, "v", "i", 1, "C1"), ("refund", 2, "u", "j", 1, "C2"), ("refund", 2, None, "i", 1, "C3")]
    assert _tie(*rows, *back) == ["1", "2", None, None, None]


def test_same_moment() -> None:
    """A return of the same minute is tied wherever its line stands."""
    assert _tie(("refund", 1, "u", "i", 1, "C"), ("purchase", 1, "u", "i", 1, "1")) == ["1", "1"]
