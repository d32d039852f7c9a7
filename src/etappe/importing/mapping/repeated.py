"""Cells that stand in the first line of an order alone, put into its other lines."""

import polars as pl

from etappe.importing.mapping.mapping import Repeat


class Repeated:
    """What stood last above, from batch to batch."""

    def __init__(self, rule: Repeat | None) -> None:
        self._rule = rule
        self._last: pl.DataFrame | None = None

    def filled(self, rows: pl.DataFrame) -> pl.DataFrame:
        """`rows` of text with the empty cells of the rule's columns as above, while the rule's `by` is the same."""
        if self._rule is None or rows.is_empty():
            return rows
        names = [self._rule.by, *self._rule.columns]
        above = rows.select(names).clear() if self._last is None else self._last
        both = pl.concat([above, rows.select(names)])
        run = pl.col(self._rule.by).rle_id()
        filled = both.select(self._rule.by, *(pl.col(name).forward_fill().over(run) for name in self._rule.columns))
        self._last = filled.tail(1)
        return rows.with_columns(filled.tail(rows.height).select(self._rule.columns).get_columns())
