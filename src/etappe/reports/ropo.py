"""Research online, purchase offline: how many purchases in stores were preceded by looking at such things online."""

from datetime import timedelta
from typing import Final

import msgspec
import polars as pl

RESEARCH: Final = ("view_item", "select_item", "add_to_cart", "add_to_wishlist", "search", "click")
STORE: Final = "store"
OFFLINE: Final = (STORE, "phone")
"""Channels that are not online; an event that names none happened online."""
NO_CATEGORY: Final = ""
ALL: Final = "all"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One category's lines bought in stores: all, those of known customers, and of these those that were researched.

    `same_item` had an event about that item online within the days before, `same_category` (with those) about one of
    its category, `any_item` about anything. `share` is same_category of identified, None where nobody is identified.
    """

    category: str
    purchases: int
    identified: int
    same_item: int
    same_category: int
    any_item: int
    share: float | None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The whole, and category by category, most purchases first."""

    days: int
    total: Line
    lines: list[Line]


def report(events: pl.LazyFrame, categories: pl.DataFrame, days: int) -> Report:
    """Counts the store purchases of `events` that online research of at most `days` before preceded.

    Args:
        events: the event table with `subject` the customer (`store.learnable.events`).
        categories: `item_id`, `category` (null: none) of the catalogue.
        days: how far back research counts.
    """
    columns = ("subject", "item_id", "time", "event", "channel")
    rows = events.select(columns).join(categories.lazy(), on="item_id", how="left")
    rows = rows.with_columns(pl.col("category").fill_null(NO_CATEGORY))
    bought = rows.filter(pl.col("event") == "purchase", pl.col("channel") == STORE).with_row_index("line").collect()
    online = ~pl.col("channel").is_in(list(OFFLINE)).fill_null(value=False)
    looked = rows.filter(pl.col("event").is_in(list(RESEARCH)), online, pl.col("subject").is_not_null())
    mine = looked.join(bought.lazy().select("subject").unique(), on="subject", how="semi").collect()
    found = bought.with_columns(
        _preceded(bought, mine, ["subject", "item_id"], days).alias("same_item"),
        _preceded(bought, mine.filter(pl.col("category") != NO_CATEGORY), ["subject", "category"], days).alias(
            "_category"
        ),
        _preceded(bought, mine, ["subject"], days).alias("any_item"),
    ).with_columns((pl.col("same_item") | pl.col("_category")).alias("same_category"))
    counted = found.group_by("category").agg(*_counts()).sort("purchases", "category", descending=[True, False])
    total = found.select(pl.lit(ALL).alias("category"), *_counts())
    return Report(days=days, total=_line(total.row(0, named=True)), lines=[_line(row) for row in counted.to_dicts()])


def _preceded(bought: pl.DataFrame, looked: pl.DataFrame, by: list[str], days: int) -> pl.Series:
    """bool[n]: whether the last such event online before each purchase is at most `days` old."""
    before = looked.select(*by, pl.col("time").alias("looked")).sort("looked")
    asked = bought.select("line", *by, "time").sort("time")
    found = asked.join_asof(
        before, left_on="time", right_on="looked", by=by, strategy="backward", check_sortedness=False
    )
    recent = (pl.col("time") - pl.col("looked") <= timedelta(days=days)).fill_null(value=False)
    known = pl.all_horizontal(pl.col(by).is_not_null())
    return found.select("line", (recent & known).alias("is")).sort("line")["is"]


def _counts() -> list[pl.Expr]:
    counts = [pl.col(name).sum().cast(pl.Int64) for name in ("same_item", "same_category", "any_item")]
    return [
        pl.len().cast(pl.Int64).alias("purchases"),
        pl.col("subject").count().cast(pl.Int64).alias("identified"),
        *counts,
    ]


def _line(row: dict[str, object]) -> Line:
    line = msgspec.convert(row | {"share": None}, Line)
    share = round(line.same_category / line.identified, 4) if line.identified else None
    return msgspec.structs.replace(line, share=share)
