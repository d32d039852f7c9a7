"""The catalogue of a replica: columns for what is asked of many items at once, and documents for the few shown.

The compiled part is a memory-mapped array folder; what changed since is an overlay on top of it. A change costs what it
changes, whatever the number of items.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from etappe import arrays
from etappe.catalog import compiled, documents
from etappe.catalog.categories import UNCATEGORISED, Categories
from etappe.catalog.columns import GATE, NEVER, SHOP_FLOOR, record_of
from etappe.catalog.compiled import FORMAT, KIND, Compiled
from etappe.catalog.documents import Document
from etappe.catalog.fields import Changed
from etappe.catalog.fields import Compiled as CompiledFields
from etappe.catalog.finding import rows_of
from etappe.catalog.fragments import Fragment
from etappe.catalog.growing import Growing, with_room
from etappe.catalog.item import Item, ItemPatch, merge
from etappe.catalog.lowest import priced
from etappe.catalog.narrow import Narrow
from etappe.catalog.products import NotProducts
from etappe.catalog.values import Codes, Values
from etappe.errors import InputError
from etappe.ids import ItemHash, item_hash
from etappe.settings import NOT_PRODUCTS

__all__ = ["FORMAT", "KIND", "NEVER", "SHOP_FLOOR", "UNCATEGORISED", "Catalogue"]

_FRAGMENTS: Final = 2048
"""What answers hold of items is kept of so many, some 500 bytes each: a few items are shown most."""
NEW: Final = -1
"""The category that a new row moves from."""
MOVE: Final = np.dtype([("row", np.int32), ("old", np.int32), ("new", np.int32)])
Rows = NDArray[np.int64]


class Catalogue:
    """All items by row. Rows never move while the object lives, so arrays aligned to it stay aligned.

    Columns (one value a row): `hash` uint64 and those of `columns.GATE`; what a process changes in them is its own.
    """

    def __init__(self, base: Compiled | None = None) -> None:
        self._base = base
        self._sorted: NDArray[np.uint64] = base.hash[: base.count] if base else np.zeros(0, np.uint64)
        self._hash = Growing(base.hash if base else with_room(self._sorted), len(self._sorted))
        self._gate = Growing(base.gate if base else with_room(np.zeros(0, GATE)), len(self._sorted))
        self._categories = Categories(base.categories if base else ("",))
        self._documents: dict[int, Document] = {}
        self._fragments: dict[tuple[int, tuple[str, ...]], Fragment] = {}
        self._new_rows: dict[int, int] = {}
        self.changed = Changed(len(base.fields.values) if base else 1)
        self._moves = Growing(with_room(np.zeros(0, MOVE)), 0)
        self.narrow = Narrow()
        self.changes = 0
        self.not_products = NotProducts(NOT_PRODUCTS)

    def __len__(self) -> int:
        """Number of items, available or not."""
        return len(self._gate)

    @property
    def gate(self) -> NDArray[np.void]:
        """GATE[rows]: a record for each row, not to be kept or written to."""
        return self._gate.values

    @property
    def categories(self) -> list[str]:
        """The category paths by code."""
        return self._categories.names

    @property
    def moves(self) -> NDArray[np.void]:
        """MOVE[n]: which rows came (`old` is -1) or changed their category, in order; only ever added to."""
        return self._moves.values

    @property
    def fields(self) -> CompiledFields | None:
        """The coded fields of compiled rows, where there are such rows."""
        return self._base.fields if self._base and self._base.count else None

    @property
    def values(self) -> Values | None:
        """The values that codes of compiled rows stand for, where there are such rows."""
        return self._base.fields.values if self._base and self._base.count else None

    @property
    def overlaid(self) -> int:
        """Rows that changed since the catalogue was compiled."""
        return len(self._documents)

    def column(self, name: str) -> NDArray[Any]:
        """The column `name`, one value for each row."""
        return self._hash.values[: len(self)] if name == "hash" else self._gate.values[name]

    def codes(self, name: str, rows: Rows) -> Codes:
        """int32[n]: the codes of a field, as filters name it, for `rows`; those behind `values` are of `changed`."""
        fields = self.fields
        codes = fields.codes(name, rows) if fields is not None else np.zeros(len(rows), np.int32)
        changed = np.flatnonzero(self._gate.values["changed"][rows])
        if len(changed):
            codes[changed] = self.changed.codes(name, rows[changed])
        return codes

    def changed_rows(self) -> Rows:
        """int64[n]: the rows that changed since the catalogue was compiled, ascending."""
        return np.sort(np.fromiter(self._documents, np.int64, len(self._documents)))

    def in_categories(self, codes: Iterable[int], most: int) -> Rows | None:
        """Rows among which all are of these categories; None where they were more than `most` when compiled."""
        known = list(codes)
        rows = self._base.in_categories(known, most) if self._base else np.zeros(0, np.int64)
        changed = self.changed_rows()
        moved = changed[np.isin(self._gate.values["category"][changed], known)]
        return None if rows is None else np.concatenate([rows, moved])

    def below(self, *paths: str) -> NDArray[np.bool_]:
        """bool[categories]: which category codes are one of `paths` or below it."""
        return self._categories.below(paths)

    def row(self, hashed: ItemHash) -> int:
        """The row of the item with this hash, -1 where there is none."""
        if hashed in self._new_rows:
            return self._new_rows[hashed]
        place = int(np.searchsorted(self._sorted, np.uint64(hashed)))
        found = place < len(self._sorted) and int(self._sorted[place]) == hashed
        return place if found else -1

    def rows(self, hashes: NDArray[np.uint64]) -> Rows:
        """int64[n]: the row of each hash, -1 where there is none."""
        found = np.empty(len(hashes), np.int64)
        rows_of(np.ascontiguousarray(hashes), self._sorted, found)
        if self._new_rows:
            for index in np.flatnonzero(found < 0):
                found[index] = self._new_rows.get(int(hashes[index]), -1)
        return found

    def item(self, row: int) -> Item:
        """The item of a row, decoded on demand."""
        changed = self._documents.get(row)
        if changed is None and self._base is not None:
            return documents.decoded(self._base.data(row))
        return self._documents[row].item

    def fragment(self, row: int, languages: tuple[str, ...] = ()) -> Fragment:
        """The item of a row as answers show it, in the first of `languages` that it has; cut from its document."""
        known = self._fragments.get((row, languages))
        if known is not None:
            return known
        changed = self._documents.get(row)
        if changed is None and self._base is not None:
            changed = self._base.shown(row, titles=bool(languages))
        made = documents.cut(changed or self._documents[row], languages)
        if len(self._fragments) >= _FRAGMENTS:
            del self._fragments[next(iter(self._fragments))]
        self._fragments[row, languages] = made
        return made

    def find(self, item_id: str) -> Item | None:
        """The item with this id, if the catalogue has it."""
        row = self.row(item_hash(item_id))
        item = self.item(row) if row >= 0 else None
        return item if item is not None and item.id == item_id else None

    def check(self, patch: ItemPatch) -> None:
        """Refuses an id whose hash already belongs to another item.

        Raises:
            InputError: the ids collide.
        """
        row = self.row(item_hash(patch.id))
        if row >= 0 and (other := self.fragment(row).id) != patch.id:
            raise InputError(f"item id {patch.id!r} collides with {other!r}; give it another id", field="id")

    def apply(self, patch: ItemPatch, day: int | None = None) -> int:
        """Merges `patch` into the catalogue, effective at once; returns the row.

        Where the `day` (since 1970, UTC) is given, prices are kept by day.
        """
        row = self.row(item_hash(patch.id))
        before = self.item(row) if row >= 0 else None
        item = merge(before, patch)
        return self._put(row, item if day is None else priced(before, item, day))

    def add(self, patch: ItemPatch, day: int | None = None) -> int:
        """Adds an item of which only events have told, unless it is known; returns the row."""
        row = self.row(item_hash(patch.id))
        if row >= 0:
            return row
        item = msgspec.structs.replace(merge(None, patch), stub=True)
        return self._put(row, item if day is None else priced(None, item, day))

    def _put(self, row: int, item: Item) -> int:
        category, old = self._categories.code(item.category or ""), NEW
        record = record_of(item, category, sold=item not in self.not_products)
        if row < 0:
            hashed = item_hash(item.id)
            self._hash.append(hashed)  # first: whoever counts the rows from another thread finds a hash for each
            row = self._new_rows[hashed] = self._gate.append(record)
        else:
            old = int(self._gate.values["category"][row])
            self._gate.put(row, record)
        if old != category:
            self._moves.append((row, old, category))
        self._lay(row, item)
        self.changes += 1
        return row

    def _lay(self, row: int, item: Item) -> None:
        """Lays the document and the fields of a changed row over what is compiled."""
        self._documents[row] = documents.document_of(item)
        self._fragments.clear()
        self.changed.put(row, item)
        self.narrow.note(row)

    def for_sale(self) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        """The rows of products that are available, whatever the time; what is no product is not for sale."""
        return np.flatnonzero(self.column("available") & (self.column("opens") != NEVER))

    def no_products(self) -> list[str]:
        """The ids of what is no product, in order of rows."""
        return [self.fragment(int(row)).id for row in np.flatnonzero(self.column("opens") == NEVER)]

    def stubs(self) -> list[str]:
        """The ids of items of which only events have told, in order of rows."""
        return [item.id for item in self.items() if item.stub]

    def items(self) -> Iterable[Item]:
        """All items in order of rows."""
        return (self.item(row) for row in range(len(self)))

    def compile(self, folder: Path, version: str, created: str, position: str) -> arrays.Manifest:
        """Writes the catalogue, overlay included, as an array folder. `position` is the config stream id it holds."""
        order = np.argsort(self.column("hash"))
        items = (self.item(int(row)) for row in order)
        named, parameters = compiled.compiled(items, self.column("hash")[order], self.gate[order], self.categories)
        parameters |= {"position": position}
        manifest = arrays.Manifest(kind=KIND, format=FORMAT, version=version, created=created, parameters=parameters)
        return arrays.write(folder, manifest, named)

    @classmethod
    def open(cls, folder: Path) -> tuple[Self, arrays.Manifest]:
        """The catalogue compiled into `folder`, and its manifest. Raises DataError where it is damaged."""
        base = compiled.opened(folder)
        return cls(base), base.manifest
