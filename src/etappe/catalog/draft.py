"""A catalogue that is compiled and never asked: what changed lies on the disk, so that memory does not grow with it."""

import tempfile
import weakref
from array import array
from typing import Any, Final

from etappe.catalog import documents
from etappe.catalog.compiled import Compiled
from etappe.catalog.item import Item
from etappe.catalog.table import Catalogue

_UNCHANGED: Final = -1


class Draft(Catalogue):
    """Takes changes as any catalogue does, in a file without a name, and knows no fields, lists or filters."""

    def __init__(self, base: Compiled | None = None) -> None:
        super().__init__(base)
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it goes with the object
        weakref.finalize(self, self._file.close)
        self._starts = array("q", [_UNCHANGED]) * len(self)
        self._lengths = array("i", [0]) * len(self)
        self._end = 0

    @property
    def overlaid(self) -> int:
        """Rows that changed since the catalogue was compiled."""
        return sum(start != _UNCHANGED for start in self._starts)

    def item(self, row: int) -> Item:
        """The item of a row, decoded on demand."""
        return documents.decoded(self._written(row)) if self._starts[row] != _UNCHANGED else super().item(row)

    def _lay(self, row: int, item: Item) -> None:
        """Writes the document behind the others; what it replaces stays there unread."""
        data = documents.document_of(item).data
        while len(self._starts) <= row:
            self._starts.append(_UNCHANGED)
            self._lengths.append(0)
        self._file.seek(self._end)
        self._file.write(data)
        self._starts[row], self._lengths[row] = self._end, len(data)
        self._end += len(data)

    def _written(self, row: int) -> bytes:
        self._file.seek(self._starts[row])
        data: Any = self._file.read(self._lengths[row])
        return bytes(data)
