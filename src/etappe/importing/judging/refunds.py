"""Refunds without their purchases, as files have them that tell of an order once, by its last status."""

from typing import Final

import polars as pl

ALONE: Final = (
    "refunds, and not one with its purchase in the file: they take off money that nothing has added; where the file"
    ' tells of an order once, by its last status, let that status become "skip" in place of "refund"'
)
_LINE: Final = ("order_id", "item_id")


def alone(rows: pl.LazyFrame) -> int:
    """How many of `rows` are refunds that name their order, where none has a purchase of its order and item; else 0.

    Rows have `event`, `order_id` and `item_id`.
    """
    refunds = pl.col("event") == "refund", pl.col("order_id").is_not_null()
    lines = rows.filter(*refunds).select(_LINE).collect()
    if lines.is_empty():
        return 0
    bought = rows.filter(pl.col("event") == "purchase").select(_LINE)
    paired = bought.join(lines.unique().lazy(), on=_LINE, how="semi").head(1).collect()
    return lines.height if paired.is_empty() else 0
