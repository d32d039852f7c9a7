"""Columns of text in canonical spelling: as vectors and one by one there is one rule."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etappe.errors import InputError
from etappe.importing.judging import times as vectors
from etappe.importing.judging.spelling import Columns, Spelling, Stated
from etappe.values import ids, money, times
from etappe.values.reading import USUAL
from etappe.values.unreadable import Unreadable
from etappe.zones import zone_of

NOW = datetime(2026, 6, 1, tzinfo=UTC)
COLUMNS = Columns(ids=("user",), time="time", quantity="pieces", price="price", currency="currency")


def _frame(**columns: list[str | None]) -> pl.DataFrame:
    return pl.DataFrame({name: pl.Series(cells, dtype=pl.String) for name, cells in columns.items()})


def _read(spelling: Spelling | None = None, **columns: list[str | None]) -> pl.DataFrame:
    return (spelling or Spelling(USUAL, "UTC", NOW)).read(_frame(**columns), COLUMNS)


@given(st.lists(st.text(max_size=8) | st.sampled_from(["17850.0", " 602 ", "null", "a\x00", "e\u0301"]), max_size=8))
def test_ids_agree(texts: list[str]) -> None:
    """Each id of a column is what the reader makes of it, or has its reason."""
    found = _read(user=list(texts))
    for text, cell, reason in zip(texts, found["user"], found["reason"], strict=True):
        assert (cell, reason) == _cleaned(text)


def _cleaned(text: str) -> tuple[str | None, str | None]:
    try:
        return ids.cleaned(text), None
    except Unreadable as error:
        return text, f"user: {error.reason}"


_AMOUNTS = st.from_regex(r"-?[0-9]{1,4}([.,][0-9]{0,4}){0,2}( EUR|\u20ac)?", fullmatch=True) | st.text(max_size=6)


@given(st.lists(_AMOUNTS, max_size=8))
def test_amounts_agree(texts: list[str]) -> None:
    """Each amount of a column is what the reader makes of it by what the column tells."""
    spelling = Spelling(USUAL, "UTC", NOW)
    _read(spelling, price=list(texts))
    if spelling.is_to_be_read_again:
        spelling.again()
    found = _read(spelling, price=list(texts))
    stripped = [text.strip() for text in texts]
    mark = money.mark_of(stripped)
    for text, cell in zip(stripped, found["price"], strict=True):
        try:
            meant = money.read(text, money.Mark.POINT if mark is money.Mark.AMBIGUOUS else mark)
        except Unreadable:
            continue
        assert Decimal(cell) == meant.amount


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2030, 1, 1)),  # noqa: DTZ001 - written as text
    st.sampled_from(["", "Z", "+02", "+0200", "-05:30", " UTC"]),
)
def test_times_agree(time: datetime, offset: str) -> None:
    """What is read as a vector is what the reader makes of it, by the shop's zone where no offset is given."""
    text = time.isoformat(" ") + offset
    spelt = Spelling(USUAL, "Europe/Berlin", NOW).read(_frame(time=[text]), COLUMNS)
    found = spelt.select(vectors.parse(pl.col("time"), "Europe/Berlin")).to_series()[0]
    try:
        assert found == times.read(text, zone=zone_of("Europe/Berlin"))
    except Unreadable:
        assert found is None


_DATES = st.builds(
    "{}/{}/{}{}".format, st.integers(0, 32), st.integers(0, 32), st.sampled_from([1999, 2026, 10]),
    st.sampled_from(["", " 8:26", " 08:26:59", " 8:26 PM", " 25:00", " 8"]),
)  # fmt: skip
_SINCE = st.integers(0, 3).flatmap(
    lambda unit: st.integers(900_000_000, 1_800_000_000).map(lambda s: str(s * 1000**unit + 7))
)


