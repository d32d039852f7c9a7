"""Accounts that order as no person does: a monitor's test orders, a script, a till that gives all its sales one name.

Nothing of the purchases of such a day is taken for taste or popularity, the first ones neither: which were a person's,
if any, the log cannot tell.
"""

from typing import Final

import polars as pl

_BOUGHT: Final = pl.col("event").is_in(["purchase", "refund"]) & pl.col("subject").is_not_null()
_DAY: Final = pl.col("time").dt.date().alias("$day")
_KEY: Final = ["subject", "$day"]


def flooding(rows: pl.LazyFrame, most: int) -> pl.LazyFrame:
    """The purchases and refunds among `rows` of subjects on days (UTC) with more than `most` orders.

    Args:
        rows: wanted ones, with `event`, `time`, `subject`, `order_id`; all rows of a subject's day must be there.
        most: orders a day. Lines that name no order are one order a minute.
    """
    dated = rows.filter(_BOUGHT).with_columns(_DAY)
    return dated.join(_days(dated, most).lazy(), on=_KEY, how="semi", maintain_order="left").drop("$day")


def without(rows: pl.LazyFrame, most: int) -> pl.LazyFrame:
    """All `rows` but those that are `flooding`."""
    days = _days(rows.filter(_BOUGHT).with_columns(_DAY), most)
    if days.is_empty():
        return rows
    known = rows.with_columns(_DAY).join(
        days.with_columns(pl.lit(value=True).alias("$flood")).lazy(), on=_KEY, how="left", maintain_order="left"
    )
    return known.filter(~(_BOUGHT & pl.col("$flood").fill_null(value=False))).drop("$day", "$flood")


def _days(dated: pl.LazyFrame, most: int) -> pl.DataFrame:
    order = pl.coalesce("order_id", pl.col("time").dt.truncate("1m").cast(pl.String))
    orders = dated.filter(pl.col("event") == "purchase").group_by(_KEY).agg(order.n_unique().alias("$orders"))
    return orders.filter(pl.col("$orders") > most).select(_KEY).collect()
