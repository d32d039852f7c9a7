"""The compiled part of a catalogue: a folder of arrays that is mapped, never copied and never sorted when it is opened.

hash uint64 and gate GATE: ascending by hash, with room behind the `count` rows for those that are added; document
uint8 and offset int64[n+1]; cut uint32[3n]: where id, title and all that is shown end; span uint32[t, 4] and span_at
int64[n+1]: the titles in other languages (see `Document`); category_rows int32[n] and category_at int64[c+1]: the rows
of each category; the arrays of `fields.Compiled`.
"""

from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe import arrays
from etappe.arrays import Spooled
from etappe.catalog import fields
from etappe.catalog.columns import GATE
from etappe.catalog.documents import Document, Span, document_of
from etappe.catalog.growing import with_room
from etappe.catalog.item import Item
from etappe.catalog.values import bytes_of
from etappe.errors import DataError

KIND: Final = "catalogue"
FORMAT: Final = 2
OWN: Final = ("hash", "gate")
"""What a process changes in its own copy of the pages."""
_NAMES: Final = (
    *OWN, "document", "offset", "cut", "span", "span_at", "category_rows", "category_at", *fields.Compiled.NAMES,
)  # fmt: skip


class Compiled:
    """An opened folder; its rows are those that were compiled."""

    def __init__(self, manifest: arrays.Manifest, named: dict[str, NDArray[Any]]) -> None:
        self.manifest = manifest
        self.count = int(manifest.parameters["count"])
        self.categories: list[str] = manifest.parameters["categories"]
        self.hash = named["hash"]
        self.gate = named["gate"].view(
            GATE
        )  # the very type: an equal one is compared field by field at each kernel call
        self.fields = fields.Compiled(named)
        self._category_rows, self._category_at = named["category_rows"], named["category_at"]
        self._text = bytes_of(named["document"])
        self._offset, self._cut = bytes_of(named["offset"]), bytes_of(named["cut"])
        self._span, self._span_at = named["span"], bytes_of(named["span_at"])

    def data(self, row: int) -> bytes:
        """The document of a row, whole."""
        return bytes(self._text[self._offset[row] : self._offset[row + 1]])

    def shown(self, row: int, *, titles: bool) -> Document:
        """The document of a row as far as it is shown: with titles in other languages, or without."""
        id_end, title_end, rest_end = self._cut[3 * row : 3 * row + 3]
        start, spans = self._offset[row], self._spans(row) if titles else ()
        end = spans[-1][-1] if spans else rest_end
        return Document(bytes(self._text[start : start + end]), id_end, title_end, rest_end, spans)

    def in_categories(self, codes: Iterable[int], most: int) -> NDArray[np.int64] | None:
        """The rows of these categories; None where there are more than `most`."""
        at = self._category_at
        spans = [(int(at[code]), int(at[code + 1])) for code in codes if code < len(at) - 1]
        if sum(end - first for first, end in spans) > most:
            return None
        return np.concatenate([np.zeros(0, np.int64), *(self._category_rows[a:b] for a, b in spans)])

    def _spans(self, row: int) -> tuple[Span, ...]:
        first, end = self._span_at[row], self._span_at[row + 1]
        return tuple(tuple(span) for span in self._span[first:end].tolist()) if first < end else ()


def opened(folder: Path) -> Compiled:
    """The catalogue compiled into `folder`.

    Raises:
        DataError: it is damaged, or of another format.
    """
    manifest, named = arrays.open_verified(folder, KIND, FORMAT, OWN)
    missing = [name for name in _NAMES if name not in named]
    if missing or not {"count", "categories"} <= set(manifest.parameters):
        raise DataError(f"{folder} lacks {', '.join(missing) or 'its parameters'}; compile the catalogue anew")
    return Compiled(manifest, named)


def compiled(
    items: Iterable[Item], hashes: NDArray[np.uint64], gate: NDArray[np.void], categories: list[str]
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays and parameters of items that are in order of their hashes."""
    rows = np.array(gate, GATE)
    rows["changed"] = False
    by_category = np.argsort(rows["category"], kind="stable").astype(np.int32)
    gathered, written = fields.Compiler(), _Written()
    for row, item in enumerate(items):
        written.add(document_of(item))
        gathered.add(row, item)
    named = {
        "hash": with_room(hashes),
        "gate": with_room(rows),
        "category_rows": by_category,
        "category_at": np.searchsorted(rows["category"][by_category], np.arange(len(categories) + 1)).astype(np.int64),
    }
    return named | written.arrays() | gathered.arrays(len(rows)), {"count": len(rows), "categories": categories}


class _Written:
    """Documents one behind the other."""

    def __init__(self) -> None:
        self._documents = Spooled()
        self._offset, self._cut, self._span, self._span_at = array("q", [0]), array("I"), array("I"), array("q", [0])

    def add(self, document: Document) -> None:
        """Puts a document behind the others."""
        self._documents.add(document.data)
        self._offset.append(self._offset[-1] + len(document.data))
        self._cut.extend((document.id_end, document.title_end, document.rest_end))
        for span in document.titles:
            self._span.extend(span)
        self._span_at.append(self._span_at[-1] + len(document.titles))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays of all documents."""
        return {
            "document": self._documents.array(),
            "offset": np.array(self._offset, np.int64),
            "cut": np.array(self._cut, np.uint32),
            "span": np.array(self._span, np.uint32).reshape(-1, 4),
            "span_at": np.array(self._span_at, np.int64),
        }
