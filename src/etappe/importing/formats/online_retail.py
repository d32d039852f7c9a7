"""The invoices of a British gift shop that the UCI repository publishes as Online Retail and Online Retail II."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

from etappe.importing.formats import returns
from etappe.importing.formats.intake import Intake
from etappe.importing.judging import amounts
from etappe.importing.judging.spelling import Columns
from etappe.importing.reading import lines, sources

_COLUMNS: Final = sources.Columns(
    required=("InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID"),
    optional=("Description", "Country"),
    also={"Invoice": "InvoiceNo", "Price": "UnitPrice", "Customer ID": "CustomerID"},
)
_CURRENCY: Final = "GBP"
_PRODUCT: Final = r"^\d{5}"
_CHARGES: Final = {
    "POST": "charge: postage (POST)",
    "DOT": "charge: postage of the web shop (DOT)",
    "C2": "charge: carriage (C2)",
    "M": "charge: manual entry (M)",
    "D": "charge: discount (D)",
    "S": "charge: samples (S)",
    "B": "charge: bad debt (B)",
    "BANK CHARGES": "charge: bank charges",
    "CRUK": "charge: commission to a charity (CRUK)",
    "AMAZONFEE": "charge: fee (AMAZONFEE)",
}
_GIFT_VOUCHER: Final = r"^GIFT_"
_UNKNOWN_COUNTRY: Final = "Unspecified"
_SPELT: Final = Columns(
    ids=("InvoiceNo", "StockCode", "CustomerID"), time="InvoiceDate", quantity="Quantity", price="UnitPrice"
)

_OF_A_SALE: Final = ("item_id", "quantity", "price", "currency", "order_id")

_quantity = pl.col("Quantity").cast(pl.Float64, strict=False)
_price = pl.col("UnitPrice").cast(pl.Float64, strict=False)
_cancelled = pl.col("InvoiceNo").str.to_uppercase().str.starts_with("C")


def read(path: Path, intake: Intake) -> Iterator[pl.DataFrame]:
    """Frames of accepted rows and of derived `set_traits`. The whole file is held, as returns look back.

    Raises:
        InputError: a column is missing, or the file cannot be read.
    """
    frames = []
    for batch in sources.tabular(path, _COLUMNS):
        absent = [pl.lit(None, pl.String).alias(name) for name in _COLUMNS.optional if name not in batch.rows.columns]
        spelt = intake.spelling.read(batch.rows.with_columns(absent), _SPELT)
        frames.append(intake.accepted(batch, _native(spelt)))
    if not frames:
        return
    sold = pl.concat(frames)
    _note_items(sold, intake)
    rows = _with_orders(sold)
    yield from rows.drop("title", "country").iter_slices(lines.BATCH)
    yield _countries(sold)


def _native(rows: pl.DataFrame) -> pl.DataFrame:
    refund = _cancelled & _quantity.lt(0)
    code, invoice = pl.col("StockCode").str.to_uppercase(), pl.col("InvoiceNo").str.to_uppercase()
    return rows.select(
        "line",
        pl.coalesce("reason", _reason()).alias("reason"),
        pl.when(_reason().is_null()).then(_skip()).alias("skip"),
        amounts.of(_quantity, _price).alias("amount"),
        pl.when(refund).then(pl.lit("refund")).otherwise(pl.lit("purchase")).alias("event"),
        pl.col("InvoiceDate").alias("timestamp"),
        pl.col("CustomerID").alias("user_id"),
        code.alias("item_id"),
        pl.col("Quantity").str.strip_prefix("-").alias("quantity"),
        pl.col("UnitPrice").alias("price"),
        pl.lit(_CURRENCY).alias("currency"),
        invoice.alias("order_id"),
        pl.when(refund).then(pl.struct(invoice.alias("invoice")).struct.json_encode()).alias("properties"),
        pl.col("Description").str.strip_chars().str.replace_all(r"\s+", " ").alias("title"),
        pl.col("Country").alias("country"),
    )


def _reason() -> pl.Expr:
    """Why a row cannot even be classed; else null."""
    whole = _quantity.abs().le(amounts.LARGEST_QUANTITY) & (_quantity == _quantity.floor())
    amount = _price.abs().le(amounts.LARGEST_PRICE)
    return pl.coalesce(
        pl.when(pl.col("InvoiceNo").is_null()).then(pl.lit("InvoiceNo: missing")),
        pl.when(pl.col("StockCode").is_null()).then(pl.lit("StockCode: missing")),
        pl.when(~whole.fill_null(value=False)).then(pl.lit("Quantity: not a whole number up to 1000000")),
        pl.when(~amount.fill_null(value=False)).then(pl.lit("UnitPrice: not a number up to 1e12")),
    )


def _skip() -> pl.Expr:
    """Why a row is neither a sale nor a return of a product; else null."""
    code = pl.col("StockCode").str.to_uppercase()
    voucher = pl.when(code.str.contains(_GIFT_VOUCHER)).then(pl.lit("charge: gift voucher"))
    other = voucher.otherwise(pl.lit("code that is no product's"))
    return pl.coalesce(
        pl.when(~code.str.contains(_PRODUCT)).then(code.replace_strict(_CHARGES, default=other)),
        pl.when(_price == 0).then(pl.lit("price 0: stock adjustment or gift")),
        pl.when(_price < 0).then(pl.lit("price below 0")),
        pl.when(~_cancelled & (_quantity <= 0)).then(pl.lit("quantity not above 0 outside a C invoice")),
        pl.when(_cancelled & (_quantity >= 0)).then(pl.lit("quantity not below 0 in a C invoice")),
    )


def _with_orders(sold: pl.DataFrame) -> pl.DataFrame:
    """Refunds with the order they give back, or none; a stranger's keeps its own number, as nothing else names it."""
    orders = returns.tie(sold)
    stranger = pl.when(pl.col("user_id").is_null()).then("order_id")
    return sold.with_columns(pl.coalesce(orders, stranger).alias("order_id"))


