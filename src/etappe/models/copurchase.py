"""Who bought this also bought that: neighbour lists, their log-likelihood ratio, and candidates for one customer."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from etappe.models import confidence

NONE: Final = -1
"""The row that pads a list shorter than K."""
_HASH: Final = 0x9E3779B1


@dataclass(frozen=True, slots=True)
class Neighbours:
    """For each of n items up to K others, best first.

    `rows` int32[n, K], padded with -1; `scores` float32[n, K], log-likelihood ratios; `counts` int32[n, K], how many
    customers (or orders) had both.
    """

    rows: NDArray[np.int32]
    scores: NDArray[np.float32]
    counts: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Items that a history speaks for, best first: all arrays have the same length.

    `rows` int32, `scores` float32, `because` int32 the item of the history that spoke loudest, `counts` int32 how many
    customers (or orders) had both that item and the candidate.
    """

    rows: NDArray[np.int32]
    scores: NDArray[np.float32]
    because: NDArray[np.int32]
    counts: NDArray[np.int32]


def score(
    neighbours: Neighbours,
    rows: NDArray[np.int32],
    weights: NDArray[np.floating[Any]],
    own: NDArray[np.float32] | None = None,
    counts: NDArray[np.int32] | None = None,
) -> Candidates:
    """Neighbours of a history, each scored by the sum of confidence * LLR over the items that name it.

    Items of the history are candidates like all others where other items name them; what must not be shown is left out
    by the caller. Equal scores are ordered by row; of equally loud items the one first in `rows` is named.

    Args:
        neighbours: the lists.
        rows: int32[m], the history; unknown items (-1) are skipped.
        weights: float[m], decayed weights; items of weight 0 or less are skipped.
        own: float32[n] of `own_scores`, to let items speak for themselves too, as what was bought is bought again.
        counts: int32[n], customers of each item: what a candidate that speaks for itself is counted with.
    """
    itself = np.zeros(0, np.float32) if own is None else own
    bought = np.zeros(0, np.int32) if counts is None else counts
    sure = confidence.confidences(weights)
    known = np.asarray(rows, dtype=np.int32)
    found, scores, because, pairs = _gather(
        neighbours.rows, neighbours.scores, neighbours.counts, known, sure, itself, bought
    )
    order = np.lexsort((found, -scores))
    return Candidates(found[order], scores[order].astype(np.float32), because[order], pairs[order])


def pair_counts(neighbours: Neighbours, items: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64[m]: how many customers took both, where `others` (m,) are in the lists of `items` (m,); 0 where not."""
    found: NDArray[np.int64] = _pair_counts(neighbours.rows, neighbours.counts, items, others)
    return found


def own_scores(counts: NDArray[np.int32], total: int) -> NDArray[np.float32]:
    """float32[n]: the LLR of each item with itself, the most that any item with `counts` (n,) of `total` can reach."""
    found: NDArray[np.float32] = _own_scores(counts, total)
    return found


def log_likelihood_ratio(k11: float, k12: float, k21: float, k22: float) -> float:
    """How surprising it is that two things come together, were they independent: G^2, 0 or more.

    Dunning, "Accurate Methods for the Statistics of Surprise and Coincidence" (1993). `k11` cases have both, `k12` only
    the first, `k21` only the second, `k22` neither.
    """
    return float(llr(k11, k12, k21, k22))


@njit(cache=True, nogil=True)
def _xlogx(count: float) -> float:
    return count * np.log(count) if count > 0.0 else 0.0


@njit(cache=True, nogil=True)
def llr(k11: float, k12: float, k21: float, k22: float) -> float:
    """G^2 of a two by two table, for kernels; see `log_likelihood_ratio`."""
    cells = _xlogx(k11) + _xlogx(k12) + _xlogx(k21) + _xlogx(k22)
    rows = _xlogx(k11 + k12) + _xlogx(k21 + k22)
    columns = _xlogx(k11 + k21) + _xlogx(k12 + k22)
    return max(0.0, 2.0 * (cells - rows - columns + _xlogx(k11 + k12 + k21 + k22)))


@njit(cache=True, nogil=True)
def _pair_counts(rows: Any, counts: Any, items: Any, others: Any) -> Any:
    found = np.zeros(len(items), dtype=np.int64)
    for index in range(len(items)):
        if items[index] < 0 or others[index] < 0:
            continue
        for place in range(rows.shape[1]):
            if rows[items[index], place] == others[index]:
                found[index] = counts[items[index], place]
                break
    return found


@njit(cache=True, nogil=True)
def _own_scores(counts: Any, total: int) -> Any:
    scores = np.zeros(len(counts), dtype=np.float32)
    for row in range(len(counts)):
        if counts[row] > 0:
            scores[row] = llr(counts[row], 0.0, 0.0, total - counts[row])
    return scores


@njit(cache=True, nogil=True)
def _table_size(entries: int) -> int:
    """A power of two at least twice `entries`, so that probes stay short."""
    size = 16
    while size < 2 * entries:
        size *= 2
    return size


@njit(cache=True, nogil=True)
def _slot(table: Any, row: int) -> int:
    """Where `row` is, or would go, in an open-addressing table of rows (-1: free)."""
    mask = len(table) - 1
    slot = (row * _HASH) & mask
    while table[slot] != NONE and table[slot] != row:
        slot = (slot + 1) & mask
    return slot


@njit(cache=True, nogil=True)
def _speak(tables: Any, row: int, strength: float, item: int, pair: int) -> None:
    """Adds `strength` for candidate `row` on behalf of `item`, of whom `pair` had both."""
    if strength <= 0.0:
        return
    found, scores, loudest, because, pairs = tables
    slot = _slot(found, row)
    found[slot] = row
    scores[slot] += strength
    if strength > loudest[slot]:
        loudest[slot], because[slot], pairs[slot] = strength, item, pair


@njit(cache=True, nogil=True)
def _gather(
    rows: Any, scores: Any, counts: Any, history: Any, confidences: Any, own: Any, bought: Any
) -> tuple[Any, Any, Any, Any]:
    """Candidates in the order of a hash table: its size follows the history, not the catalogue."""
    size = _table_size(len(history) * (rows.shape[1] + 1))
    found = np.full(size, NONE, dtype=np.int32)
    total, loudest = np.zeros(size, dtype=np.float64), np.zeros(size, dtype=np.float64)
    because, pairs = np.full(size, NONE, dtype=np.int32), np.zeros(size, dtype=np.int32)
    tables = (found, total, loudest, because, pairs)
    for index in range(len(history)):
        item, sure = history[index], confidences[index]
        if item < 0 or sure <= 0.0:
            continue
        if len(own) > 0:
            _speak(tables, item, sure * own[item], item, bought[item] if len(bought) > 0 else 0)
        for place in range(rows.shape[1]):
            if rows[item, place] == NONE:
                break
            _speak(tables, rows[item, place], sure * scores[item, place], item, counts[item, place])
    taken = np.flatnonzero(found != NONE)
    return found[taken], total[taken], because[taken], pairs[taken]
