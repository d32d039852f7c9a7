"""Rows on their way from a file to an importer."""

from collections.abc import Iterable
from typing import Final

import msgspec
import polars as pl

LINE: Final = " line"
"""The column of line numbers beside those of a file, whose names never begin with a space."""

FILE: Final = 1 << 40
"""Lines of the second of several files that are imported together are counted from here on, and so forth."""

TOO_WIDE: Final = "line: more cells than the header names"
OPEN_QUOTE: Final = "line: a quoted field does not end"
BAD_QUOTE: Final = "line: quotes inside a quoted field must be doubled"
UNREADABLE: Final = "line: a NUL, or a byte that is no character in the file's encoding"
NOT_JSON: Final = "line: not a JSON object"


class Broken(msgspec.Struct, frozen=True):
    """A record that could not be split into fields."""

    line: int
    reason: str
    text: str


class Batch(msgspec.Struct, frozen=True):
    """Rows as read: `rows` has text columns, null where a cell is empty, and Int64 numbers of the lines they begin on.

    The numbers are in `LINE` as long as the file names the columns, and in `line` once the format does.
    """

    rows: pl.DataFrame
    broken: list[Broken]


def broken(lines: pl.DataFrame, reason: str) -> list[Broken]:
    """All of `lines` (line, text) as broken for `reason`."""
    return [Broken(line, reason, text) for line, text in lines.iter_rows()]


def frame(columns: list[str], rows: Iterable[tuple[int, list[str | None]]]) -> pl.DataFrame:
    """A frame of text columns from (line, fields)."""
    schema = {LINE: pl.Int64} | dict.fromkeys(columns, pl.String)
    return pl.DataFrame([(line, *fields) for line, fields in rows], schema=schema, orient="row")
