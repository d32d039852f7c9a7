"""Fields of items' documents as codes into their distinct values, filled in as rows are asked for.

So filters read a document but a few times in the life of a catalogue, however many of them there are, and look at a
value once, however many items have it. Attributes that no item has cost nothing.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from etappe.catalog.item import Item

Rows = NDArray[np.int64]
MOST_BYTES: Final = 64_000_000
"""What the fields of one catalogue may take; those asked for last stay."""
_UNREAD: Final = -1
_VALUE_BYTES: Final = 200
"""What a distinct value takes beside its text, about."""
_ATTRIBUTE: Final = "attributes."
_ENCODER: Final = msgspec.json.Encoder()


class Field:
    """One field: `codes` int32[rows] into `values`; -1 where the document has not been read."""

    def __init__(self, size: int) -> None:
        self.codes: NDArray[np.int32] = np.full(size, _UNREAD, np.int32)
        self.values: list[Any] = []
        self._known: dict[bytes, int] = {}
        self._text_bytes = 0

    @property
    def size(self) -> int:
        """Bytes, about."""
        return self.codes.nbytes + self._text_bytes + _VALUE_BYTES * len(self.values)

    def grow(self, size: int) -> None:
        """Makes room for rows that came in since."""
        if size > len(self.codes):
            self.codes = np.concatenate([self.codes, np.full(size - len(self.codes), _UNREAD, np.int32)])

    def put(self, row: int, value: Any) -> None:
        """Keeps the value of a row. Values are the same where their JSON is: 1 is not true."""
        text = _ENCODER.encode(value)
        code = self._known.setdefault(text, len(self.values))
        if code == len(self.values):
            self.values.append(value)
            self._text_bytes += 2 * len(text)
        self.codes[row] = code


class Fields:
    """The fields that filters asked for, and the names of all attributes that items were seen to have."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._fields: OrderedDict[str, Field] = OrderedDict()
        self._most = most
        self._seen: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._attributes: set[str] = set()
        self._nothing = Field(0)
        self._nothing.values.append(None)

    def __len__(self) -> int:
        """The number of fields that are held."""
        return len(self._fields)

    def read(self, names: Sequence[str], rows: Rows, size: int, item: Callable[[int], Item]) -> list[Field]:
        """The fields `names`, filled in for `rows` of `size`; `item` gives the document of a row."""
        self._see(rows, size, item)
        known = [name for name in names if self._has(name)]
        for name in known:
            self._fields.setdefault(name, Field(size)).grow(size)
            self._fields.move_to_end(name)
        unread = np.zeros(len(rows), np.bool_)
        for name in known:
            unread |= self._fields[name].codes[rows] == _UNREAD
        for row in rows[unread].tolist():
            document = item(row)
            for name in known:
                self._fields[name].put(row, value_of(document, name))
        found = {name: self._fields[name] for name in known}
        if unread.any():
            self._make_room(len(known))
        return [found.get(name, self._nothing) for name in names]

    def _see(self, rows: Rows, size: int, item: Callable[[int], Item]) -> None:
        """Learns which attributes the items of `rows` have."""
        if size > len(self._seen):
            self._seen = np.concatenate([self._seen, np.zeros(size - len(self._seen), np.bool_)])
            self._nothing.codes = np.zeros(size, np.int32)
        for row in rows[~self._seen[rows]].tolist():
            self._attributes.update(item(row).attributes)
            self._seen[row] = True

    def _has(self, name: str) -> bool:
        return not name.startswith(_ATTRIBUTE) or name.removeprefix(_ATTRIBUTE) in self._attributes

    def forget(self, row: int) -> None:
        """Has a row read anew: its document changed."""
        if row < len(self._seen):
            self._seen[row] = False
        for field in self._fields.values():
            if row < len(field.codes):
                field.codes[row] = _UNREAD

    def _make_room(self, kept: int) -> None:
        """Drops what was not asked for longest; never what is being asked for."""
        total = sum(field.size for field in self._fields.values())
        while total > self._most and len(self._fields) > kept:
            total -= self._fields.popitem(last=False)[1].size


def value_of(item: Item, name: str) -> Any:
    """The value of a field as filters name it."""
    if name.startswith(_ATTRIBUTE):
        return item.attributes.get(name.removeprefix(_ATTRIBUTE))
    return getattr(item, name)
