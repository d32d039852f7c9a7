"""Any file as a table of text under its own headers, read as a mapping says or as its content tells."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from etappe.errors import InputError
from etappe.importing.reading import sources
from etappe.importing.reading.batch import LINE, Batch
from etappe.importing.reading.dialect import Dialect
from etappe.importing.reading.source import Source


class Table(msgspec.Struct, frozen=True):
    """The columns of a file and its rows, as text; `source` has what reading it showed."""

    source: Source
    header: list[str]
    batches: Iterator[Batch]

    @property
    def dialect(self) -> Dialect:
        """What kind of file it is."""
        return self.source.dialect


def read(file: Path, encoding: str | None = None, separator: str | None = None) -> Table:
    """The table in `file`; `encoding` and `separator` where somebody says them. Empty cells are null.

    The columns of JSON are the keys of all its objects, so that such a file is read twice.

    Raises:
        InputError: it is none, or cannot be read (also while iterating).
    """
    said = file.encoding if isinstance(file, Source) else None
    source = Source(file, said or encoding, separator)
    if source.dialect.kind == "xml":
        raise InputError(f"{file} is a feed of products; it comes in by `etappe import-items {file}`")
    if source.dialect.kind == "json":
        names = {name: None for batch in sources.rows(source) for name in batch.rows.columns if name != LINE}
        return Table(source, list(names), sources.rows(source))
    return Table(source, *sources.table(source))


def tell(file: Path, table: Table) -> None:
    """Hands what reading `table` showed to the report of whoever imports `file`."""
    if isinstance(file, Source):
        file.note(*table.source.remarks)
