"""Records of CSV that need more than a look at their line: cells over several lines, and broken quotes."""

import csv
import re
from collections.abc import Iterator
from typing import Final

import msgspec
import polars as pl

from etappe.errors import InputError
from etappe.importing.reading import batch as rows_
from etappe.importing.reading.batch import Broken
from etappe.units import MIB

LONGEST: Final = 16 * MIB
"""Characters of one record; the library's own bound is that of one cell."""

_AT_ONCE: Final = 512
_TELLING: Final = 4
"""Cells of which many lines of a text have as many by chance."""
_ALNUM: Final = re.compile(r"\w+")
csv.field_size_limit(LONGEST)


class Form(msgspec.Struct, frozen=True):
    """How records are written: the separator, how many cells they have, and whether blanks before quotes are none."""

    separator: str
    width: int
    spaced: bool = False

    def cells(self, lines: Iterator[str]) -> tuple[list[str], int]:
        """The cells of the record that `lines` begin with, and how many lines it takes; csv.Error where it is none."""
        reader = csv.reader(lines, delimiter=self.separator, strict=True, skipinitialspace=self.spaced)
        return next(reader), reader.line_num

    def fitted(self, cells: list[str]) -> list[str | None] | None:
        """`cells` as wide as the header: filled up, or without empty ones at the end; None where they are too many."""
        if any(cell.strip() for cell in cells[self.width :]):
            return None
        filled: list[str | None] = [cell or None for cell in cells[: self.width]]
        return filled + [None] * (self.width - len(filled))


class Stitched:
    """Records joined one by one from `rows` (line, text)."""

    def __init__(self, rows: pl.DataFrame, form: Form, *, more: bool) -> None:
        self.records: list[tuple[int, list[str | None]]] = []
        self.broken: list[Broken] = []
        self.rest: pl.DataFrame | None = None
        self.short = 0
        self._rows = rows
        self._form = form
        self._more = more

    def join(self, starts: list[int]) -> pl.Series:
        """Joins from each of `starts` that no record before it took in; a mask of the rows left over."""
        taken = [False] * self._rows.height
        after = 0
        for start in starts:
            if start >= after and self.rest is None:
                after = start + self._one(start)
                taken[start:after] = [True] * (after - start)
        return ~pl.Series(taken, dtype=pl.Boolean)

    def _one(self, start: int) -> int:
        """Number of lines that the record from `start` takes."""
        lines = _Lines(self._rows["text"], start)
        try:
            cells, count = self._form.cells(iter(lines))
        except csv.Error:
            return self._damaged(start, lines)
        return self._keep(start, cells, count)

    def _keep(self, start: int, cells: list[str], count: int) -> int:
        """Books a record of `count` lines; a stray quote may have made one of several, of which the first is broken."""
        fitted = self._form.fitted(cells)
        odd = count > 1 and len(cells) != self._form.width
        extent = self._extent(start, count) if odd else count
        if extent is not None and extent < count:
            return self._reject(start, rows_.OPEN_QUOTE, extent)
        if fitted is None:
            return self._reject(start, rows_.TOO_WIDE, count)
        if any("\0" in cell for cell in cells):
            return self._reject(start, rows_.UNREADABLE, count)
        self.short += len(cells) < self._form.width
        self.records.append((self._line(start), fitted))
        return count

    def _damaged(self, start: int, lines: "_Lines") -> int:
        """Rejects a record alone: it ends where its cell does, or where the next one begins."""
        extent = None if lines.ended and self._more and not lines.full else self._extent(start)
        if extent is None:
            self.rest = self._rows[start:]
            return self._rows.height - start
        return self._reject(start, rows_.OPEN_QUOTE if lines.ended else rows_.BAD_QUOTE, extent)

    def _extent(self, start: int, most: int | None = None) -> int | None:
        """Lines of a broken record: to where its quotes end, or to the first line below that is a record by itself.

        None where that may come with more of the file.
        """
        lines = _Lines(self._rows["text"], start, most)
        opened, own = False, None
        for count, text in enumerate(lines):
            if count == 0:
                own = _shape(text.partition(self._form.separator)[0])
            elif self._is_record(text, own):
                return count
            opened = _is_open(text.rstrip("\n"), self._form.separator, opened=opened)
            if not opened and most is None:
                return count + 1
        if lines.full and most is None:
            raise InputError(
                f"line {self._line(start)}: a quoted cell of over {LONGEST // MIB} MiB; if its quote was meant to end"
                " before, mend it; else shorten it"
            )
        return None if self._more and most is None else lines.count

    def _is_record(self, text: str, own: str | None) -> bool:
        """Whether a line is as wide as the header and, where that says little, begins as the broken record does."""
        try:
            cells, _ = self._form.cells(iter([text]))
        except (csv.Error, StopIteration):
            return False
        if len(cells) != self._form.width:
            return False
        return self._form.width >= _TELLING or own is None or _shape(cells[0]) == own

    def _reject(self, start: int, reason: str, count: int) -> int:
        texts = self._rows["text"][start : start + count].to_list()
        self.broken.append(Broken(self._line(start), reason, "\n".join(texts)))
        return count

    def _line(self, start: int) -> int:
        return int(self._rows["line"][start])


class _Lines:
    """Lines from one on, as many as a record may have, or `most`; `count` is how many were asked for."""

    def __init__(self, texts: pl.Series, start: int, most: int | None = None) -> None:
        self.count = 0
        self.ended = False
        self.full = False
        self._texts = texts
        self._start = start
        self._end = len(texts) if most is None else start + most

    def __iter__(self) -> Iterator[str]:
        size, at, step = 0, self._start, 8
        while at < self._end:
            for text in self._texts[at : min(at + step, self._end)].to_list():
                size += len(text) + 1
                if size > LONGEST:
                    self.ended = self.full = True
                    return
                self.count += 1
                yield text + "\n"
            at += step
            step = min(step * 4, _AT_ONCE)
        self.ended = True


def _is_open(text: str, separator: str, *, opened: bool) -> bool:
    """Whether a cell is open behind a line, where a quote ends one only before a separator or a line end."""
    at = 0
    while True:
        if opened:
            at = text.find('"', at)
            if at < 0:
                return True
            doubled = text.startswith('"', at + 1) and not text.startswith(separator, at + 2) and at + 2 < len(text)
            opened = doubled or not (at + 1 >= len(text) or text.startswith(separator, at + 1))
            at += 2 if doubled else 1
        elif at == 0 and text.startswith('"'):
            opened, at = True, 1
        else:
            at = text.find(separator + '"', at)
            if at < 0:
                return False
            opened, at = True, at + 2


def _shape(cell: str) -> str | None:
    """What the first cell of a record looks like: digits, or how words and signs alternate; None where it is quoted."""
    cell = cell.strip()
    if cell.startswith('"') or not cell:
        return None
    return "9" if cell.isdigit() else _ALNUM.sub("w", cell)
