"""Revenue, summed exactly."""

from typing import Final

import polars as pl

from etappe.importing.judging.report import MICRO

LARGEST_PRICE: Final = 1e12
LARGEST_QUANTITY: Final = 1e6


def of(quantity: pl.Expr, price: pl.Expr) -> pl.Expr:
    """Int128 millionths of quantity (1 where null) times price (0 where null), 0 for what is no amount of money."""
    sane = quantity.abs().fill_null(1).le(LARGEST_QUANTITY) & price.abs().le(LARGEST_PRICE)
    pieces = pl.when(sane).then(quantity.fill_null(1)).otherwise(0).cast(pl.Int64)
    millionths = pl.when(sane).then((price * MICRO).round()).otherwise(0).cast(pl.Int64)
    return pieces.cast(pl.Int128) * millionths.cast(pl.Int128)


def total(amounts: pl.Series) -> int:
    """Sum of Int128 millionths; 0 for none."""
    return int(amounts.sum() or 0)
