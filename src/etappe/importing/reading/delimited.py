"""CSV after RFC 4180, with the line on which each record begins.

Lines without quotes, and lines whose quotes all close, are split as vectors. What is left, a record over several
lines or a damaged one, goes one by one through the standard library.
"""

import csv
import io
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

import polars as pl

from etappe.errors import InputError
from etappe.importing.reading import batch as rows_
from etappe.importing.reading import lines
from etappe.importing.reading.batch import Batch, Broken

_LONGEST: Final = 200
"""Lines a record may run over; a quote still open then is taken for a stray one, and its line alone is rejected."""
_QUOTED: Final = r'"(?:[^"]|"")*"'
_CLOSED: Final = rf'^(?:{_QUOTED}|[^",]*)(?:,(?:{_QUOTED}|[^",]*))*$'


def read(path: Path) -> tuple[list[str], Iterator[Batch]]:
    """The header's names and the batches below it. Empty lines are no rows.

    Raises:
        InputError: there is no header, or the file cannot be read (also while iterating).
    """
    batches = lines.batches(path)
    first = next(batches, None)
    if first is None:
        raise InputError(f"{path} is empty")
    header = _header(path, first["text"][0])
    return header, _records(chain([first[1:]], batches), header)


def _header(path: Path, text: str) -> list[str]:
    try:
        names = [name.strip() for name in next(csv.reader([text], strict=True), [])]
    except csv.Error as error:
        raise InputError(f"{path}, line 1: the header is no line of CSV: {error}") from error
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InputError(f"{path}, line 1: the header names {', '.join(map(repr, repeated))} more than once")
    return names


def _records(batches: Iterator[pl.DataFrame], header: list[str]) -> Iterator[Batch]:
    carried: pl.DataFrame | None = None
    for batch in batches:
        rows = batch if carried is None else pl.concat([carried, batch])
        done, carried = _split(rows, header, more=True)
        yield done
    if carried is not None:
        yield _split(carried, header, more=False)[0]


def _split(rows: pl.DataFrame, header: list[str], *, more: bool) -> tuple[Batch, pl.DataFrame | None]:
    """The records of `rows`, and the lines of a last one whose end may come with `more`."""
    filled = rows["text"] != ""
    quoted = rows["text"].str.contains('"', literal=True)
    if not quoted.any():
        frame, broken = _plain(rows.filter(filled), header)
        return Batch(frame, broken), None
    loose = quoted & ~rows["text"].str.contains(_CLOSED)
    stitched = _Stitched(rows, header, more=more)
    free = stitched.join(loose.arg_true().to_list())
    plain, few = _plain(rows.filter(free & filled & ~quoted), header)
    closed, many = _closed(rows.filter(free & quoted), header)
    frame = pl.concat([plain, closed, rows_.frame(header, stitched.records)]).sort(rows_.LINE)
    return Batch(frame, few + many + stitched.broken), stitched.rest


def _plain(rows: pl.DataFrame, header: list[str]) -> tuple[pl.DataFrame, list[Broken]]:
    fits = rows["text"].str.count_matches(",", literal=True) == len(header) - 1
    wrong = rows_.broken(rows.filter(~fits), rows_.WRONG_WIDTH)
    good = rows.filter(fits)
    fields = good["text"].str.split_exact(",", len(header) - 1).struct.rename_fields(header).struct.unnest()
    return _without_empty(good, fields), wrong


def _closed(rows: pl.DataFrame, header: list[str]) -> tuple[pl.DataFrame, list[Broken]]:
    fits = rows["text"].str.replace_all(_QUOTED, "").str.count_matches(",", literal=True) == len(header) - 1
    wrong = rows_.broken(rows.filter(~fits), rows_.WRONG_WIDTH)
    good = rows.filter(fits)
    if good.is_empty():
        return rows_.frame(header, []), wrong
    text = good["text"].str.join("\n").item().encode()
    fields = pl.read_csv(io.BytesIO(text), has_header=False, schema=dict.fromkeys(header, pl.String))
    return _without_empty(good, fields), wrong


def _without_empty(rows: pl.DataFrame, fields: pl.DataFrame) -> pl.DataFrame:
    text = pl.all()
    return fields.select(rows["line"].alias(rows_.LINE), pl.when(text != "").then(text).name.keep())


class _Stitched:
    """Records that need more than their own line, joined from `rows` one by one."""

    def __init__(self, rows: pl.DataFrame, header: list[str], *, more: bool) -> None:
        self.records: list[tuple[int, list[str]]] = []
        self.broken: list[Broken] = []
        self.rest: pl.DataFrame | None = None
        self._rows = rows
        self._width = len(header)
        self._more = more

    def join(self, starts: list[int]) -> pl.Series:
        """Joins from each of `starts` that no record before it took in; a mask of the rows left over."""
        taken = [False] * self._rows.height
        after = 0
        for start in starts:
            if start >= after:
                after = start + self._one(start)
                taken[start:after] = [True] * (after - start)
        return ~pl.Series(taken, dtype=pl.Boolean)

    def _one(self, start: int) -> int:
        """Number of lines that the record from `start` takes."""
        texts = self._rows["text"][start : start + _LONGEST].to_list()
        reader = csv.reader((text + "\n" for text in texts), strict=True)
        try:
            self._keep(start, next(reader), texts[: reader.line_num])
        except csv.Error as error:
            unended = "unexpected end" in str(error)
            if unended and self._more and len(texts) < _LONGEST:
                self.rest = self._rows[start:]
                return len(texts)
            self._reject(start, rows_.OPEN_QUOTE if unended else rows_.BAD_QUOTE, texts[:1])
            return 1
        return reader.line_num

    def _keep(self, start: int, fields: list[str], texts: list[str]) -> None:
        if len(fields) == self._width:
            self.records.append((self._line(start), [field or None for field in fields]))  # type: ignore[misc]
        else:
            self._reject(start, rows_.WRONG_WIDTH, texts)

    def _reject(self, start: int, reason: str, texts: list[str]) -> None:
        self.broken.append(Broken(self._line(start), reason, "\n".join(texts)))

    def _line(self, start: int) -> int:
        return int(self._rows["line"][start])
