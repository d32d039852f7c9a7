"""The rows of a spreadsheet as those of CSV."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from etappe.importing.reading import batch as rows_
from etappe.importing.reading import columns, lines, workbook
from etappe.importing.reading import source as sources_
from etappe.importing.reading.batch import Batch, Broken
from etappe.importing.reading.source import Source
from etappe.importing.reading.workbook import Row
from etappe.importing.reading.wrecked import Wrecked


def read(file: Path) -> tuple[list[str], Iterator[Batch]]:
    """The header's names and the batches below it; nameless empty columns are left out.

    Raises:
        InputError: it cannot be read, the header names a column twice, or a column without a name has content.
    """
    source = sources_.of(file)
    names = columns.checked(source)
    return [name for name in names if name], _batches(source, names)


def _batches(source: Source, names: list[str]) -> Iterator[Batch]:
    places = [name or columns.place(at) for at, name in enumerate(names)]
    nameless = [place for place, name in zip(places, names, strict=True) if not name]
    width, wrecked = len(names), Wrecked()
    rows = workbook.rows(source, workbook.sheet(source))
    while some := list(islice(rows, lines.BATCH)):
        wide = [_too_wide(row) for row in some if any(row[1][width:])]
        fits = [(line, (cells + [None] * width)[:width]) for line, cells in some if not any(cells[width:])]
        frame = rows_.frame(places, fits)
        columns.check_nameless(source, frame, nameless)
        wrecked.look(frame)
        yield Batch(frame.drop(nameless), wide)
    wrecked.tell(source)


def _too_wide(row: Row) -> Broken:
    line, cells = row
    return Broken(line, rows_.TOO_WIDE, "\t".join(cell or "" for cell in cells))
