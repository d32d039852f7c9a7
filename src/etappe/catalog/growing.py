"""An array with one value a row that grows without ever being copied in one go."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

LEAST_ROOM: Final = 1024
"""Rows of room that a new array has beyond what it holds."""
_STEP: Final = 4096


def room_for(count: int) -> int:
    """Rows of room to leave behind `count` rows."""
    return max(LEAST_ROOM, count // 8)


def with_room(values: NDArray[Any]) -> NDArray[Any]:
    """A copy of `values` with room behind it; what nobody writes there takes no memory."""
    grown = np.zeros(len(values) + room_for(len(values)), values.dtype)
    grown[: len(values)] = values
    return grown


class Growing:
    """The first `count` values of an array; the rest of it is room for more.

    Where half of the room is used, a larger array is begun and filled by some thousand rows with each row that is
    added, as a hash table is that must not stop: it is full before the room ends, so no addition costs more than that.
    """

    def __init__(self, array: NDArray[Any], count: int) -> None:
        self._array = array
        self._count = count
        self._room = len(array) - count
        self._next: NDArray[Any] | None = None
        self._copied = 0
        self._step = 0

    def __len__(self) -> int:
        """How many rows there are."""
        return self._count

    @property
    def values(self) -> NDArray[Any]:
        """The values by row, not to be kept: after the next addition they may lie elsewhere."""
        return self._array[: self._count]

    def put(self, row: int, value: Any) -> None:
        """Replaces the value of a row."""
        self._array[row] = value
        if self._next is not None and row < self._copied:
            self._next[row] = value

    def append(self, value: Any) -> int:
        """Adds a row and returns its number."""
        if self._count == len(self._array):  # only an array that was given without room
            self._array, self._room = with_room(self._array), room_for(self._count)
        row = self._count
        self._array[row] = value
        self._count += 1
        if self._next is not None or 2 * (len(self._array) - self._count) <= self._room:
            self._grow()
        return row

    def _grow(self) -> None:
        if self._next is None:
            left = max(len(self._array) - self._count, 1)
            self._next = np.zeros(self._count + 4 * max(self._room, room_for(self._count)), self._array.dtype)
            self._copied, self._step = 0, max(_STEP, (self._count + left) // left + 1)
        end = min(self._copied + self._step, self._count)
        self._next[self._copied : end] = self._array[self._copied : end]
        self._copied = end
        if end == self._count:
            self._array, self._next = self._next, None
            self._room = len(self._array) - self._count
