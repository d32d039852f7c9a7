"""Tables of parallel NumPy arrays: what the simulation computes with until the last step makes frames of them."""

from collections.abc import Iterator, Sequence
from typing import Any, Self, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]


class Table(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Arrays of one length, one row each of what the subclass describes."""

    def __len__(self) -> int:
        return len(next(iter(self._columns()))[1])

    def at(self, rows: NDArray[Any]) -> Self:
        """The rows that an index or a mask names, in that order."""
        return type(self)(**{name: column[rows] for name, column in self._columns()})

    @classmethod
    def joined(cls, tables: Sequence[Self]) -> Self:
        """The rows of all `tables` (at least one), one after the other."""
        names = cls.__struct_fields__
        return cls(**{name: np.concatenate([getattr(table, name) for table in tables]) for name in names})

    def narrowed(self) -> Self:
        """The same rows, integers in the narrowest dtype that holds them: to keep, not to calculate with."""
        return type(self)(**{name: _narrow(column) for name, column in self._columns()})

    def _columns(self) -> Iterator[tuple[str, NDArray[Any]]]:
        return ((name, getattr(self, name)) for name in self.__struct_fields__)


def sums(groups: Ints, values: Floats, count: int) -> Floats:
    """float64[count]: the sum of the `values` of each group 0, 1, 2 ..."""
    return np.bincount(groups, values, minlength=count).astype(np.float64)


def ranks(groups: Ints) -> Ints:
    """int64[n]: how many rows of the same group stand before each row. Rows of one group must be neighbours."""
    return np.arange(len(groups)) - np.maximum.accumulate(np.where(firsts(groups), np.arange(len(groups)), 0))


def before(keys: Ints) -> Ints:
    """int64[n]: how many rows of the same key stand before each row, wherever they stand."""
    order = np.argsort(keys, kind="stable")
    found = np.zeros(len(keys), dtype=np.int64)
    found[order] = ranks(keys[order])
    return found


def firsts(groups: Ints) -> Flags:
    """bool[n]: the row is the first of its group. Rows of one group must be neighbours."""
    return np.concatenate((np.ones(min(1, len(groups)), dtype=np.bool_), groups[1:] != groups[:-1]))


def _narrow(column: NDArray[Any]) -> NDArray[Any]:
    if column.dtype != np.int64:
        return column
    low, high = int(column.min(initial=0)), int(column.max(initial=0))
    fits = (
        dtype for dtype in (np.int8, np.int16, np.int32) if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max
    )
    return column.astype(next(fits, np.int64), copy=False)
