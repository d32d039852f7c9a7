"""Rows of any table of items as the lines of JSON that `import-items` takes."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from etappe.importing.mapping import cells as cells_
from etappe.importing.mapping import tables
from etappe.importing.mapping.mapping import Mapping
from etappe.importing.mapping.row_cells import RowCells, completed
from etappe.importing.mapping.targets import ATTRIBUTES, TARGETS
from etappe.importing.mapping.translating import check_headers
from etappe.importing.reading import sources
from etappe.importing.reading.batch import LINE
from etappe.values import money
from etappe.values.unreadable import Unreadable

_NUMBERS: Final = ("price", "floor_days")
_FLAGS: Final = ("available",)
_TIMES: Final = ("available_from", "available_until")


@contextmanager
def translated(path: Path, mapping: Mapping, zone: str) -> Iterator[Path]:
    """A file of the items of `path`, each in the line where it stands there, so that what is rejected names that line.

    A cell that is not what its field asks for stays as it is, to be rejected with what stands in it.

    Raises:
        InputError: the file has no column that the mapping names, or cannot be read.
    """
    table = tables.read(path, mapping.file.encoding, mapping.file.separator)
    check_headers(path, table.header, mapping)
    with tempfile.TemporaryDirectory(prefix="etappe-items-") as folder:
        made = Path(folder) / f"{sources.stem(path)}.jsonl"
        with made.open("wb") as file:
            _write(file, table, mapping, zone)
        yield made


def _write(file: IO[bytes], table: tables.Table, mapping: Mapping, zone: str) -> None:
    last = 0
    for batch in table.batches:
        rows = completed(batch.rows, mapping.headers())
        for line, item in zip(rows[LINE].to_list(), _items(RowCells(mapping, rows, zone)), strict=True):
            file.write(b"\n" * (line - last - 1) + msgspec.json.encode(item) + b"\n")
            last = line


def _items(cells: RowCells) -> list[dict[str, Any]]:
    """The fields of the items of a batch; what a cell leaves empty is absent."""
    fields = {name: _values(cells, name) for name in TARGETS["items"].names if cells.has(name)}
    if cells.has("price") and not cells.has("currency"):
        fields["currency"] = cells_.each(cells.text("price"), _currency).to_list()
    own = {name: _values(cells, ATTRIBUTES + name) for name in cells.targets(ATTRIBUTES)}
    found = []
    for at in range(cells.rows.height):
        item = {name: column[at] for name, column in fields.items() if column[at] is not None}
        attributes = {name: column[at] for name, column in own.items() if column[at] is not None}
        found.append(item | ({"attributes": attributes} if attributes else {}))
    return found


def _currency(price: str) -> str | None:
    """The currency that stands beside a price."""
    try:
        return money.read(price, money.Mark.POINT).currency
    except Unreadable:
        return None


def _values(cells: RowCells, target: str) -> list[Any]:
    if target in _TIMES:
        return cells.time(target).to_list()
    kind = "number" if target in _NUMBERS else "yes_no" if target in _FLAGS else cells.kind(target)
    texts = cells.text(target).to_list()
    if kind not in ("number", "yes_no"):
        return texts
    read = cells.typed(target, kind).to_list()
    return [text if said is None else msgspec.json.decode(said) for text, said in zip(texts, read, strict=True)]
