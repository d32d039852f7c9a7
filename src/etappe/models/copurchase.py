"""Who bought this also bought that: neighbour lists, their log-likelihood ratio, and candidates for one customer."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from etappe.models import confidence
from etappe.models.best import best
from etappe.models.parts import (
    BEST_FIRST,
    FINITE,
    ITEMS,
    NONE,
    NOT_NEGATIVE,
    PADDED,
    ROWS_OF_ITEMS,
    Array,
    Named,
    Part,
)

_HASH: Final = 0x9E3779B1
NOT_ITSELF: Final = (np.zeros(0, np.float32), np.zeros(0, np.int32))
"""In place of own scores and their counts: items do not speak for themselves."""
NOT_ITSELF[1].flags.writeable = False  # as what is mapped from a snapshot, so that one compiled kernel takes both


@dataclass(frozen=True, slots=True)
class Neighbours:
    """For each of n items up to K others, best first.

    `rows` int32[n, K], padded with -1; `scores` float32[n, K], log-likelihood ratios; `counts` int32[n, K], how many
    customers (or orders) had both.
    """

    rows: NDArray[np.int32]
    scores: NDArray[np.float32]
    counts: NDArray[np.int32]


def lists(name: str, told: str, counted: str) -> tuple[Array, ...]:
    """The arrays of the neighbour lists `name`: whom they list, and whom their counts `counted`."""
    shape = (ITEMS, "neighbours")
    return (
        Array(f"{name}_rows", np.int32, shape, f"{told}, best first", (ROWS_OF_ITEMS, PADDED)),
        Array(f"{name}_scores", np.float32, shape, "their log-likelihood ratios", (FINITE, NOT_NEGATIVE, BEST_FIRST)),
        Array(f"{name}_counts", np.int32, shape, counted, (NOT_NEGATIVE,)),
    )


def listed(named: Named, name: str) -> Neighbours:
    """The neighbour lists `name` of a snapshot's arrays."""
    return Neighbours(named[f"{name}_rows"], named[f"{name}_scores"], named[f"{name}_counts"])


def arrays_of(neighbours: Neighbours, name: str) -> dict[str, NDArray[Any]]:
    """The arrays of a snapshot that hold the neighbour lists `name`."""
    return {
        f"{name}_rows": neighbours.rows,
        f"{name}_scores": neighbours.scores,
        f"{name}_counts": neighbours.counts,
    }


ALSO_BOUGHT: Final = Part(
    "also_bought",
    "neighbours from customers' histories",
    lists("also_bought", "what customers of the item bought too", "how many customers bought both"),
)
BOUGHT_TOGETHER: Final = Part(
    "bought_together",
    "neighbours from orders",
    lists("bought_together", "what was in the same orders", "how many orders have both"),
)


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
def _own_scores(counts: Any, total: int) -> Any:
    scores = np.zeros(len(counts), dtype=np.float32)
    for row in range(len(counts)):
        if counts[row] > 0:
            scores[row] = llr(counts[row], 0.0, 0.0, total - counts[row])
    return scores


@njit(cache=True, nogil=True)
def put_best(
    lists: Any, itself: Any, history: Any, weights: Any, to_row: Any, start: int, end: int, at: int, out: Any
) -> tuple[int, int]:
    """Writes the best [start, end) of those whom a history's neighbours are, and says how many there are of both.

    Each is scored by the sum of confidence * LLR over the items that name it, relative to the best of all; equal ones
    are in order of their rows. Items of the history are candidates like all others where other items name them; what
    must not be shown is left out by the caller. Of equally loud items the one first in `history` is told.

    Args:
        lists: rows, scores and counts of `Neighbours`.
        itself: float32[n] of `own_scores`, to let items speak for themselves too, as what was bought is bought again,
            and int32[n], the customers of each that such a candidate is counted with; or NOT_ITSELF.
        history: int64[m] model rows; unknown items (-1) are skipped.
        weights: float64[m], decayed weights; items of weight 0 or less are skipped.
        to_row: int64[n], the row that is written for a model row; where it is -1, none is.
        start: how many of the best are passed over.
        end: before which of the best it ends.
        at: where the first is written.
        out: int64 rows; float32 scores; int64 model rows of the items that spoke loudest; int64 how many customers (or
            orders) had both. Each has room.

    Returns:
        How many were written, and how many there are to write from.
    """
    rows, scores, because, pairs = out
    named, total, entries = _gather(lists[0], lists[1], history, confidence.of_weights(weights), itself[0])
    places, added, width = best(total, named, end), at, lists[0].shape[1]
    for index in range(start, len(places)):
        place = places[index]
        if to_row[named[place]] >= 0:
            item, entry = history[entries[place] // (width + 1)], entries[place] % (width + 1)
            rows[added], scores[added] = to_row[named[place]], total[place] / total[places[0]]
            because[added], pairs[added] = item, lists[2][item, entry] if entry < width else itself[1][item]
            added += 1
    return added - at, len(named)


@njit(cache=True, nogil=True)
def _table_size(entries: int) -> int:
    """A power of two at least twice `entries`, so that probes stay short."""
    size = 16
    while size < 2 * entries:
        size *= 2
    return size


@njit(cache=True, nogil=True)
def _gather(rows: Any, scores: Any, history: Any, confidences: Any, own: Any) -> tuple[Any, Any, Any]:
    """Candidates in the order in which they are first named: their model rows, scores, and loudest entries.

    An entry is the item's place in the history times K + 1 and the place in its list; K where it speaks for itself. So
    what is told of entries need be looked up for those alone that are shown. All that is said is listed first and added
    up then: two plain loops, as a call for each word would cost more than what it does.
    """
    width = rows.shape[1]
    most = len(history) * (width + 1)
    named, entries, strengths = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most, np.float64)
    said = 0
    for index in range(len(history)):
        item, sure = history[index], confidences[index]
        if item < 0 or sure <= 0.0:
            continue
        if len(own) > 0 and own[item] > 0.0:  # the item speaks for itself
            named[said], entries[said], strengths[said] = item, index * (width + 1) + width, sure * own[item]
            said += 1
        for place in range(width):
            row, score = rows[item, place], scores[item, place]
            if row == NONE:
                break
            if score > 0.0:
                named[said], entries[said], strengths[said] = row, index * (width + 1) + place, sure * score
                said += 1
    filled, total = _added_up(named[:said], entries, strengths)
    return named[:filled], total[:filled], entries


@njit(cache=True, nogil=True)
def _added_up(named: Any, entries: Any, strengths: Any) -> tuple[int, Any]:
    """Joins what is said of the same candidate, in place: how many candidates there are, and the sum for each.

    The first of `named`, `entries` and `strengths` are then the candidates, what spoke loudest for them and how loud.
    The open-addressing table holds places, so only its 4 bytes a slot are cleared.
    """
    table = np.full(_table_size(len(named)), NONE, dtype=np.int32)
    total = np.empty(len(named), np.float64)
    mask, filled = len(table) - 1, 0
    for index in range(len(named)):
        row, strength = named[index], strengths[index]
        slot = (row * _HASH) & mask
        while table[slot] != NONE and named[table[slot]] != row:
            slot = (slot + 1) & mask
        at = table[slot]
        if at == NONE:
            table[slot] = filled
            named[filled], entries[filled] = row, entries[index]
            strengths[filled] = total[filled] = strength
            filled += 1
            continue
        total[at] += strength
        if strength > strengths[at]:
            strengths[at], entries[at] = strength, entries[index]
    return filled, total
