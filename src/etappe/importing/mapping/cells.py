"""Cells as their column is typed: each distinct text is read once, by the readers of `etappe.values`."""

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Final

import polars as pl

from etappe.importing.mapping.naming import words
from etappe.values import money, times
from etappe.values.money import Mark
from etappe.values.times import Order
from etappe.values.unreadable import Unreadable

_DAY_OR_MONTH_FIRST: Final = r"^(\d{1,2})[./-](\d{1,2})[./-](\d{4})(?:,?[T ]+(.+))?$"
_CLOCK: Final = r"^\d{1,2}:\d\d(?::\d\d(?:\.\d{1,9})?)?(?: ?(?:[Zz]|UTC|GMT|[+-]\d\d:?\d\d))?$"
_ZONED: Final = r"(?:[Zz]|UTC|GMT|\d:?\d\d? ?[+-]\d\d(?::?\d\d)?)$|^\d+(?:\.\d+)?$"
_MONTHS: Final = 12
ORDERS: Final = {"dmy": Order.DMY, "mdy": Order.MDY}

Read = Callable[[str], str | None]


def each(column: pl.Series, read: Read) -> pl.Series:
    """`column` with each distinct text as `read` reads it, null where it gives nothing."""
    distinct = column.drop_nulls().unique()
    if distinct.is_empty():
        return column.cast(pl.String)
    table = pl.DataFrame(
        [distinct.alias("text"), pl.Series("to", [read(text) for text in distinct.to_list()], pl.String)]
    )
    joined = column.alias("text").to_frame().join(table, on="text", how="left", maintain_order="left")
    return joined["to"].alias(column.name)


def number(text: str, mark: Mark) -> str | None:
    """`text` as a number of JSON, "1.299,00 EUR" as "1299.00"; None where it is none.

    `mark` decides what the text leaves open, whether 1.299 is a thousand.
    """
    try:
        return format(money.read(text, mark).amount, "f")
    except Unreadable:
        return None


def yes_no(text: str) -> str | None:
    """`true` or `false`; None where the word says neither."""
    said = words.yes_no(text)
    return None if said is None else str(said).lower()


def day(text: str, dates: str, zone: tzinfo) -> str | None:
    """`text` as an ISO day where it has no clock, else as an ISO time; None where it is none."""
    moment = _moment(text, dates, zone)
    if moment is None:
        return None
    return moment.date().isoformat() if moment.time() == datetime.min.time() else moment.isoformat()


def mark_of(decimal: str) -> Mark:
    """The mark of a mapping's `decimal`."""
    return Mark.COMMA if decimal == "," else Mark.POINT


def moments(column: pl.Series, dates: str) -> pl.Series:
    """Times of `column`, written as a mapping's `dates` says, as ISO; what is none stays as it is, to be rejected.

    A time that names no offset gets none, so that the zone of the file counts. Most are turned as vectors: a click log
    has as many times as rows.
    """
    if dates == "iso":
        return column
    told = (
        _turned(column, dates)
        if dates in ORDERS
        else pl.Series(column.name, [None], pl.String).new_from_index(0, len(column))
    )
    rest = column.filter(told.is_null())
    if rest.drop_nulls().is_empty():
        return told
    read = each(rest, lambda text: _iso(text, dates))
    frame = pl.DataFrame([told.alias("told"), column.alias("text")])
    slow = frame["told"].scatter(told.is_null().arg_true(), read)
    return frame.with_columns(slow).select(pl.coalesce("told", "text").alias(column.name)).to_series()


def _turned(column: pl.Series, dates: str) -> pl.Series:
    """Days and months of one or two digits, a year of four and a clock of 24 hours; null for all else."""
    parts = column.str.extract_groups(_DAY_OR_MONTH_FIRST).struct.unnest()
    parts.columns = ["first", "second", "year", "clock"]
    day, month = ("first", "second") if dates == "dmy" else ("second", "first")
    clock = pl.col("clock").str.replace(r"^(\d):", "0$1:")
    sound = (clock.is_null() | clock.str.contains(_CLOCK)) & pl.col(month).cast(pl.Int64).le(_MONTHS)
    iso = pl.concat_str("year", pl.col(month).str.zfill(2), pl.col(day).str.zfill(2), separator="-")
    text = pl.concat_str(iso, pl.when(clock.is_null()).then(pl.lit("")).otherwise(pl.lit("T") + clock))
    return parts.select(pl.when(sound).then(text).alias(column.name)).to_series()


def _iso(text: str, dates: str) -> str | None:
    moment = _moment(text, dates, UTC)
    if moment is None:
        return None
    zoned = dates != "excel" and not pl.Series([text]).str.contains(_ZONED).not_().any()
    return moment.isoformat() if zoned else moment.replace(tzinfo=None).isoformat()


def _moment(text: str, dates: str, zone: tzinfo) -> datetime | None:
    """The time in `zone`."""
    try:
        moment = times.read(text, zone=zone, order=ORDERS.get(dates, Order.AMBIGUOUS), serial=dates == "excel")
    except Unreadable:
        return None
    return moment.astimezone(zone)
