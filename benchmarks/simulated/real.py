"""The real shops beside which the simulated one is shown, brought into the columns that the measurements ask for."""

from pathlib import Path
from typing import Final

import polars as pl

from etappe.importing.reading import unpacked

_TIME: Final = "%Y-%m-%d %H:%M:%S"


def online_retail(path: Path) -> pl.DataFrame:
    """The sales in UCI Online Retail: lines of known customers; no returns, postage or the like."""
    product = pl.col("StockCode").str.contains(r"^\d{5}") & ~pl.col("InvoiceNo").str.starts_with("C")
    known = pl.col("CustomerID").is_not_null() & (pl.col("CustomerID") != "")
    lines = _read(path).with_columns(pl.col("Quantity").cast(pl.Int64), pl.col("UnitPrice").cast(pl.Float64))
    return lines.filter(known & product & (pl.col("Quantity") > 0) & (pl.col("UnitPrice") > 0)).select(
        order="InvoiceNo",
        buyer="CustomerID",
        item="StockCode",
        quantity="Quantity",
        price="UnitPrice",
        at=pl.col("InvoiceDate").str.to_datetime(_TIME, time_zone="UTC"),
    )


def rees46(path: Path) -> pl.DataFrame:
    """Views, carts and purchases in a REES46 log; its last line may be cut off, and is left out."""
    rows = _read(path)[:-1]
    return rows.select(
        event=pl.col("event_type").replace_strict({"view": "view_item", "cart": "add_to_cart"}, default="purchase"),
        person="user_id",
        session="user_session",
        item="product_id",
        price=pl.col("price").cast(pl.Float64),
        at=pl.col("event_time").str.to_datetime(f"{_TIME} UTC", time_zone="UTC"),
    )


def _read(path: Path) -> pl.DataFrame:
    with unpacked.opened(path) as file:
        return pl.read_csv(file.read(), infer_schema=False, truncate_ragged_lines=True)
