"""Neighbour lists by log-likelihood ratio: candidates from thinned histories, kept pairs counted over all of them."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import sparse

from etappe import progress as progressing
from etappe.models.copurchase import Neighbours, llr
from etappe.models.parts import NONE
from etappe.progress import Progress

MIN_COUNT: Final = 2
"""A pair had by a single customer is no evidence, and would tell of that customer's purchases."""
SPARE: Final = 2
"""Candidates per kept neighbour where histories were thinned, since counts of a sample order them only roughly."""
_CHUNKS: Final = 64


def build(
    matrix: sparse.csr_array,
    *,
    neighbours: int,
    heavy: int,
    seed: int,
    threads: int = 0,
    progress: Progress = progressing.silent,
    step: str = "neighbours",
) -> Neighbours:
    """The `neighbours` items most surprisingly often in the same rows of `matrix` (customers or orders), for each item.

    Counts are exact: `counts[i, k]` rows have both item i and its k-th neighbour. Only pairs that come together more
    often than by chance, and at least MIN_COUNT times, are neighbours. Equal scores are ordered by row.

    Args:
        matrix: [s, n], not zero where a subject has an item; rows without items do not count as subjects.
        neighbours: K, the width of the lists.
        heavy: subjects with more items are thinned to so many, drawn by `seed`, when candidates are sought: a history
            of m items costs m^2 steps and says little of each pair.
        seed: of the thinning.
        threads: at most so many (0: all cores).
        progress: called as items are done.
        step: what progress calls this work.
    """
    thinned = _thin(matrix, heavy, seed)
    width = neighbours if thinned is matrix else SPARE * neighbours
    run = _Run(matrix.shape[1], threads or os.cpu_count() or 1, progress, step)
    candidates = _candidates(thinned, width, run)
    return _recount(matrix, candidates, neighbours, run)


class _Run:
    """Runs a kernel over chunks of items in threads: kernels release the GIL and write disjoint parts."""

    def __init__(self, size: int, threads: int, progress: Progress, step: str) -> None:
        self.size, self.threads, self.progress, self.step = size, threads, progress, step

    def __call__(self, kernel: Callable[[int, int], None], offset: int) -> None:
        """Calls `kernel(low, high)` for all items; `offset` is what the step has done before, of two passes."""
        edges = np.unique(np.linspace(0, self.size, min(_CHUNKS, max(self.size, 1)) + 1).astype(int))
        with ThreadPoolExecutor(self.threads) as pool:
            parts = pool.map(kernel, edges[:-1].tolist(), edges[1:].tolist())
            for _, high in zip(parts, edges[1:], strict=True):
                self.progress(self.step, offset * self.size + int(high), 2 * self.size)


def _thin(matrix: sparse.csr_array, heavy: int, seed: int) -> sparse.csr_array:
    """`matrix` with at most `heavy` items a row, drawn without replacement; itself where no row has more."""
    sizes = np.diff(matrix.indptr)
    if not len(sizes) or sizes.max() <= heavy:
        return matrix
    subjects = np.repeat(np.arange(len(sizes)), sizes)
    lots = np.random.default_rng(seed).random(len(subjects))
    order = np.lexsort((lots, subjects))
    place = np.arange(len(subjects)) - np.repeat(matrix.indptr[:-1], sizes)
    kept = np.sort(order[place < heavy])
    return sparse.csr_array((matrix.data[kept], (subjects[kept], matrix.indices[kept])), shape=matrix.shape)


def _candidates(matrix: sparse.csr_array, width: int, run: _Run) -> NDArray[np.int32]:
    """int32[n, width]: for each item those with the highest LLR in `matrix`."""
    size = matrix.shape[1]
    pointers, items = _index(matrix)
    starts, subjects = _index(matrix.T.tocsr())
    total = int((np.diff(pointers) > 0).sum())
    rows = np.full((size, width), NONE, dtype=np.int32)

    def chunk(low: int, high: int) -> None:
        _candidate_kernel(low, high, pointers, items, starts, subjects, total, rows)

    run(chunk, 0)
    return rows


