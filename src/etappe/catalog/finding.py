"""The compiled search for hashes among many that ascend."""

from typing import Any, Final

import numpy as np
from numba import njit

from etappe.ids import HASH_BITS

_ALL: Final = 2.0**HASH_BITS
_LEAPS: Final = 3
_NEAR: Final = 4.0
"""A leap of fewer places than these is a walk."""


@njit(cache=True, nogil=True)
def rows_of(hashes: Any, known: Any, rows: Any) -> None:
    """Fills int64[n]: the place of each of `hashes` in `known`, which ascend; -1 where they are not there."""
    for index in range(len(hashes)):
        rows[index] = row_of(hashes[index], known)


@njit(cache=True, nogil=True)
def row_of(hashed: Any, known: Any) -> int:
    """The place of one hash; -1 where it is not there.

    Hashes lie evenly between 0 and the largest, so a hash tells nearly where it is: a leap there, and one or two from
    what is found, are a dozen places off among a million, where halving would fetch twenty lines of memory. Whatever
    lies there, the doubling walk from where they end finds it.
    """
    size = len(known)
    if size == 0:
        return -1
    place = _leapt(hashed, known)
    low, high, step = place, place, 1
    while low > 0 and known[low - 1] >= hashed:
        high = low - 1
        low = max(high - step, 0)
        step *= 2
    while high < size and known[high] < hashed:
        low = high + 1
        high = min(high + step, size)
        step *= 2
    while low < high:
        middle = (low + high) // 2
        if known[middle] < hashed:
            low = middle + 1
        else:
            high = middle
    return low if low < size and known[low] == hashed else -1


@njit(cache=True, nogil=True)
def _leapt(hashed: Any, known: Any) -> int:
    """Where a hash should be."""
    most, density = len(known) - 1, len(known) / _ALL
    place = np.int64(np.float64(hashed) * density)
    if place > most:
        place = np.int64(most)
    for _ in range(_LEAPS):
        leap = (np.float64(hashed) - np.float64(known[place])) * density
        if abs(leap) < _NEAR:
            break
        place = np.int64(np.minimum(np.maximum(place + leap, 0.0), most))
    return int(place)
