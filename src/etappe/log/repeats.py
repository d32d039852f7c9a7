"""When two rows of the event table are one event: the same id of the same customer, or of the same order of nobody."""

from typing import Final

import polars as pl

_WHOSE: Final = "$whose"
_ARRIVAL: Final = ("received", "time", "event", "item_id")


def once(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Each event of `rows` (columns of the log) once: the first that came."""
    told = rows.with_columns(_nobodys().alias(_WHOSE))
    distinct = told.unique(subset=["subject", "event_id", _WHOSE], keep="first", maintain_order=True)
    return distinct.drop(_WHOSE)


def order_of_nobody() -> pl.Expr:
    """The order that an event without a customer belongs to, null for others: tills number each order's lines anew."""
    return pl.when(pl.col("subject").is_null()).then("order_id")


def _nobodys() -> pl.Expr:
    """What tells events apart that have no customer.

    One without an order is somebody's who does not want to be known, and others who do not may use the same ids: it is
    told by its arrival, as the store has left its repeats out when they came.
    """
    order = pl.col("order_id")
    known = pl.when(order.is_not_null()).then(order.hash()).otherwise(pl.struct(*_ARRIVAL).hash())
    return pl.when(pl.col("subject").is_null()).then(known)
