"""Parquet as text columns, so that one set of rules judges every file."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

from etappe.errors import InputError
from etappe.importing.reading import failures, lines, unpacked
from etappe.importing.reading.batch import LINE, Batch

_PLAIN: Final = (pl.String, pl.Boolean, pl.Categorical, pl.Enum, pl.Null)
_OPEN: Final = r"^-?[1-9]\d{0,2}\.\d{3}$"
_WHOLE: Final = 2.0**53


def read(path: Path) -> tuple[list[str], Iterator[Batch]]:
    """The column names and the batches; `line` is the number of the row, from 1.

    Raises:
        InputError: it is no Parquet file, or a column holds what is no text, number, time or object.
    """
    frames = scan(path)
    with failures.reading(path):
        schema = frames.collect_schema()
    texts, wrong = [], []
    for name, kind in schema.items():
        try:
            texts.append(text(path, name, kind))
        except InputError as error:
            wrong.append((name, str(error).removeprefix(f"{path}: ")))
    if LINE in schema:
        wrong.append((LINE, f"column {LINE!r} begins with a space; rename it"))
    if wrong:
        raise InputError(f"{path}: {'; '.join(said for _, said in wrong)}", field=wrong[0][0])
    return schema.names(), _batches(path, frames, texts)


def scan(path: Path) -> pl.LazyFrame:
    """The file's rows, not yet read; `InputError` where it cannot be."""
    with failures.reading(path):
        file = path if unpacked.is_bare(path) else io.BytesIO(_content(path))
        return pl.scan_parquet(file, glob=False, hive_partitioning=False)


def _content(path: Path) -> bytes:
    with unpacked.opened(path) as file:
        return file.read()


def _batches(path: Path, frames: pl.LazyFrame, texts: list[pl.Expr]) -> Iterator[Batch]:
    before = 0
    with failures.reading(path):
        for batch in frames.collect_batches(chunk_size=lines.BATCH, lazy=True):
            numbers = pl.int_range(before + 1, before + batch.height + 1, dtype=pl.Int64).alias(LINE)
            before += batch.height
            yield Batch(batch.select(numbers, *texts), [])


def text(path: Path, name: str, kind: pl.DataType) -> pl.Expr:
    """The column `name` of `kind` as text; InputError where it has none."""
    column = pl.col(name)
    if kind in _PLAIN or kind.is_integer():
        return column.cast(pl.String)
    if kind.is_decimal():
        return _plain(column.cast(pl.String))
    if kind.is_float():
        return _plain(_whole_without_point(column))
    if isinstance(kind, pl.Datetime):
        return _time(column, kind)
    if kind == pl.Date:
        return column.dt.strftime("%Y-%m-%dT00:00:00")
    if isinstance(kind, pl.Struct):
        return pl.when(column.is_not_null()).then(column.struct.json_encode()).alias(name)
    raise InputError(f"{path}: column {name!r} is {kind}; make it text, a number, a time or an object", field=name)


def _time(column: pl.Expr, kind: pl.Datetime) -> pl.Expr:
    if kind.time_zone is None:
        return column.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f")
    return column.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")


def _plain(text: pl.Expr) -> pl.Expr:
    """1.299 as "1.2990", as it is a number: a text of three decimals might have thousands."""
    return pl.when(text.str.contains(_OPEN)).then(text + "0").otherwise(text)


def _whole_without_point(column: pl.Expr) -> pl.Expr:
    """17850.0 as "17850": whole numbers become floats where a column has gaps."""
    whole = (column.abs() < _WHOLE) & (column == column.floor())
    return pl.when(whole).then(column.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(column.cast(pl.String))
