"""Files of rows by their suffix: CSV, JSON lines, Parquet or a product feed, all but Parquet plain, .gz or .zst."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec
import polars as pl

from etappe.errors import InputError
from etappe.importing.reading import columnar, delimited, failures
from etappe.importing.reading.batch import LINE, Batch

KINDS: Final[Mapping[str, str]] = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".xml": "feed",
    ".tsv": "feed",
    ".txt": "feed",
}
_PACKED: Final = (".gz", ".zst")


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """The columns a format has. Others are left out, or refused where it is `closed`."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    also: Mapping[str, str] = {}
    """Other spellings, by which a column is known too."""
    closed: bool = False


def kind_of(path: Path, kinds: tuple[str, ...] = ("csv", "jsonl", "parquet")) -> str:
    """`csv`, `jsonl`, `parquet` or `feed` by the suffix of `path`.

    Raises:
        InputError: it is none of `kinds`, or the file is not there or empty.
    """
    failures.check_readable(path)
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    packed = bool(suffixes) and suffixes[-1] in _PACKED
    suffix = (suffixes[:-1] if packed else suffixes)[-1:]
    kind = KINDS.get(suffix[0]) if suffix else None
    if kind not in kinds or (packed and kind == "parquet"):
        known = ", ".join(suffix for suffix, kind in KINDS.items() if kind in kinds)
        raise InputError(f"{path}: this import reads {known} (text also as .gz or .zst); rename or convert the file")
    return kind


def stem(path: Path) -> str:
    """The name of `path` without its suffixes: "2019-Oct" of "2019-Oct.csv.zst"."""
    name = path.name
    for suffix in (*_PACKED, *KINDS):
        name = name.removesuffix(suffix)
    return name


def tabular(path: Path, columns: Columns) -> Iterator[Batch]:
    """The batches of a CSV or Parquet file with the canonical names of `columns`; absent optional ones are left out.

    Raises:
        InputError: columns are missing or, where `columns` is closed, unknown; the file cannot be read.
    """
    read = columnar.read if kind_of(path, ("csv", "parquet")) == "parquet" else delimited.read
    header, batches = read(path)
    wanted = _wanted(path, header, columns)
    names = [pl.col(name).alias(canonical) for name, canonical in wanted.items()]
    for batch in batches:
        yield Batch(batch.rows.select(pl.col(LINE).alias("line"), *names), batch.broken)


def _wanted(path: Path, header: list[str], columns: Columns) -> dict[str, str]:
    """Canonical name by name in the header."""
    names = {name: columns.also.get(name, name) for name in header}
    known = (*columns.required, *columns.optional)
    found = ", ".join(map(repr, header))
    missing = [name for name in columns.required if name not in names.values()]
    if missing:
        raise InputError(f"{path}: column {_list(missing)} missing; found {found}", field=missing[0])
    unknown = [name for name in header if names[name] not in known]
    if unknown and columns.closed:
        raise InputError(
            f"{path}: column {_list(unknown)} unknown; the columns are {', '.join(known)}", field=unknown[0]
        )
    wanted = {name: canonical for name, canonical in names.items() if canonical in known}
    if len(set(wanted.values())) < len(wanted):
        raise InputError(f"{path}: two columns mean the same; found {found}")
    return wanted


def _list(names: list[str]) -> str:
    return ", ".join(map(repr, names)) + (" is" if len(names) == 1 else " are")
