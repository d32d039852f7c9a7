"""Money is exact, and a report's subjects stay out of its JSON."""

from decimal import Decimal

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etappe.importing.judging import amounts
from etappe.importing.judging.report import ImportReport, Revenue, decimal, decimals


@pytest.mark.parametrize(
    ("micro", "expected"),
    [(9747747934000, "9747747.934"), (0, "0.00"), (-1500000, "-1.50"), (1, "0.000001"), (10**30, f"{10**24}.00")],
)
def test_decimal(micro: int, expected: str) -> None:
    """Millionths are written exactly, with two places at least."""
    assert expected == decimal(micro)


@given(st.lists(st.tuples(st.integers(-10_000, 10_000), st.decimals(0, 100_000, places=3)), max_size=50))
def test_sums_are_exact(lines: list[tuple[int, Decimal]]) -> None:
    """The sum of quantity times price is that of exact decimals."""
    frame = pl.DataFrame(
        [(float(quantity), float(price)) for quantity, price in lines],
        schema={"quantity": pl.Float64, "price": pl.Float64}, orient="row",
    )  # fmt: skip
    total = amounts.by_currency(frame.select(amounts.of(pl.col("quantity"), pl.col("price")).alias("amount")))
    assert sum((quantity * price for quantity, price in lines), Decimal(0)) == Decimal(decimal(total.get("", 0)))


@pytest.mark.parametrize(("quantity", "price"), [(1.0, float("nan")), (1e300, 1.0), (1.0, float("inf")), (1.0, None)])
def test_no_money(quantity: float, price: float | None) -> None:
    """What is no amount of money counts 0, and raises nothing."""
    frame = pl.DataFrame({"q": [quantity], "p": [price]}, schema={"q": pl.Float64, "p": pl.Float64})
    assert amounts.by_currency(frame.select(amounts.of(pl.col("q"), pl.col("p")).alias("amount"))) == {}


def test_currencies_are_never_summed() -> None:
    """Amounts in several currencies stand side by side; where there is one, or none, it is not said."""
    assert decimals({"EUR": 2_500_000, "USD": 1_000_000, "": 500_000}) == "0.50 (none), 2.50 EUR, 1.00 USD"
    assert (decimals({"EUR": 2_500_000, "USD": 0}), decimals({}), decimals({"": 1})) == ("2.50", "0.00", "0.000001")


def test_subjects_stay_out() -> None:
    """The subjects are at hand, and the JSON has the numbers only."""
    none = Revenue(purchases="0.00", refunds="0.00", skipped="0.00", rejected="0.00", total="0.00")
    report = ImportReport(
        rows=0, events={}, derived=0, duplicates=0, rejected={}, skipped={}, revenue=none, customers=1,
        rejected_file=None,
    )  # fmt: skip
    assert report.subjects.to_list() == []
    report.keep_subjects(pl.Series([b"x"]))
    assert report.subjects.to_list() == [b"x"]
    assert "subjects" not in str(msgspec.json.decode(msgspec.json.encode(report)))
