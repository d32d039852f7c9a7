"""The catalogue of a replica: columns for what is asked of many items at once, and documents for the few shown.

The compiled part is a memory-mapped array folder; what changed since is an overlay on top of it.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from etappe import arrays
from etappe.catalog.fields import Field, Fields
from etappe.catalog.fragments import Fragment, fragment_of
from etappe.catalog.item import Item, ItemPatch, merge
from etappe.errors import DataError, InputError
from etappe.ids import ItemHash, item_hash

KIND: Final = "catalogue"
FORMAT: Final = 1
NEVER: Final = 2**32 - 1
UNCATEGORISED: Final = 0
"""The category code of items that have none."""
SHOP_FLOOR: Final = -1
"""`floor_days` of an item that states none of its own."""

_COLUMNS: Final[dict[str, Any]] = {
    "hash": np.uint64,
    "available": np.bool_,
    "opens": np.uint32,
    "closes": np.uint32,
    "price": np.float64,
    "category": np.int32,
    "group": np.uint64,
    "floor": np.int16,
}
_DECODER = msgspec.json.Decoder(Item)
_ENCODER = msgspec.json.Encoder()


class Catalogue:
    """All items by row. Rows never move while the object lives, so arrays aligned to it stay aligned.

    Columns (one value a row): `hash` uint64, `available` bool, `opens`/`closes` uint32 Unix seconds, `price` float64
    (NaN: none), `category` int32 index into `categories`, `group` uint64 hash of the variant group or of the item,
    `floor` int16 days.
    """

    def __init__(self, compiled: dict[str, NDArray[Any]] | None = None, categories: Iterable[str] = ("",)) -> None:
        self._compiled = compiled or {}
        self._count = len(compiled["hash"]) if compiled else 0
        self._sorted: NDArray[np.uint64] = compiled["hash"] if compiled else np.zeros(0, np.uint64)
        self._columns = {name: self._column(name, dtype) for name, dtype in _COLUMNS.items()}
        self.categories: list[str] = list(categories)
        self._category_codes = {name: code for code, name in enumerate(self.categories)}
        self._overlay: dict[int, Item] = {}
        self._new_rows: dict[int, int] = {}
        self._fields = Fields()
        self.changes = 0

    def __len__(self) -> int:
        """Number of items, available or not."""
        return self._count

    def column(self, name: str) -> NDArray[Any]:
        """The column `name`, one value for each row."""
        return self._columns[name][: self._count]

    @property
    def overlaid(self) -> int:
        """Rows that changed since the catalogue was compiled."""
        return len(self._overlay)

    def row(self, hashed: ItemHash) -> int:
        """The row of the item with this hash, -1 where there is none."""
        if hashed in self._new_rows:
            return self._new_rows[hashed]
        place = int(np.searchsorted(self._sorted, np.uint64(hashed)))
        found = place < len(self._sorted) and int(self._sorted[place]) == hashed
        return place if found else -1

    def rows(self, hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
        """int64[n]: the row of each hash, -1 where there is none."""
        if len(self._sorted) == 0:
            found = np.full(len(hashes), -1, np.int64)
        else:
            places = np.minimum(np.searchsorted(self._sorted, hashes), len(self._sorted) - 1)
            found = np.where(self._sorted[places] == hashes, places, -1)
        if self._new_rows:
            for index in np.flatnonzero(found < 0):
                found[index] = self._new_rows.get(int(hashes[index]), -1)
        return found

    def item(self, row: int) -> Item:
        """The item of a row, decoded on demand."""
        changed = self._overlay.get(row)
        if changed is not None:
            return changed
        start, end = self._compiled["offset"][row : row + 2]
        return _DECODER.decode(self._compiled["document"][start:end].tobytes())

    def fragment(self, row: int, languages: tuple[str, ...] = ()) -> Fragment:
        """The item of a row as answers show it, in the first of `languages` that it has."""
        return fragment_of(self.item(row), languages)

    def find(self, item_id: str) -> Item | None:
        """The item with this id, if the catalogue has it."""
        row = self.row(item_hash(item_id))
        item = self.item(row) if row >= 0 else None
        return item if item is not None and item.id == item_id else None

    def open_rows(self, rows: NDArray[np.int64], now: float) -> NDArray[np.bool_]:
        """bool[n]: which of `rows` are available at `now` (Unix seconds)."""
        open_now = (
            self.column("available")[rows] & (self.column("opens")[rows] <= now) & (self.column("closes")[rows] > now)
        )
        result: NDArray[np.bool_] = open_now
        return result

    def below(self, *paths: str) -> NDArray[np.bool_]:
        """bool[categories]: which category codes are one of `paths` or below it."""
        wanted = set(paths)
        return np.array([not wanted.isdisjoint(_above(name)) for name in self.categories], dtype=np.bool_)

    def fields(self, names: Sequence[str], rows: NDArray[np.int64]) -> list[Field]:
        """The fields of documents that filters name, read for `rows`."""
        return self._fields.read(names, rows, self._count, self.item)

    def check(self, patch: ItemPatch) -> None:
        """Refuses an id whose 64-bit hash already belongs to another item.

        Raises:
            InputError: the ids collide.
        """
        row = self.row(item_hash(patch.id))
        if row >= 0 and (other := self.item(row).id) != patch.id:
            raise InputError(f"item id {patch.id!r} collides with {other!r}; give it another id", field="id")

    def apply(self, patch: ItemPatch) -> int:
        """Merges `patch` into the catalogue, effective at once; returns the row."""
        row = self.row(item_hash(patch.id))
        if row < 0:
            row = self._append(item_hash(patch.id))
            item = merge(None, patch)
        else:
            item = merge(self.item(row), patch)
        self._overlay[row] = item
        self._fields.forget(row)
        self._set_columns(row, item)
        self.changes += 1
        return row

    def items(self) -> Iterable[Item]:
        """All items in order of rows."""
        return (self.item(row) for row in range(self._count))

    def compile(self, folder: Path, version: str, created: str, position: str) -> arrays.Manifest:
        """Writes the catalogue, overlay included, as an array folder. `position` is the config stream id it holds."""
        order = np.argsort(self.column("hash"))
        documents = [_ENCODER.encode(self.item(int(row))) for row in order]
        offset = np.zeros(len(documents) + 1, np.int64)
        np.cumsum([len(document) for document in documents], out=offset[1:])
        columns = {name: self.column(name)[order] for name in _COLUMNS}
        columns |= {"document": np.frombuffer(b"".join(documents), np.uint8), "offset": offset}
        parameters = {"categories": self.categories, "position": position}
        manifest = arrays.Manifest(kind=KIND, format=FORMAT, version=version, created=created, parameters=parameters)
        return arrays.write(folder, manifest, columns)

    @classmethod
    def open(cls, folder: Path) -> tuple[Self, arrays.Manifest]:
        """The catalogue compiled into `folder`, and its manifest. Raises DataError where it is damaged."""
        manifest, columns = arrays.open_verified(folder, KIND, FORMAT)
        missing = [name for name in (*_COLUMNS, "document", "offset") if name not in columns]
        if missing:
            raise DataError(f"{folder} lacks {', '.join(missing)}; compile the catalogue anew")
        return cls(columns, manifest.parameters["categories"]), manifest

    def _column(self, name: str, dtype: Any) -> NDArray[Any]:
        if name in self._compiled:
            return np.array(self._compiled[name])
        return np.zeros(0, dtype)

    def _append(self, hashed: ItemHash) -> int:
        row = self._count
        if row == len(self._columns["hash"]):
            room = max(64, row // 2)
            for name, column in self._columns.items():
                self._columns[name] = np.concatenate([column, np.zeros(room, column.dtype)])
        self._columns["hash"][row] = hashed
        self._new_rows[hashed] = row
        self._count += 1
        return row

    def _set_columns(self, row: int, item: Item) -> None:
        columns = self._columns
        columns["available"][row] = item.available
        columns["opens"][row] = _seconds(item.available_from, 0, math.ceil)
        columns["closes"][row] = _seconds(item.available_until, NEVER, math.floor)
        columns["price"][row] = np.nan if item.price is None else item.price
        columns["category"][row] = self._code(item.category or "")
        columns["group"][row] = item_hash(f"group:{item.item_group_id}" if item.item_group_id else item.id)
        columns["floor"][row] = SHOP_FLOOR if item.floor_days is None else item.floor_days

    def _code(self, category: str) -> int:
        code = self._category_codes.setdefault(category, len(self.categories))
        if code == len(self.categories):
            self.categories.append(category)
        return code


def _above(name: str) -> Iterator[str]:
    """A category and all that it is below."""
    yield name
    place = name.find("/")
    while place >= 0:
        yield name[:place]
        place = name.find("/", place + 1)


def _seconds(time: datetime | None, default: int, whole: Callable[[float], int]) -> int:
    """Unix seconds, rounded so that nothing is open outside its time; times without a zone are UTC."""
    if time is None:
        return default
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return min(max(whole(aware.timestamp()), 0), NEVER)