def _recount(matrix: sparse.csr_array, candidates: NDArray[np.int32], width: int, run: _Run) -> Neighbours:
    """The best `width` of `candidates` (n, more) by the LLR of their exact counts."""
    size = matrix.shape[1]
    starts, subjects = _index(matrix.T.tocsr())
    total = int((np.diff(matrix.indptr) > 0).sum())
    rows = np.full((size, width), NONE, dtype=np.int32)
    scores = np.zeros((size, width), dtype=np.float32)
    counts = np.zeros((size, width), dtype=np.int32)

    def chunk(low: int, high: int) -> None:
        _recount_kernel(low, high, starts, subjects, total, candidates, rows, scores, counts)

    run(chunk, 1)
    return Neighbours(rows, scores, counts)


def _index(matrix: sparse.csr_array) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Pointers and sorted indices of fixed types, so that kernels are compiled once."""
    matrix.sort_indices()
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32)


@njit(cache=True, nogil=True)
def intersection(one: Any, other: Any) -> int:
    """How many numbers two ascending arrays have in common."""
    left, right, common = 0, 0, 0
    while left < len(one) and right < len(other):
        if one[left] == other[right]:
            common += 1
            left += 1
            right += 1
        elif one[left] < other[right]:
            left += 1
        else:
            right += 1
    return common


@njit(cache=True, nogil=True)
def _surprise(both: int, one: int, other: int, total: int) -> float:
    """LLR of a pair, 0 where it is too rare or comes together no more often than by chance."""
    if both < MIN_COUNT or float(both) * total <= float(one) * other:
        return 0.0
    return llr(both, one - both, other - both, total - one - other + both)


@njit(cache=True, nogil=True)
def _insert(rows: Any, scores: Any, row: int, score: float) -> int:
    """Puts `row` where it belongs among the best so far, by score and then by row; -1 where it does not belong."""
    place = len(rows)
    while place > 0:
        before = place - 1
        if rows[before] != NONE and (scores[before] > score or (scores[before] == score and rows[before] < row)):
            break
        place = before
    if place == len(rows):
        return NONE
    for index in range(len(rows) - 1, place, -1):
        rows[index], scores[index] = rows[index - 1], scores[index - 1]
    rows[place], scores[place] = row, score
    return place


@njit(cache=True, nogil=True)
def _candidate_kernel(
    low: int, high: int, pointers: Any, items: Any, starts: Any, subjects: Any, total: int, rows: Any
) -> None:
    size = len(starts) - 1
    together = np.zeros(size, dtype=np.int32)
    touched = np.empty(size, dtype=np.int32)
    scores = np.zeros(rows.shape[1], dtype=np.float64)
    for item in range(low, high):
        filled = 0
        for subject in subjects[starts[item] : starts[item + 1]]:
            for other in items[pointers[subject] : pointers[subject + 1]]:
                if together[other] == 0:
                    touched[filled] = other
                    filled += 1
                together[other] += 1
        scores[:] = 0.0
        own = starts[item + 1] - starts[item]
        for other in touched[:filled]:
            if other != item:
                score = _surprise(together[other], own, starts[other + 1] - starts[other], total)
                if score > 0.0:
                    _insert(rows[item], scores, other, score)
            together[other] = 0


@njit(cache=True, nogil=True)
def _recount_kernel(
    low: int,
    high: int,
    starts: Any,
    subjects: Any,
    total: int,
    candidates: Any,
    rows: Any,
    scores: Any,
    counts: Any,
) -> None:
    exact = np.zeros(rows.shape[1], dtype=np.float64)
    for item in range(low, high):
        exact[:] = 0.0
        mine = subjects[starts[item] : starts[item + 1]]
        for other in candidates[item]:
            if other == NONE:
                break
            theirs = subjects[starts[other] : starts[other + 1]]
            both = intersection(mine, theirs)
            score = _surprise(both, len(mine), len(theirs), total)
            place = _insert(rows[item], exact, other, score) if score > 0.0 else NONE
            if place != NONE:
                counts[item, place + 1 :] = counts[item, place:-1].copy()
                counts[item, place] = both
        scores[item] = exact
