"""Imported rows flagged as `POST /v1/events` flags events, but as vectors."""

from typing import Any, Final

import msgspec
import polars as pl

from etappe.events import traffic
from etappe.log import floods
from etappe.settings import Settings

_OBJECT: Final = msgspec.json.Decoder(dict[str, Any])
_UNCOUNTED: Final = list(traffic.UNCOUNTED)
_TELLING: Final = [*traffic.KEYS, "\\u"]
"""Without one of these in its text no object of properties can give a flag; JSON may write letters as `\\uXXXX` too."""


def flagged(rows: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """`rows` (time, line, subject, event, order_id, properties) in their order with `flag`, null for wanted traffic."""
    return with_counts(with_reasons(rows), settings)


def with_reasons(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` with the `flag` that each row's own properties give; of equal ones only the first is looked at."""
    told = rows["properties"].str.contains_any(_TELLING).fill_null(value=False)
    if not told.any():
        return rows.with_columns(pl.lit(None, pl.String).alias("flag"))
    said = rows.filter(told).select("event", "properties").unique()
    reasons = [traffic.reason(event, _OBJECT.decode(text)) for event, text in said.iter_rows()]
    found = said.with_columns(pl.Series("flag", reasons, pl.String))
    return rows.drop("flag", strict=False).join(
        found.filter(pl.col("flag").is_not_null()), on=["event", "properties"], how="left", maintain_order="left"
    )


def with_counts(rows: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """`rows` with `flag` also where a subject has too many events in a minute, or too many orders in a day.

    All rows of a subject's day must be there.
    """
    return _with_floods(_with_rate(rows, settings), settings)


def _with_floods(rows: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    wanted = rows.select("event", "time", "subject", "order_id", "flag").with_row_index("row").lazy()
    many = floods.flooding(wanted.filter(pl.col("flag").is_null()), settings.traffic.orders_per_day)
    flooding = many.select("row").collect()["row"]
    if flooding.is_empty():
        return rows
    return rows.with_columns(rows["flag"].clone().scatter(flooding, traffic.FLOOD).alias("flag"))


def _with_rate(rows: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """All but the first of a minute by time and line."""
    most = settings.traffic.events_per_minute
    counted = pl.col("subject").is_not_null() & pl.col("flag").is_null() & ~pl.col("event").is_in(_UNCOUNTED)
    minute = pl.col("time").dt.truncate("1m").alias("minute")
    some = rows.with_row_index("row").filter(counted).select("row", "line", "time", "subject", minute)
    busy = some.group_by("subject", "minute").len().filter(pl.col("len") > most)
    if busy.is_empty():
        return rows
    ordered = some.join(busy, on=["subject", "minute"], how="semi").sort("time", "line", "row")
    fast = ordered.filter(pl.int_range(pl.len()).over("subject", "minute") >= most)["row"]
    flags = rows["flag"].clone().scatter(fast, traffic.RATE)
    return rows.with_columns(flags.alias("flag"))
