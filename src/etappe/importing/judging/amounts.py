"""Revenue, summed exactly."""

from typing import Final

import polars as pl

from etappe.values.money import MICRO

LARGEST_PRICE: Final = 1e12
LARGEST_QUANTITY: Final = 1e6


def of(quantity: pl.Expr, price: pl.Expr) -> pl.Expr:
    """Int128 millionths of quantity (1 where null) times price (0 where null), 0 for what is no amount of money."""
    sane = quantity.abs().fill_null(1).le(LARGEST_QUANTITY) & price.abs().le(LARGEST_PRICE)
    pieces = pl.when(sane).then((quantity.fill_null(1) * MICRO).round()).otherwise(0).cast(pl.Int64)
    millionths = pl.when(sane).then((price * MICRO).round()).otherwise(0).cast(pl.Int64)
    return pieces.cast(pl.Int128) * millionths.cast(pl.Int128) // MICRO


def by_currency(rows: pl.DataFrame) -> dict[str, int]:
    """Sums of the `amount` (Int128 millionths) of `rows` by currency, "" where there is none; no rows of nothing."""
    currency = pl.col("currency").fill_null("") if "currency" in rows.columns else pl.lit("")
    some = rows.select(currency.alias("currency"), "amount").filter(pl.col("amount") != 0)
    sums = some.group_by("currency").agg(pl.col("amount").sum())
    return {code: int(micro) for code, micro in sums.iter_rows()}
