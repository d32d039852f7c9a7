"""What neighbour lists name, all of it, as plain arrays."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from etappe.models.copurchase import NOT_ITSELF, Neighbours, put_best


class Named(NamedTuple):
    """Best first; `scores` relative to the best."""

    rows: NDArray[np.int64]
    scores: NDArray[np.float32]
    because: NDArray[np.int64]
    counts: NDArray[np.int64]


def named(
    lists: Neighbours,
    rows: NDArray[np.int64],
    weights: NDArray[np.float64],
    itself: tuple[NDArray[np.float32], NDArray[np.int32]] = NOT_ITSELF,
) -> Named:
    """All that the lists of a history name."""
    size = len(lists.rows)
    out: list[Any] = [np.empty(size, kind) for kind in (np.int64, np.float32, np.int64, np.int64)]
    told = (lists.rows, lists.scores, lists.counts)
    history, weighted = np.asarray(rows, np.int64), np.asarray(weights, np.float64)
    count, _ = put_best(told, itself, history, weighted, np.arange(size), 0, size, 0, tuple(out))
    return Named(*(array[:count] for array in out))
