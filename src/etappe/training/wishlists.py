"""What customers bought who wished for something: neighbour lists across two matrices, by log-likelihood ratio."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import sparse

from etappe.models.copurchase import Neighbours, llr
from etappe.models.parts import NONE
from etappe.training.copurchase import MIN_COUNT


def build(wished: sparse.csr_array, bought: sparse.csr_array, *, neighbours: int) -> Neighbours:
    """For each item the `neighbours` others that customers who wished it bought most surprisingly often.

    Wish lists are short, so all pairs are counted, exactly: `counts[i, k]` customers had item i on their wish list and
    bought its k-th neighbour. Only pairs that come more often than by chance, and at least MIN_COUNT times, count.

    Args:
        wished: [u, n], not zero where a customer had an item on the wish list.
        bought: [u, n], not zero where the customer bought it.
        neighbours: K, the width of the lists.
    """
    size = wished.shape[1]
    pairs = (wished.T @ bought).tocoo()
    one, other, both = pairs.coords[0], pairs.coords[1], pairs.data.astype(np.int64)
    total = int(((np.diff(wished.indptr) > 0) | (np.diff(bought.indptr) > 0)).sum())
    scores = _scores(one, other, both, distinct(wished), distinct(bought), total)
    order = np.lexsort((other, -scores, one))
    order = order[scores[order] > 0]
    place = np.arange(len(order)) - np.searchsorted(one[order], one[order])
    kept, place = order[place < neighbours], place[place < neighbours]
    found = Neighbours(
        np.full((size, neighbours), NONE, np.int32),
        np.zeros((size, neighbours), np.float32),
        np.zeros((size, neighbours), np.int32),
    )
    for target, values in ((found.rows, other), (found.scores, scores), (found.counts, both)):
        target[one[kept], place] = values[kept]
    return found


def distinct(matrix: sparse.csr_array) -> NDArray[np.int32]:
    """int32[n]: in how many rows of `matrix` (u, n) each column is not zero."""
    return np.bincount(matrix.indices, minlength=matrix.shape[1]).astype(np.int32)


@njit(cache=True)
def _scores(one: Any, other: Any, both: Any, wished: Any, bought: Any, total: int) -> Any:
    """float64[p]: the LLR of each pair, 0 where it is none to be kept."""
    scores = np.zeros(len(both), dtype=np.float64)
    for index in range(len(both)):
        first, second = wished[one[index]], bought[other[index]]
        expected = float(first) * float(second) / total
        if one[index] != other[index] and both[index] >= MIN_COUNT and both[index] > expected:
            rest = total - first - second + both[index]
            scores[index] = llr(both[index], first - both[index], second - both[index], rest)
    return scores
