"""The rows of a catalogue file: cells by the names of their columns."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import polars as pl

from etappe.errors import InputError
from etappe.importing.catalogue.columns.names import place_of
from etappe.importing.catalogue.feed import xml
from etappe.importing.reading import columnar, failures, json_lines, lines, sources
from etappe.importing.reading.batch import LINE, Broken
from etappe.importing.reading.source import Source

_TEXTS: Final = ("id", "title", "category", "brand", "item_group_id", "currency", "url", "image")
"""Roles whose columns are text, whatever kind a Parquet file gives them."""

_AT_ONCE: Final = 4096
_OWN: Final = ("id", "title", "objectID", "name", "sku")
Rows = list[tuple[int, dict[str, Any]]]
"""Line and cells by name."""


def _csv(source: Source) -> Iterator[tuple[Rows, list[Broken]]]:
    header, batches = sources.table(source)
    _check_has_id(source, header)
    for batch in batches:
        yield [], batch.broken
        yield from _by_some(batch.rows)


def _jsonl(source: Source) -> Iterator[tuple[Rows, list[Broken]]]:
    for decoded in json_lines.read(source, dict[str, Any], _OWN):
        yield list(zip(decoded.lines, decoded.values, strict=True)), decoded.broken


def _parquet(path: Source) -> Iterator[tuple[Rows, list[Broken]]]:
    frame = columnar.scan(path)
    with failures.reading(path):
        schema = frame.collect_schema()
    _check_has_id(path, schema.names())
    columns = [
        columnar.text(path, name, kind) if _is_text(name, kind) else _number(name, kind)
        for name, kind in schema.items()
    ]
    with failures.reading(path):
        rows = frame.select(columns).with_row_index(LINE, offset=1)
        for batch in rows.collect_batches(chunk_size=lines.BATCH, lazy=True):
            yield from _by_some(batch)


READERS: Final[Mapping[str, Callable[[Source], Iterator[tuple[Rows, list[Broken]]]]]] = {
    "csv": _csv,
    "jsonl": _jsonl,
    "parquet": _parquet,
    "feed": xml.read,
}
"""By kind of file: batches of rows, and of lines that are none.

Empty cells, and columns without a name, are left out; a null in JSON stays, as it says something.
"""


def _by_some(rows: pl.DataFrame) -> Iterator[tuple[Rows, list[Broken]]]:
    """Some thousand rows at a time: as objects they take many times the room of columns."""
    for some in rows.iter_slices(_AT_ONCE):
        yield [_filled(msgspec.to_builtins(row)) for row in some.iter_rows(named=True)], []


def _check_has_id(path: Path, header: list[str]) -> None:
    if not any(place_of(name).role == "id" for name in header):
        raise InputError(f"{path}: column 'id' is missing; found {', '.join(map(repr, header))}", field="id")


def _is_text(name: str, kind: pl.DataType) -> bool:
    return place_of(name).role in _TEXTS and not isinstance(kind, pl.List | pl.Struct)


def _number(name: str, kind: pl.DataType) -> pl.Expr:
    return pl.col(name).fill_nan(None) if kind.is_float() else pl.col(name)


def _filled(row: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    line = row.pop(LINE)
    return line, {name: value for name, value in row.items() if name and value is not None}
