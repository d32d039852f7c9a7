"""Traits that rows of events tell of their customers: said once, and again where they change."""

from collections.abc import Iterator
from typing import Final

import polars as pl

_WHOSE: Final = ["user_id", "anonymous_id"]
_KEPT: Final = [*_WHOSE, "time", "line", "traits"]


class TraitsSeen:
    """Of each customer the rows where traits begin and end, in memory by how often they change."""

    def __init__(self) -> None:
        self._frames: list[pl.DataFrame] = []

    def note(self, rows: pl.DataFrame) -> None:
        """Takes in accepted rows with `traits` as JSON."""
        known = rows.filter(pl.col("traits").is_not_null(), pl.any_horizontal(pl.col(_WHOSE).is_not_null()))
        some = known.select(_KEPT).sort("time", "line")
        before, after = (pl.col("traits").shift(step).over(_WHOSE) for step in (1, -1))
        told = pl.col("traits")
        # The last of a run is kept too, as a row of another batch may lie between the first and it.
        edges = before.is_null() | (before != told) | after.is_null() | (after != told)
        self._frames.append(some.filter(edges))

    def changes(self) -> Iterator[pl.DataFrame]:
        """A `set_traits` for what was first known of a customer, and for each change of it."""
        if not self._frames:
            return
        rows = pl.concat(self._frames).sort("time", "line")
        before = pl.col("traits").shift(1).over(_WHOSE)
        changed = rows.filter(before.is_null() | (before != pl.col("traits")))
        none = [
            pl.lit(None, pl.String).alias(name) for name in ("event_id", "item_id", "order_id", "currency", "channel")
        ]
        yield changed.select(
            "line",
            "time",
            "user_id",
            "anonymous_id",
            pl.lit("set_traits").alias("event"),
            pl.lit(value=True).alias("derived"),
            pl.lit(None, pl.Int32).alias("quantity"),
            pl.lit(None, pl.Float64).alias("price"),
            pl.lit(None, pl.Boolean).alias("claim"),
            pl.col("traits").alias("properties"),
            *none,
        )
