"""The rows of a spreadsheet as those of CSV."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from etappe.importing.reading import batch as rows_
from etappe.importing.reading import columns, lines, workbook
from etappe.importing.reading import source as sources_
from etappe.importing.reading.batch import Batch
from etappe.importing.reading.source import Source
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
    wrecked = Wrecked()
    rows = workbook.rows(source, workbook.sheet(source))
    while some := list(islice(rows, lines.BATCH)):
        frame = rows_.frame(places, some)  # a sheet has as many cells in each row
        columns.check_nameless(source, frame, nameless)
        wrecked.look(frame)
        yield Batch(frame.drop(nameless), [])
    wrecked.tell(source)
