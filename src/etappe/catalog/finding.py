"""The compiled search for hashes among many that ascend."""

from typing import Any

from numba import njit


@njit(cache=True, nogil=True)
def rows_of(hashes: Any, known: Any, rows: Any) -> None:
    """Fills int64[n]: the place of each of `hashes` in `known`, which ascend; -1 where they are not there."""
    for index in range(len(hashes)):
        low, high = 0, len(known)
        while low < high:
            middle = (low + high) // 2
            if known[middle] < hashes[index]:
                low = middle + 1
            else:
                high = middle
        rows[index] = low if low < len(known) and known[low] == hashes[index] else -1
