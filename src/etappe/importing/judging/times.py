"""Times as files write them, as UTC."""

from datetime import datetime
from typing import Final

import polars as pl

from etappe.log.schema import TIME
from etappe.units import MICROSECONDS
from etappe.values.times import AHEAD, FIRST_EPOCH, Order

ISO: Final = (
    r"^(?P<day>\d{4}-\d\d-\d\d)(?:[Tt ](?P<clock>\d\d:\d\d)(?P<seconds>:\d\d(?:\.\d{1,9})?)?"
    r" ?(?P<zone>[Zz]|UTC|GMT|[+-]\d\d(?::?\d\d)?)?)?$"
)
"""What is read as vectors; all else goes through `etappe.values.times`."""
SLASHED: Final = (
    r"^(?P<first>\d{1,2})/(?P<second>\d{1,2})/(?P<year>\d{4})(?: (?P<clock>\d{1,2}:\d\d)(?P<seconds>:\d\d)?)?$"
)
"""Dates with slashes as most files write them."""
_WHOLE: Final = r"^\d{9,19}$"


def parse(column: pl.Expr, zone: str) -> pl.Expr:
    """Text as `TIME`: ISO 8601 with `T` or a space; null where it is none.

    Times without a zone are in `zone`. One that the change to winter time repeats is the earlier; one that the change
    to summer time leaves out is none.
    """
    parts = column.str.extract_groups(ISO)
    day, clock, seconds, written = (parts.struct.field(name) for name in ("day", "clock", "seconds", "zone"))
    stamp = pl.concat_str(day, pl.lit("T"), clock.fill_null("00:00"), seconds.fill_null(":00"))
    local = stamp.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)
    sign = pl.when(written.str.starts_with("-")).then(-1).otherwise(1)
    hours = written.str.slice(1, 2).cast(pl.Int64, strict=False)
    minutes = written.str.slice(3).str.strip_prefix(":").cast(pl.Int64, strict=False).fill_null(0)
    offset = pl.duration(minutes=sign * (hours * 60 + minutes).fill_null(0))
    there = local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
    return pl.when(written.is_null()).then(there).otherwise((local - offset).dt.replace_time_zone("UTC")).cast(TIME)


def pairs(texts: pl.Series) -> list[str]:
    """Of `texts` one for each pair of day and month, which is what a column's order is told by."""
    parts = (
        texts.to_frame("text").with_columns(pl.col("text").str.extract_groups(SLASHED).alias("parts")).unnest("parts")
    )
    return parts.filter(pl.col("first").is_not_null()).unique(["first", "second"])["text"].to_list()


def canonical(column: pl.Expr, order: Order, now: datetime) -> pl.Expr:
    """Text as ISO 8601 where it is a plain date with slashes of this `order`, or a whole number since 1970.

    All else stays as it is, for the reader to judge.
    """
    numbered = column.str.contains(_WHOLE)
    since = _since_1970(column.str.to_integer(strict=False), now)
    dated = _reordered(column, order) if order in (Order.DMY, Order.MDY) else pl.lit(None, pl.String)
    return pl.coalesce(pl.when(numbered).then(since), dated, column)


def _reordered(column: pl.Expr, order: Order) -> pl.Expr:
    parts = column.str.extract_groups(SLASHED)
    first, second = (parts.struct.field(name) for name in ("first", "second"))
    day, month = (first, second) if order is Order.DMY else (second, first)
    clock = parts.struct.field("clock").fill_null("0:00").str.zfill(pl.lit(5))
    date = [parts.struct.field("year"), month.str.zfill(2), day.str.zfill(2)]
    known = month.cast(pl.Int32, strict=False).is_between(1, 12)
    seconds = parts.struct.field("seconds").fill_null("")
    return pl.when(known).then(pl.concat_str(pl.concat_str(date, separator="-"), pl.lit("T"), clock, seconds))


def _since_1970(number: pl.Expr, now: datetime) -> pl.Expr:
    first, last = int(FIRST_EPOCH.timestamp()), int((now + AHEAD).timestamp())
    micros = pl.lit(None, pl.Int64)
    for unit in (1, 1_000, 1_000_000, 1_000_000_000):
        scaled = number * (MICROSECONDS // unit) if unit <= MICROSECONDS else number // (unit // MICROSECONDS)
        micros = pl.when(number.is_between(first * unit, last * unit)).then(scaled).otherwise(micros)
    return pl.from_epoch(micros, "us").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
