"""The best of many values: one pass that finds what must be among them, where a sort would look at each many times."""

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

BY_PLACE: Final[NDArray[np.int32]] = np.zeros(0, np.int32)
"""In place of ties: equal values are in order of their places."""
_MORE: Final = 64
_MOST_COUNTED: Final = 1024
"""Comparing each with each costs the square of how many are wanted."""


@njit(cache=True, nogil=True)
def best(values: Any, ties: Any, limit: int) -> Any:
    """int64[k], k <= `limit`: the places of the highest `values`, best first; of equal ones that with the smaller tie.

    The places are dealt out to twice as many stacks as are wanted. Of their highest values the `limit`-th is reached by
    as many values at least, and by few more: those alone are put in order, by counting who comes before whom. All of it
    is comparing without branching, many values at once; a heap would guess wrongly at each second step.

    Args:
        values: number[n], finite.
        ties: int[n], distinct; or BY_PLACE.
        limit: how many at most.
    """
    wanted = max(min(limit, len(values)), 0)
    if wanted == 0:
        return np.empty(0, np.int64)
    if wanted > _MOST_COUNTED:
        return _by_heap(values, ties, wanted)
    places = np.empty(len(values) + 1, np.int32) if len(values) < 4 * wanted else np.empty(4 * wanted + _MORE, np.int32)
    count = _reaching(values, _floor(values, wanted), places)
    if count == len(places):  # too many are equal
        return _by_heap(values, ties, wanted)
    return _in_order(values, ties, places[:count], wanted)


@njit(cache=True, nogil=True)
def _floor(values: Any, wanted: int) -> Any:
    """A value that at least `wanted` values reach."""
    stacks = 2 * wanted
    if len(values) <= stacks:
        return values.min()
    highest = values[:stacks].copy()
    for first in range(stacks, len(values) - stacks + 1, stacks):
        for stack in range(stacks):
            value = values[first + stack]
            highest[stack] = max(highest[stack], value)
    for place in range(len(values) - len(values) % stacks, len(values)):
        highest[place % stacks] = max(highest[place % stacks], values[place])
    for stack in range(stacks):
        above, same, value = 0, 0, highest[stack]
        for other in range(stacks):
            above += highest[other] > value
            same += highest[other] == value
        if above < wanted <= above + same:
            return value
    return values.min()


@njit(cache=True, nogil=True)
def _reaching(values: Any, floor: Any, places: Any) -> Any:
    """Lists the places of values that reach `floor` in `places`, and returns how many; no more than it has room for."""
    count, last = 0, len(places) - 1
    for place in range(len(values)):
        places[count] = place
        count += values[place] >= floor
        if count > last:
            return count
    return count


@njit(cache=True, nogil=True)
def _in_order(values: Any, ties: Any, places: Any, wanted: int) -> Any:
    """The best `wanted` of `places`: each stands behind as many as come before it."""
    found = np.empty(wanted, np.int64)
    few, order = values[places], places if len(ties) == 0 else ties[places]
    for index in range(len(places)):
        value, tie, before = few[index], order[index], 0
        for other in range(len(few)):
            before += (few[other] > value) | ((few[other] == value) & (order[other] < tie))
        if before < wanted:
            found[before] = places[index]
    return found


@njit(cache=True, nogil=True)
def _by_heap(values: Any, ties: Any, size: int) -> Any:
    """The best `size` by a heap of those found so far, whose root is the worst of them."""
    heap = np.empty(size, dtype=np.int64)
    for place in range(size):
        heap[place] = place
    for root in range(size // 2 - 1, -1, -1):
        _sink(heap, root, size, values, ties)
    worst = values[heap[0]]
    for place in range(size, len(values)):
        if values[place] >= worst and _worse(heap[0], place, values, ties):
            heap[0] = place
            _sink(heap, 0, size, values, ties)
            worst = values[heap[0]]
    for end in range(size - 1, 0, -1):
        heap[0], heap[end] = heap[end], heap[0]
        _sink(heap, 0, end, values, ties)
    return heap


@njit(cache=True, nogil=True, inline="always")
def _worse(place: int, other: int, values: Any, ties: Any) -> Any:
    """Whether `place` comes after `other`."""
    if values[place] != values[other]:
        return values[place] < values[other]
    return place > other if len(ties) == 0 else ties[place] > ties[other]


@njit(cache=True, nogil=True)
def _sink(heap: Any, root: int, size: int, values: Any, ties: Any) -> None:
    """Restores the heap, whose root is the worst, below `root`."""
    while True:
        child = 2 * root + 1
        if child >= size:
            return
        if child + 1 < size and _worse(heap[child + 1], heap[child], values, ties):
            child += 1
        if not _worse(heap[child], heap[root], values, ties):
            return
        heap[root], heap[child] = heap[child], heap[root]
        root = child
