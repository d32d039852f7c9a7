"""The fields of items that filters name, coded: mapped columns of the compiled catalogue, and what changed since.

A field that half of all items have or more is a code for each row; one that fewer have is its rows, ascending, and
their codes. Both have beside them their rows in order of codes, so that a value leads to its rows.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from etappe.arrays import Spooled
from etappe.catalog.item import Item
from etappe.catalog.values import NULL, Codes, Values, compiled_values, keys_of

Rows = NDArray[np.int64]
ATTRIBUTE: Final = "attributes."
PRICES: Final = "prices."
"""Before the currency; no request filter names these yet."""
STORES: Final = "stores."
"""Before the store."""
PLAIN: Final = ("brand", "currency", "item_group_id")
_ENCODER: Final = msgspec.json.Encoder()


def told(item: Item) -> Iterator[tuple[str, Any]]:
    """The fields of an item that have a value, as filters name them."""
    for name in PLAIN:
        if (value := getattr(item, name)) is not None:
            yield name, value
    for currency, price in item.prices.items():
        yield PRICES + currency, price
    for store, pieces in item.stores.items():
        yield STORES + store, pieces
    for name, value in item.attributes.items():
        if value is not None:
            yield ATTRIBUTE + name, value


class Compiled:
    """The fields of a compiled catalogue, as arrays that are mapped.

    field_names uint8: JSON; field_codes int32 and field_at int64[f+1]: the codes of each field; field_rows int32 and
    field_rows_at int64[f+1]: the rows that they are of, nothing where each row has one; field_sorted and field_owner
    int32, field_sorted_at int64[f+1]: codes but null in ascending order, and whose they are; the arrays of `Values`.
    """

    NAMES: Final = (
        "field_names", "field_codes", "field_at", "field_rows", "field_rows_at", "field_sorted", "field_owner",
        "field_sorted_at", *Values.NAMES,
    )  # fmt: skip

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        names = msgspec.json.decode(arrays["field_names"].tobytes(), type=list[str])
        self._places = {name: place for place, name in enumerate(names)}
        self._arrays = arrays
        self.values = Values(arrays)

    def codes(self, name: str, rows: Rows) -> Codes:
        """int32[n]: the codes of `rows`, null where there is none."""
        place = self._places.get(name)
        if place is None:
            return np.zeros(len(rows), np.int32)
        codes, owners = self._part("field_codes", "field_at", place), self._part("field_rows", "field_rows_at", place)
        if len(owners) == 0:
            dense: Codes = codes[np.minimum(rows, len(codes) - 1)]
            return dense
        at = np.minimum(np.searchsorted(owners, rows.astype(np.int32)), len(owners) - 1)
        return np.where(owners[at] == rows, codes[at], np.int32(NULL))

    def rows_with(self, name: str, spans: list[tuple[int, int]], most: int) -> Rows | None:
        """The rows whose code is in one of `spans` [first, end); None where there are more than `most`."""
        place = self._places.get(name)
        if place is None:
            return np.zeros(0, np.int64)
        codes, owners = (self._part(part, "field_sorted_at", place) for part in ("field_sorted", "field_owner"))
        first = np.searchsorted(codes, np.array([span[0] for span in spans], np.int32))
        end = np.searchsorted(codes, np.array([span[1] for span in spans], np.int32))
        if int(np.maximum(end - first, 0).sum()) > most:
            return None
        found = [owners[a:b] for a, b in zip(first.tolist(), end.tolist(), strict=True) if a < b]
        return np.concatenate(found).astype(np.int64) if found else np.zeros(0, np.int64)

    def _part(self, name: str, starts: str, place: int) -> NDArray[Any]:
        first, end = self._arrays[starts][place : place + 2].tolist()
        part: NDArray[Any] = self._arrays[name][first:end]
        return part


class Value(NamedTuple):
    """A value that came in since the catalogue was compiled, and the keys of what it is equal to."""

    value: Any
    keys: frozenset[int]


def value_of(value: Any) -> Value:
    """A value with its keys."""
    return Value(value, frozenset(keys_of(value)))


NOTHING: Final = value_of(None)


class Changed:
    """The fields of rows that changed. Codes begin behind the compiled ones; one that no row has any more is gone."""

    def __init__(self, first_code: int) -> None:
        self._values: dict[int, Value] = {NULL: NOTHING}
        self._by_key: dict[int, set[int]] = {}
        self._next = first_code
        self._known: dict[bytes, int] = {}
        self._uses: dict[int, tuple[int, bytes]] = {}
        self._codes: dict[str, dict[int, int]] = {}
        self._fields: dict[int, list[str]] = {}

    def put(self, row: int, item: Item) -> None:
        """Takes the fields of an item for those of its row."""
        for name in self._fields.pop(row, ()):
            self._drop(self._codes[name].pop(row))
            if not self._codes[name]:
                del self._codes[name]
        fields = self._fields[row] = []
        for name, value in told(item):
            self._codes.setdefault(name, {})[row] = self._code(value)
            fields.append(name)

    def codes(self, name: str, rows: Rows) -> list[int]:
        """The codes of rows that changed, null where there is none."""
        known = self._codes.get(name, {})
        return [known.get(row, NULL) for row in rows.tolist()]

    def value(self, code: int) -> Value:
        """The value that a code stands for."""
        return self._values[code]

    def codes_with(self, keys: Iterable[int]) -> set[int]:
        """The codes whose values have one of these keys."""
        return {code for key in keys for code in self._by_key.get(key, ())}

    def codes_where(self, name: str, holds: Callable[[Value], bool]) -> set[int]:
        """The codes of a field for whose values something holds."""
        return {code for code in set(self._codes.get(name, {}).values()) if holds(self._values[code])}

    def rows_with(self, name: str, codes: set[int]) -> Rows:
        """The rows whose field has one of these codes."""
        known = self._codes.get(name, {})
        return np.array([row for row, code in known.items() if code in codes] if codes else [], np.int64)

    def _code(self, value: Any) -> int:
        text = _ENCODER.encode(value)
        code = self._known.get(text)
        if code is None:
            code, self._next = self._next, self._next + 1
            self._known[text], self._values[code] = code, value_of(value)
            for key in self._values[code].keys:
                self._by_key.setdefault(key, set()).add(code)
        self._uses[code] = self._uses.get(code, (0, text))[0] + 1, text
        return code

    def _drop(self, code: int) -> None:
        uses, text = self._uses[code]
        if uses == 1:
            for key in self._values[code].keys:
                self._by_key[key].discard(code)
                if not self._by_key[key]:
                    del self._by_key[key]
            del self._uses[code], self._values[code], self._known[text]
        else:
            self._uses[code] = uses - 1, text


class Compiler:
    """Gathers the fields of items, given by row in ascending order."""

    def __init__(self) -> None:
        self._known: dict[bytes | str, int] = {}
        self._values: list[Any] = []
        self._rows: dict[str, array[int]] = {}
        self._codes: dict[str, array[int]] = {}

    def add(self, row: int, item: Item) -> None:
        """Takes the fields of the item of a row."""
        for name, value in told(item):
            if name not in self._rows:
                self._rows[name], self._codes[name] = array("i"), array("i")
            self._rows[name].append(row)
            self._codes[name].append(self._code(value))

    def arrays(self, count: int) -> dict[str, NDArray[Any]]:
        """The arrays of `Compiled` for a catalogue of `count` rows."""
        self._known.clear()
        values, code_of = compiled_values(self._values)
        self._values.clear()
        names = sorted(self._rows)
        parts = {part: Spooled(np.int32) for part in ("codes", "rows", "sorted", "owner")}
        at = {part: [0] for part in parts}
        for name in names:
            rows, codes = np.array(self._rows.pop(name), np.int32), code_of[np.array(self._codes.pop(name), np.int32)]
            order = np.argsort(codes, kind="stable")
            own = {"sorted": codes[order], "owner": rows[order]}
            if 2 * len(rows) >= count:
                dense = np.zeros(count, np.int32)
                dense[rows] = codes
                rows, codes = rows[:0], dense
            own |= {"codes": codes, "rows": rows}
            for part, some in own.items():
                at[part].append(at[part][-1] + parts[part].add(some) // some.itemsize)
        joined = {part: spooled.array() for part, spooled in parts.items()}
        return values | {
            "field_names": np.frombuffer(_ENCODER.encode(names), np.uint8),
            "field_codes": joined["codes"],
            "field_at": np.array(at["codes"], np.int64),
            "field_rows": joined["rows"],
            "field_rows_at": np.array(at["rows"], np.int64),
            "field_sorted": joined["sorted"],
            "field_owner": joined["owner"],
            "field_sorted_at": np.array(at["sorted"], np.int64),
        }

    def _code(self, value: Any) -> int:
        text = value if type(value) is str else _ENCODER.encode(value)  # texts are most, and tell apart as they are
        code = self._known.setdefault(text, len(self._values))
        if code == len(self._values):
            self._values.append(value)
        return code
