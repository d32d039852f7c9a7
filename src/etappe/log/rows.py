"""Frames of the log's tables, made from lists."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from etappe.log import schema


def as_rows(table: str, columns: Mapping[str, Any]) -> pl.DataFrame:
    """A frame of `table` by lists or series; columns not given are null, whole numbers as times are Unix ms."""
    height = len(next(iter(columns.values())))
    names = schema.TABLES[table]
    return pl.DataFrame({name: _column(columns.get(name), dtype, height) for name, dtype in names.items()})


def _column(values: Any, dtype: pl.DataType, height: int) -> pl.Series:
    if values is None:
        return pl.Series([None] * height, dtype=dtype)
    if isinstance(values, pl.Series):
        return values.cast(dtype)
    if dtype == schema.TIME and height and isinstance(values[0], int):
        return pl.Series(values, dtype=pl.Int64).cast(pl.Datetime("ms")).dt.replace_time_zone("UTC").cast(dtype)
    return pl.Series(values, dtype=dtype)
