"""Items found in rows: the latest of each fact."""

from datetime import UTC, datetime

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from etappe.catalog.item import ItemPatch
from etappe.importing.catalogue.found_items import FoundItems


def _note(found: FoundItems, *rows: tuple[str | None, int, float | None, str | None]) -> None:
    schema = {"item_id": pl.String, "day": pl.Int64, "price": pl.Float64, "category": pl.String}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    moment = (pl.col("day") * 86_400).cast(pl.Datetime("ms")).cast(pl.Datetime("us", "UTC")).alias("time")
    found.note(frame.with_columns(moment, pl.lit("USD").alias("currency"), pl.lit(1, pl.Int64).alias("line")))


def test_latest_of_each_fact() -> None:
    """A fact missing in the latest row is that of the latest row that has it."""
    found = FoundItems()
    _note(found, ("A", 2, 5.0, None), ("A", 1, 4.0, "toys"))
    assert [ItemPatch(id="A", title="A", category="toys", price=5.0, currency="USD")] == list(found.patches(set()))


def test_known_items_are_left_alone() -> None:
    """Items that the catalogue has get no patch; rows without an item none either."""
    found = FoundItems()
    _note(found, ("A", 1, None, None), ("B", 1, None, None), (None, 1, 1.0, None))
    assert [ItemPatch(id="B", title="B")] == list(found.patches({"A"}))
    assert sorted(found.ids()) == ["A", "B"]


@given(st.permutations([(day, day * 1.5) for day in range(6)]), st.integers(1, 5))
def test_order_of_rows_is_no_matter(rows: list[tuple[int, float]], cut: int) -> None:
    """The usual price of the last lines is found in whatever order and batches rows come."""
    found = FoundItems()
    for part in (rows[:cut], rows[cut:]):
        _note(found, *(("A", day, price, None) for day, price in part))
    assert found.table()["price"].to_list() == [4.5]
    assert datetime(1970, 1, 1, tzinfo=UTC).year == 1970


def test_what_an_item_usually_costs() -> None:
    """One line sold for nearly nothing is not what it costs; of two prices the later one is; a rise is, in time."""
    found = FoundItems()
    _note(found, *(("A", day, price, None) for day, price in enumerate([10.0, 10.0, 11.0, 10.0, 0.01], start=1)))
    _note(found, ("B", 1, 4.0, None), ("B", 2, 5.0, None))
    _note(found, *(("C", day, 5.0 if day < 20 else 6.0, None) for day in range(25)))
    assert found.table()["price"].to_list() == [10.0, 5.0, 6.0]
