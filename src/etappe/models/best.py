"""The best of many values: one pass and a small heap, where a sort would look at each of them many times."""

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

BY_PLACE: Final[NDArray[np.int32]] = np.zeros(0, np.int32)
"""In place of ties: equal values are in order of their places."""


@njit(cache=True, nogil=True)
def best(values: Any, ties: Any, limit: int) -> Any:
    """int64[k], k <= `limit`: the places of the highest `values`, best first; of equal ones that with the smaller tie.

    Args:
        values: number[n], finite.
        ties: int[n], distinct; or BY_PLACE.
        limit: how many at most.
    """
    size = max(min(limit, len(values)), 0)
    heap = np.empty(size, dtype=np.int64)
    for place in range(size):
        heap[place] = place
    for root in range(size // 2 - 1, -1, -1):
        _sink(heap, root, size, values, ties)
    if size == 0:
        return heap
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
