"""The logs that REES46 published of multi-category shops: views, carts and purchases."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

from etappe.importing.formats.intake import Intake
from etappe.importing.judging import amounts
from etappe.importing.judging.spelling import Columns
from etappe.importing.reading import sources

_COLUMNS: Final = sources.Columns(
    required=("event_time", "event_type", "product_id", "price", "user_id", "user_session"),
    optional=("category_id", "category_code", "brand"),
)
_EVENTS: Final = {
    "view": "view_item",
    "cart": "add_to_cart",
    "remove_from_cart": "remove_from_cart",
    "purchase": "purchase",
}
_CURRENCY: Final = "USD"
_SPELT: Final = Columns(
    ids=("user_id", "product_id", "user_session"), time="event_time", quantity="quantity", price="price"
)


def read(path: Path, intake: Intake) -> Iterator[pl.DataFrame]:
    """Frames of accepted rows. Categories, brands and prices become facts of the items.

    Raises:
        InputError: a column is missing, or the file cannot be read.
    """
    for batch in sources.tabular(path, _COLUMNS):
        absent = [pl.lit(None, pl.String).alias(name) for name in _COLUMNS.optional if name not in batch.rows.columns]
        spelt = intake.spelling.read(batch.rows.with_columns(absent), _SPELT)
        accepted = intake.accepted(batch, spelt.select(_native()))
        intake.items.note(accepted)
        yield accepted.drop("category", "brand")
    intake.items.note(_titles(intake.items.table()))


def _native() -> list[pl.Expr]:
    session, kind = pl.col("user_session"), pl.col("event_type")
    bought = kind == "purchase"
    price = pl.col("price").cast(pl.Float64, strict=False)
    revenue = pl.when(bought).then(amounts.of(pl.lit(1.0), price)).otherwise(pl.lit(0, pl.Int128))
    return [
        pl.col("line"),
        pl.col("reason"),
        pl.col("event_time").alias("timestamp"),
        kind.replace(_EVENTS).alias("event"),
        pl.col("user_id"),
        pl.col("product_id").alias("item_id"),
        pl.when(bought).then(pl.lit("1")).alias("quantity"),
        pl.col("price"),
        pl.lit(_CURRENCY).alias("currency"),
        pl.when(bought).then(session).alias("order_id"),
        pl.struct(session.alias("session")).struct.json_encode().alias("properties"),
        pl.col("category_code").str.replace_all(".", "/", literal=True).alias("category"),
        pl.col("brand"),
        revenue.alias("amount"),
    ]


def _titles(items: pl.DataFrame) -> pl.DataFrame:
    """Readable names for what has none: "Samsung smartphone 1004856"."""
    kind = pl.col("category").str.split("/").list.last().str.replace_all("_", " ", literal=True)
    parts = [pl.col("brand").str.to_titlecase(), kind.fill_null("product"), pl.col("item_id")]
    epoch = pl.lit(0).cast(pl.Datetime("us", "UTC")).alias("time")
    title = pl.concat_str(parts, separator=" ", ignore_nulls=True).alias("title")
    return items.select("item_id", epoch, pl.lit(0, pl.Int64).alias("line"), title)
