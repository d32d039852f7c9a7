"""The rows of a catalogue file, as the fields of items before they are checked."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Final

import msgspec
import polars as pl

from etappe.errors import InputError
from etappe.importing.catalogue.feed import product as feed
from etappe.importing.catalogue.feed import rows as feed_rows
from etappe.importing.reading import columnar, failures, json_lines, lines, sources
from etappe.importing.reading.batch import LINE, Broken
from etappe.importing.reading.source import Source

TEXTS: Final = ("id", "title", "category", "brand", "item_group_id", "currency", "url", "image")

_OWN: Final = ("id", "title")

Rows = list[tuple[int, dict[str, Any]]]
"""Line and fields by name."""


def _csv(source: Source) -> Iterator[tuple[Rows, list[Broken]]]:
    header, batches = sources.table(source)
    _check_has_id(source, header)
    for batch in batches:
        yield [_filled(row) for row in batch.rows.iter_rows(named=True)], batch.broken


def _jsonl(source: Source) -> Iterator[tuple[Rows, list[Broken]]]:
    for decoded in json_lines.read(source, dict[str, Any], _OWN):
        yield list(zip(decoded.lines, decoded.values, strict=True)), decoded.broken


def _parquet(path: Source) -> Iterator[tuple[Rows, list[Broken]]]:
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


def _feed(source: Source) -> Iterator[tuple[Rows, list[Broken]]]:
    return feed_rows.read(source)


def _as_is(row: dict[str, Any], zone: tzinfo, now: datetime) -> dict[str, Any]:  # noqa: ARG001 - as a feed's
    return row


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """How a kind of file is read, and how its rows become the fields of items.

    `read` gives batches of rows, and of lines that are none. Empty cells, and columns without a name, are left out; a
    null in JSON stays, as it says something. `fields` makes of a row, with the zone of naive times and now, the fields
    of a patch. `typed`: values have their kinds. `once`: an item stands in the file once.
    """

    read: Callable[[Source], Iterator[tuple[Rows, list[Broken]]]]
    fields: Callable[[dict[str, Any], tzinfo, datetime], dict[str, Any]] = _as_is
    typed: bool = False
    once: bool = False


KINDS: Final[Mapping[str, Kind]] = {
    "csv": Kind(read=_csv),
    "jsonl": Kind(read=_jsonl, typed=True),
    "parquet": Kind(read=_parquet),
    "feed": Kind(read=_feed, fields=feed.fields, typed=True, once=True),
}


def kind_of(source: Source) -> str:
    """The kind of a catalogue file; text with Google's suffixes is a feed, whatever parts its columns."""
    kind = sources.kind_of(source, tuple(KINDS))
    return "feed" if kind == "csv" and {".tsv", ".txt"} & set(source.suffixes[-2:]) else kind


def _check_has_id(path: Path, header: list[str]) -> None:
    if "id" not in header:
        raise InputError(f"{path}: column 'id' is missing; found {', '.join(map(repr, header))}", field="id")


def _number(name: str, kind: pl.DataType) -> pl.Expr:
    return pl.col(name).fill_nan(None) if kind.is_float() else pl.col(name)


def _filled(row: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    line = row.pop(LINE)
    return line, {name: value for name, value in row.items() if name and value is not None}