def _countries(sold: pl.DataFrame) -> pl.DataFrame:
    """A `set_traits` for each customer's first country and for each change of it."""
    known = pl.col("country").is_not_null() & (pl.col("country") != _UNKNOWN_COUNTRY)
    rows = sold.filter(known, pl.col("user_id").is_not_null()).sort("time", "line")
    before = pl.col("country").shift(1).over("user_id")
    changed = rows.filter(before.is_null() | (before != pl.col("country")))
    return changed.with_columns(
        pl.lit("set_traits").alias("event"),
        pl.lit(True).alias("derived"),
        pl.struct("country").struct.json_encode().alias("properties"),
        *(pl.lit(None, sold.schema[name]).alias(name) for name in _OF_A_SALE),
    ).drop("title", "country")


def _note_items(sold: pl.DataFrame, intake: Intake) -> None:
    bought = sold.filter(pl.col("event") == "purchase")
    intake.items.note(bought.drop("title"))
    intake.items.note(sold.filter(pl.col("event") == "refund").select("item_id", "time", "line"))
    intake.items.note(_titles(bought))


def _titles(bought: pl.DataFrame) -> pl.DataFrame:
    """The description that most sales of an item carry: notes of the stock room ("damages") are in lower case."""
    proper = pl.col("title").str.count_matches(r"[A-Z]") > pl.col("title").str.count_matches(r"[a-z]")
    named = bought.filter(pl.col("title").str.contains(r"[A-Za-z]{2}"))
    counted = named.group_by("item_id", "title").agg(pl.len(), pl.col("time").max(), pl.col("line").max())
    best = counted.with_columns(proper.alias("proper")).sort("proper", "len", "title", descending=True)
    return best.unique("item_id", keep="first", maintain_order=True).select("item_id", "title", "time", "line")