@given(st.lists(_DATES | _SINCE, min_size=1, max_size=6), st.sampled_from(["dmy", "mdy"]))
def test_dates_and_numbers_agree(texts: list[str], order: Literal["dmy", "mdy"]) -> None:
    """Dates with slashes and numbers since 1970, which vectors read, are what the reader makes of them."""
    spelt = _read(Spelling(USUAL, "UTC", NOW, Stated(dates=order)), time=list(texts))
    found = spelt.select(vectors.parse(pl.col("time"), "UTC")).to_series()
    for text, time in zip(texts, found, strict=True):
        try:
            meant = times.read(text, order=times.Order(order), now=NOW)
        except Unreadable:
            meant = None
        assert time == meant


def test_a_price_names_its_currency() -> None:
    """A currency written with the price is the line's; another than the one beside it is a reason."""
    found = _read(price=["12.99 EUR", "EUR 5", "$3"], currency=[None, "usd", "usd"])
    assert found["currency"].to_list() == ["EUR", "USD", "USD"]
    assert found["price"].to_list() == ["12.99", "EUR 5", "3"]
    assert found["reason"].to_list() == [None, "price: in another currency than is stated beside it", None]


def test_cells_that_say_nothing() -> None:
    """NULL and its like are no values; space around a value is none of it."""
    found = _read(price=["NULL", "\\N", " 5 "], pieces=["", "None", "2"], time=["null", " ", " 2026-01-01 "])
    assert found["price"].to_list() == [None, None, "5"]
    assert found["pieces"].to_list() == [None, None, "2"]
    assert found["time"].to_list() == [None, None, "2026-01-01"]


def test_what_is_told_later_is_read_again() -> None:
    """A price that a later one shows to have been read wrong is read again, and the report says how it was read."""
    spelling = Spelling(USUAL, "UTC", NOW)
    assert _read(spelling, price=["1.299"])["price"].to_list() == ["1.299"]
    _read(spelling, price=["9,90"])
    assert spelling.is_to_be_read_again
    spelling.again()
    assert _read(spelling, price=["1.299"])["price"].to_list() == ["1299.0"]
    assert spelling.told() == {"price": "'1.299' was read with a decimal comma, as others tell"}


def test_nothing_tells() -> None:
    """Where nothing tells, prices have a decimal point, which is said with the way to read them otherwise."""
    spelling = Spelling(USUAL, "UTC", NOW)
    assert _read(spelling, price=["1,299"])["price"].to_list() == ["1299.0"]
    assert "--decimals" in spelling.told()["price"]
    stated = Spelling(USUAL, "UTC", NOW, Stated(decimals="comma"))
    assert _read(stated, price=["1,299"])["price"].to_list() == ["1.299"]


def test_dates_that_nothing_tells(tmp_path: Path) -> None:
    """A column of dates that may be either way is an error that names the option; dates of both ways too."""
    for cells in (["01/02/2026"], ["13/01/2026", "01/13/2026", "01/02/2026"]):
        spelling = Spelling(USUAL, "UTC", NOW)
        _read(spelling, time=list(cells))
        with pytest.raises(InputError, match="--dates dmy or --dates mdy"):
            spelling.check(tmp_path)
    stated = Spelling(USUAL, "UTC", NOW, Stated(dates="dmy"))
    assert _read(stated, time=["01/02/2026"])["time"].to_list() == ["2026-02-01T00:00"]
    stated.check(tmp_path)


def test_days_of_a_spreadsheet() -> None:
    """Numbers that are all days of a spreadsheet are such days; beside times since 1970 only where it is said."""
    noon = "2026-05-01T12:00:00+00:00"
    assert _read(time=["46143.5", "46143.5"])["time"].to_list() == [noon, noon]
    mixed = _read(time=["46143.5", "1777636800"])
    assert mixed["reason"].null_count() == 1
    said = _read(Spelling(USUAL, "UTC", NOW, Stated(dates="excel")), time=["46143.5", "1777636800"])
    assert said["time"].to_list() == [noon, "2026-05-01T12:00:00.000000Z"]
    spelling = Spelling(USUAL, "UTC", NOW)
    _read(spelling, time=["46143.5"])
    assert "spreadsheets" in spelling.told()["time"]
