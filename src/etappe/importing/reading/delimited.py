"""CSV after RFC 4180 with any separator, with the line on which each record begins.

Lines without quotes, and lines whose quotes all close, are split as vectors. What is left, a record over several
lines or a damaged one, goes one by one through the standard library.
"""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

from etappe.errors import InputError
from etappe.importing.reading import batch as rows_
from etappe.importing.reading import columns, lines
from etappe.importing.reading import source as sources_
from etappe.importing.reading.batch import Batch, Broken
from etappe.importing.reading.records import Form, Stitched
from etappe.importing.reading.source import Source
from etappe.importing.reading.wrecked import SIGN, Wrecked

_QUOTED: Final = r'"(?:[^"]|"")*"'


def read(file: Path) -> tuple[list[str], Iterator[Batch]]:
    """The header's names and the batches below it. Empty lines are no rows, nameless empty columns are left out.

    Short rows are filled up with empty cells; rows that are too long are broken, unless the surplus is empty.

    Raises:
        InputError: the file cannot be read or known (also while iterating), the header names a column twice, or a
            column without a name has content.
    """
    source = sources_.of(file)
    names = columns.checked(source)
    return [name for name in names if name], _Reader(source, names).batches()


class _Reader:
    def __init__(self, source: Source, names: list[str]) -> None:
        dialect = source.dialect
        self._source = source
        self._places = [name or columns.place(at) for at, name in enumerate(names)]
        self._nameless = [place for place, name in zip(self._places, names, strict=True) if not name]
        self._form = Form(dialect.separator or ",", len(names), dialect.spaced)
        sep = "\\t" if self._form.separator == "\t" else re.escape(self._form.separator)
        blanks = " *" if dialect.spaced else ""
        self._closed_line = rf'^(?:{_QUOTED}|[^"{sep}]*)(?:{sep}{blanks}(?:{_QUOTED}|[^"{sep}]*))*$'
        self._surplus = rf"(?:{sep} *)+$"
        self._plain_text = dialect.text is not None and dialect.text.plain
        self._short = 0
        self._wrecked = Wrecked()

    def batches(self) -> Iterator[Batch]:
        carried: pl.DataFrame | None = None
        for batch in lines.batches(self._source):
            below = batch if batch["line"][0] > self._header else batch.filter(pl.col("line") > self._header)
            rows = below if carried is None else pl.concat([carried, below])
            done, carried = self._split(rows, more=True)
            if rows["text"].str.contains(SIGN, literal=True).any():
                self._wrecked.look(done.rows)
            yield self._named(done)
        if carried is not None:
            yield self._named(self._split(carried, more=False)[0])
        self._wrecked.tell(self._source)
        if self._short:
            self._source.note(f"rows with fewer cells than the header, whose other cells are empty: {self._short:,}")

    @property
    def _header(self) -> int:
        return self._source.dialect.line

    def _named(self, batch: Batch) -> Batch:
        """Without the columns that have no name; InputError where they have content."""
        if not self._nameless:
            return batch
        columns.check_nameless(self._source, batch.rows, self._nameless)
        return Batch(batch.rows.drop(self._nameless), batch.broken)

    def _split(self, rows: pl.DataFrame, *, more: bool) -> tuple[Batch, pl.DataFrame | None]:
        """The records of `rows`, and the lines of a last one whose end may come with `more`."""
        text = rows["text"]
        filled, quoted = text != "", text.str.contains('"', literal=True)
        if not quoted.any():
            frame, broken = self._plain(rows.filter(filled))
            return Batch(frame, broken), None
        loose = quoted if self._form.spaced else quoted & ~text.str.contains(self._closed_line)
        stitched = Stitched(rows, self._form, more=more)
        try:
            free = stitched.join(loose.arg_true().to_list())
        except InputError as error:
            raise InputError(f"{self._source}, {error}") from error
        plain, few = self._plain(rows.filter(free & filled & ~quoted))
        closed, many = self._closed(rows.filter(free & quoted))
        self._short += stitched.short
        frame = pl.concat([plain, closed, rows_.frame(self._places, stitched.records)]).sort(rows_.LINE)
        return Batch(frame, few + many + stitched.broken), stitched.rest

    def _plain(self, rows: pl.DataFrame) -> tuple[pl.DataFrame, list[Broken]]:
        """Lines without quotes."""
        rows, unreadable = self._readable(rows)
        last = self._form.width - 1
        parts = rows["text"].str.count_matches(self._form.separator, literal=True)
        wrong: list[Broken] = []
        if not (parts == last).all():
            cut = pl.when(parts > last).then(pl.col("text").str.replace(self._surplus, "")).otherwise("text")
            rows = rows.with_columns(cut.alias("text"))
            wide = rows["text"].str.count_matches(self._form.separator, literal=True) > last
            wrong = rows_.broken(rows.filter(wide), rows_.TOO_WIDE)
            rows = rows.filter(~wide)
            self._short += int((parts < last).sum())
        cells = rows["text"].str.split_exact(self._form.separator, last).struct.rename_fields(self._places)
        return self._without_empty(rows, cells.struct.unnest()), unreadable + wrong

    def _closed(self, rows: pl.DataFrame) -> tuple[pl.DataFrame, list[Broken]]:
        """Lines whose quotes all close: those as wide as the header as vectors, the others one by one."""
        rows, unreadable = self._readable(rows)
        bare = rows["text"].str.replace_all(_QUOTED, "")
        fits = bare.str.count_matches(self._form.separator, literal=True) == self._form.width - 1
        odd, wrong = self._odd(rows.filter(~fits))
        rows = rows.filter(fits)
        if rows.is_empty():
            return odd, unreadable + wrong
        cells = pl.read_csv(
            io.BytesIO(rows["text"].str.join("\n").item().encode()),
            has_header=False,
            schema=dict.fromkeys(self._places, pl.String),
            separator=self._form.separator,
        )
        return pl.concat([self._without_empty(rows, cells), odd]), unreadable + wrong

    def _odd(self, rows: pl.DataFrame) -> tuple[pl.DataFrame, list[Broken]]:
        good: list[tuple[int, list[str | None]]] = []
        wrong = []
        for line, text in rows.iter_rows():
            cells, _ = self._form.cells(iter([text]))
            fitted = self._form.fitted(cells)
            if fitted is None:
                wrong.append(Broken(line, rows_.TOO_WIDE, text))
            else:
                good.append((line, fitted))
                self._short += len(cells) < self._form.width
        return rows_.frame(self._places, good), wrong

    def _readable(self, rows: pl.DataFrame) -> tuple[pl.DataFrame, list[Broken]]:
        if self._plain_text:
            return rows, []
        bad = rows["text"].str.contains("\0", literal=True)
        return rows.filter(~bad), rows_.broken(rows.filter(bad), rows_.UNREADABLE)

    def _without_empty(self, rows: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
        text = pl.all().str.strip_chars_start(" ") if self._form.spaced else pl.all()
        return cells.select(rows["line"].alias(rows_.LINE), pl.when(text != "").then(text).name.keep())
