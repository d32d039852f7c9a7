"""The rows of a catalogue file, as the fields of items before they are checked."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import polars as pl

from etappe.errors import InputError
from etappe.importing import columnar, delimited, failures, json_lines, lines
from etappe.importing.batch import LINE, Broken

TEXTS: Final = ("id", "title", "category", "brand", "item_group_id", "currency", "url", "image")

Rows = list[tuple[int, dict[str, Any]]]
"""Line and fields by name."""


def _csv(path: Path) -> Iterator[tuple[Rows, list[Broken]]]:
    header, batches = delimited.read(path)
    _check_has_id(path, header)
    for batch in batches:
        yield [_filled(row) for row in batch.rows.iter_rows(named=True)], batch.broken


def _jsonl(path: Path) -> Iterator[tuple[Rows, list[Broken]]]:
    for decoded in json_lines.read(path, dict[str, Any]):
        yield list(zip(decoded.lines, decoded.values, strict=True)), decoded.broken


def _parquet(path: Path) -> Iterator[tuple[Rows, list[Broken]]]:
    frame = columnar.scan(path)
    with failures.reading(path):
        schema = frame.collect_schema()
    _check_has_id(path, schema.names())
    columns = [
        columnar.text(path, name, kind) if name in TEXTS else _number(name, kind) for name, kind in schema.items()
    ]
    with failures.reading(path):
        rows = frame.select(columns).with_row_index(LINE, offset=1)
        for batch in rows.collect_batches(chunk_size=lines.BATCH, lazy=True):
            yield [_filled(msgspec.to_builtins(row)) for row in batch.iter_rows(named=True)], []


READERS: Final[Mapping[str, Callable[[Path], Iterator[tuple[Rows, list[Broken]]]]]] = {
    "csv": _csv,
    "jsonl": _jsonl,
    "parquet": _parquet,
}
"""By kind of file: batches of rows, and of lines that are none.

Empty cells of CSV and Parquet, and columns without a name, are left out; a null in JSON stays, as it says something.
"""


def _check_has_id(path: Path, header: list[str]) -> None:
    if "id" not in header:
        raise InputError(f"{path}: column 'id' is missing; found {', '.join(map(repr, header))}", field="id")


def _number(name: str, kind: pl.DataType) -> pl.Expr:
    return pl.col(name).fill_nan(None) if kind.is_float() else pl.col(name)


def _filled(row: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    line = row.pop(LINE)
    return line, {name: value for name, value in row.items() if name and value is not None}
