"""The rows of any file, whatever it is: text with separators, JSON, a spreadsheet or Parquet."""

from collections.abc import Collection, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import polars as pl

from etappe.errors import InputError
from etappe.importing.reading import columnar, delimited, json_lines, sheets
from etappe.importing.reading import columns as columns_
from etappe.importing.reading import source as sources_
from etappe.importing.reading.batch import LINE, Batch
from etappe.importing.reading.columns import Columns
from etappe.importing.reading.json_lines import Decoded
from etappe.importing.reading.source import Source

__all__ = ["Columns", "kind_of", "objects", "rows", "stem", "table", "tabular"]

Row = TypeVar("Row")

_KINDS: Final = {"delimited": "csv", "workbook": "csv", "json": "jsonl", "parquet": "parquet", "xml": "feed"}
_SAID: Final = {
    "csv": "columns (CSV or a spreadsheet)",
    "jsonl": "JSON (an array, or an object a line)",
    "parquet": "Parquet",
    "feed": "an XML feed",
}
_SUFFIXES: Final = (
    *(".gz", ".zst", ".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json", ".parquet", ".xml"),
    *(".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".tab"),
)


def kind_of(file: Path, kinds: tuple[str, ...] = ("csv", "jsonl", "parquet")) -> str:
    """`csv` (or a spreadsheet), `jsonl` (JSON in any arrangement), `parquet` or `feed` by the content of `file`.

    Raises:
        InputError: it is none of `kinds`, or the file is not there, is empty or cannot be known.
    """
    source = sources_.of(file)
    kind = _KINDS[source.dialect.kind]
    if kind not in kinds:
        known = ", ".join(_SAID[one] for one in kinds)
        raise InputError(f"{source} is {_SAID[kind]}; this import reads {known}")
    return kind


def stem(path: Path) -> str:
    """The name of `path` without its suffixes: "2019-Oct" of "2019-Oct.csv.zst"."""
    name = path.name
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return name


def table(file: Path) -> tuple[list[str], Iterator[Batch]]:
    """The names of the columns of a table, and its batches under them.

    Raises:
        InputError: it is no table, or cannot be read (also while iterating).
    """
    source = sources_.of(file)
    readers = {"delimited": delimited.read, "workbook": sheets.read, "parquet": _parquet}
    read = readers.get(source.dialect.kind)
    if read is None:
        kind_of(source, ("csv", "parquet"))
        raise InputError(f"{source} has no columns")
    return read(source)


def rows(file: Path) -> Iterator[Batch]:
    """The rows of any file but a feed, as text under its own headers.

    The columns of JSON are the keys of the objects of a batch, which may lack what another batch has; objects and lists
    in cells are JSON.

    Raises:
        InputError: the file cannot be read.
    """
    source = sources_.of(file)
    if source.dialect.kind != "json":
        yield from table(source)[1]
        return
    for decoded in json_lines.read(source, dict[str, msgspec.Raw], ("id", "event", "timestamp")):
        names = list(dict.fromkeys(name for row in decoded.values for name in row))
        cells = {name: [_cell(row.get(name)) for row in decoded.values] for name in names}
        schema = {LINE: pl.Int64} | dict.fromkeys(names, pl.String)
        yield Batch(pl.DataFrame({LINE: decoded.lines} | cells, schema), decoded.broken)


def objects(file: Path, kind: type[Row], own: Collection[str] | None = None) -> Iterator[Decoded[Row]]:
    """The objects of a JSON file as `kind`; see `json_lines.read`."""
    return json_lines.read(file, kind, own)


def tabular(file: Path, columns: Columns) -> Iterator[Batch]:
    """The batches of a table with the canonical names of `columns`; absent optional ones are left out.

    Raises:
        InputError: columns are missing, mean the same or, where `columns` is closed, are unknown; the file cannot be
            read. One error tells all that is wrong with the columns.
    """
    source = sources_.of(file)
    names, read, more = _begun(source)
    wanted = columns_.wanted(source, names, columns, *more)
    chosen = [pl.col(name).alias(canonical) for name, canonical in wanted.items()]
    for batch in read:
        yield Batch(batch.rows.select(pl.col(LINE).alias("line"), *chosen), batch.broken)


def _begun(source: Source) -> tuple[list[str], Iterator[Batch], list[str]]:
    """The header of a table, its batches, and the obstacles met in the first of them."""
    kind_of(source, ("csv", "parquet"))
    header = [name for name in source.dialect.header if name]
    try:
        names, batches = table(source)
        return names, chain(list(islice(batches, 1)), batches), []
    except InputError as error:
        if source.dialect.kind != "delimited":
            raise
        told_by_names = columns_.repeated(header) is not None
        return header, iter(()), [] if told_by_names else [str(error).removeprefix(f"{source}: ")]


def _parquet(source: Source) -> tuple[list[str], Iterator[Batch]]:
    return columnar.read(source)


def _cell(value: msgspec.Raw | None) -> str | None:
    if value is None:
        return None
    text = bytes(value).decode()
    if text.startswith('"'):
        return str(msgspec.json.decode(text)) or None
    return None if text == "null" else text
