"""Times as files write them, as UTC."""

from typing import Final

import polars as pl

from etappe.log.schema import TIME

ISO: Final = (
    r"^(?P<day>\d{4}-\d\d-\d\d)(?:[Tt ](?P<clock>\d\d:\d\d)(?P<seconds>:\d\d(?:\.\d{1,9})?)?"
    r" ?(?P<zone>[Zz]|UTC|GMT|[+-]\d\d(?::?\d\d)?)?)?$"
)
"""What is read as vectors; all else goes through `etappe.values.times`."""


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
