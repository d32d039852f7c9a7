"""The compiled fill of a list from a pool: sources in turn, variant groups once, categories capped.

It stops where it needs candidates that are not in the pool yet, and goes on from there when they are.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from etappe.catalog.table import UNCATEGORISED
from etappe.serving.checks import PASSES
from etappe.serving.pool import END, NEXT, NO_MORE, START, UNASKED

FILLED: Final = -1
"""The list is as long as it was asked for, or nothing is left."""
NO_CAP: Final = -1
_NONE: Final = -1
_WAIT: Final = -2
SEGMENT, OFFSET = 0, 1
"""Columns of `cursors`: the segment that a source is at, and the next candidate in it."""
STREAM, CHOSEN, AGAIN = 0, 1, 2
"""Places in `at`: the source that is next, how many are chosen, and how many wait for need."""


class Filling(NamedTuple):
    """A list on its way. All arrays are changed in place.

    `cursors` int64[sources, 2]; `alive` bool[sources] whether a source may have more; `at` int64[3]; `chosen`
    int64[limit] candidates in order; `again` int64[k] candidates of groups on the page already, which come last.
    `shown` uint64[k] are those groups.
    """

    cursors: NDArray[np.int64]
    alive: NDArray[np.bool_]
    at: NDArray[np.int64]
    chosen: NDArray[np.int64]
    again: NDArray[np.int64]
    shown: NDArray[np.uint64]


def begin(sources: int, limit: int, shown: NDArray[np.uint64]) -> Filling:
    """An empty list."""
    cursors = np.full((sources, 2), UNASKED, np.int64)
    again = np.empty(len(shown), np.int64)
    return Filling(cursors, np.ones(sources, np.bool_), np.zeros(3, np.int64), np.empty(limit, np.int64), again, shown)


@njit(cache=True, nogil=True)
def fill(filling: Any, rows: Any, verdicts: Any, chain: Any, columns: Any, in_turn: int, cap: int) -> Any:
    """Fills until FILLED, or until a source must be followed: then that source, to be called again.

    `chain` is the pool's segments, its heads, and which segments are judged. `columns` are the catalogue's records
    (`catalog.columns.GATE`); `cap` items at most of one category.
    """
    at, chosen, alive = filling.at, filling.chosen, filling.alive
    cursors, (segments, heads, judged) = filling.cursors, chain
    groups, categories = columns.group, columns.category
    while at[CHOSEN] < len(chosen) and at[STREAM] < len(alive):
        stream = at[STREAM]
        candidate = _next(cursors, stream, verdicts, segments, heads, judged)
        if candidate == _WAIT:
            return stream
        if candidate == _NONE:
            alive[stream] = False
        elif _is_new(filling, rows, candidate, groups, categories, cap):
            _take(filling, rows, candidate, groups)
        at[STREAM] = _after(stream, alive, in_turn)
    _take_again(filling, rows, categories, cap)
    return FILLED


@njit(cache=True, nogil=True)
def _next(cursors: Any, stream: int, verdicts: Any, segments: Any, heads: Any, judged: Any) -> Any:
    """The next candidate of a source that passes; _NONE where it has none, _WAIT where it must be followed."""
    segment, offset = cursors[stream, SEGMENT], cursors[stream, OFFSET]
    while True:
        following = heads[stream]
        if segment != UNASKED:
            while offset < segments[segment, END]:
                offset += 1
                if verdicts[offset - 1] == PASSES:
                    cursors[stream, SEGMENT], cursors[stream, OFFSET] = segment, offset
                    return offset - 1
            following = segments[segment, NEXT]
        cursors[stream, SEGMENT], cursors[stream, OFFSET] = segment, offset
        if following == NO_MORE:
            return _NONE
        if following == UNASKED or not judged[following]:
            return _WAIT
        segment, offset = following, segments[following, START]


@njit(cache=True, nogil=True)
def _after(stream: int, alive: Any, in_turn: int) -> int:
    """The source that gives the next item: the first ones in turn while one of them has any, then each to its end."""
    if stream >= in_turn:
        return stream if alive[stream] else stream + 1
    for step in range(1, in_turn + 1):
        other = (stream + step) % in_turn
        if alive[other]:
            return other
    return in_turn


@njit(cache=True, nogil=True)
def _is_new(filling: Any, rows: Any, candidate: int, groups: Any, categories: Any, cap: int) -> bool:
    """Whether there is room in the category, and no variant is in the list or waits."""
    if not _has_room(filling, rows, candidate, categories, cap):
        return False
    group, at = groups[rows[candidate]], filling.at
    if _holds(filling.chosen, at[CHOSEN], rows, groups, group):
        return False
    return not _holds(filling.again, at[AGAIN], rows, groups, group)


@njit(cache=True, nogil=True)
def _holds(candidates: Any, count: int, rows: Any, groups: Any, group: Any) -> bool:
    """Whether one of the first `count` candidates is of the group."""
    found = False
    for place in range(count):
        found |= groups[rows[candidates[place]]] == group
    return found


@njit(cache=True, nogil=True)
def _has_room(filling: Any, rows: Any, candidate: int, categories: Any, cap: int) -> bool:
    """Whether the category's share of the list is not used up; items without a category share none."""
    code = categories[rows[candidate]]
    if cap == NO_CAP or code == UNCATEGORISED:
        return True
    taken = 0
    for place in range(filling.at[CHOSEN]):
        taken += categories[rows[filling.chosen[place]]] == code
    return taken < cap


@njit(cache=True, nogil=True)
def _take(filling: Any, rows: Any, candidate: int, groups: Any) -> None:
    """Chooses a candidate, or keeps it waiting where its group is on the page already."""
    at, group = filling.at, groups[rows[candidate]]
    for place in range(len(filling.shown)):
        if filling.shown[place] == group:
            filling.again[at[AGAIN]] = candidate
            at[AGAIN] += 1
            return
    filling.chosen[at[CHOSEN]] = candidate
    at[CHOSEN] += 1


@njit(cache=True, nogil=True)
def _take_again(filling: Any, rows: Any, categories: Any, cap: int) -> None:
    """Fills up with what is on the page already, where nothing else is left."""
    at = filling.at
    for place in range(at[AGAIN]):
        if at[CHOSEN] < len(filling.chosen) and _has_room(filling, rows, filling.again[place], categories, cap):
            filling.chosen[at[CHOSEN]] = filling.again[place]
            at[CHOSEN] += 1
