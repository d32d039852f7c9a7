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
SEGMENT, OFFSET, SPENT = 0, 1, 2
"""Columns of `cursors`: the segment that a source is at, the next candidate in it, 1 where it has no more."""
CANDIDATE, SOURCE = 0, 1
"""Columns of `chosen` and `again`."""
STREAM, CHOSEN, AGAIN = 0, 1, 2
"""Places in `at`: the source that is next, how many are chosen, and how many wait for need."""


class Filling(NamedTuple):
    """A list on its way. All arrays are changed in place, and are the first that `fill` takes.

    `cursors` int64[sources, 3]; `at` int64[3]; `chosen` int64[limit, 2] candidates in order and the source of each,
    `categories` int32[limit] of them; `again` int64[k, 2] the same of groups on the page already, which come last.
    `groups` uint64[limit + k] are those of both, in the order in which they came; `shown` uint64[k] those on the page.
    """

    cursors: NDArray[np.int64]
    at: NDArray[np.int64]
    chosen: NDArray[np.int64]
    categories: NDArray[np.int32]
    again: NDArray[np.int64]
    groups: NDArray[np.uint64]
    shown: NDArray[np.uint64]


def begin(sources: int, limit: int, shown: NDArray[np.uint64]) -> Filling:
    """An empty list."""
    cursors = np.empty((sources, 3), np.int64)
    cursors.fill(UNASKED)
    return Filling(
        cursors,
        np.zeros(3, np.int64),
        np.empty((limit, 2), np.int64),
        np.empty(limit, np.int32),
        np.empty((len(shown), 2), np.int64),
        np.empty(limit + len(shown), np.uint64),
        shown,
    )


@njit(cache=True, nogil=True)
def fill(
    cursors: Any,
    at: Any,
    chosen: Any,
    categories: Any,
    again: Any,
    groups: Any,
    shown: Any,
    rows: Any,
    verdicts: Any,
    segments: Any,
    heads: Any,
    judged: Any,
    columns: Any,
    in_turn: int,
    cap: int,
) -> Any:
    """Fills until FILLED, or until a source must be followed: then that source, to be called again.

    `segments` and `heads` are the pool's chains, `judged` bool[segments] says which of them may be looked into; where
    it is empty, all may. `columns` are the catalogue's records (`catalog.columns.GATE`); `cap` items at most of one
    category.
    """
    limit, sources = len(chosen), len(cursors)
    while at[CHOSEN] < limit and at[STREAM] < sources:
        stream = at[STREAM]
        candidate = _next(cursors, stream, verdicts, segments, heads, judged)
        if candidate == _WAIT:
            return stream
        if candidate == _NONE:
            cursors[stream, SPENT] = 1
        else:
            item = columns[rows[candidate]]
            if _has_room(categories, at[CHOSEN], item.category, cap) and not _holds(
                groups, at[CHOSEN] + at[AGAIN], item.group
            ):
                groups[at[CHOSEN] + at[AGAIN]] = item.group
                if _holds(shown, len(shown), item.group):
                    again[at[AGAIN], CANDIDATE], again[at[AGAIN], SOURCE] = candidate, stream
                    at[AGAIN] += 1
                else:
                    _choose(at, chosen, categories, candidate, stream, item.category)
        at[STREAM] = _after(stream, cursors, in_turn)
    for place in range(at[AGAIN]):
        candidate, stream = again[place, CANDIDATE], again[place, SOURCE]
        category = columns[rows[candidate]].category
        if at[CHOSEN] < limit and _has_room(categories, at[CHOSEN], category, cap):
            _choose(at, chosen, categories, candidate, stream, category)
    return FILLED


@njit(cache=True, nogil=True, inline="always")
def _choose(at: Any, chosen: Any, categories: Any, candidate: int, stream: int, category: Any) -> None:
    chosen[at[CHOSEN], CANDIDATE], chosen[at[CHOSEN], SOURCE] = candidate, stream
    categories[at[CHOSEN]] = category
    at[CHOSEN] += 1


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
        if following == UNASKED or (len(judged) > 0 and not judged[following]):
            return _WAIT
        segment, offset = following, segments[following, START]


@njit(cache=True, nogil=True)
def _after(stream: int, cursors: Any, in_turn: int) -> int:
    """The source that gives the next item: the first ones in turn while one of them has any, then each to its end."""
    if stream >= in_turn:
        return stream + 1 if cursors[stream, SPENT] == 1 else stream
    for step in range(1, in_turn + 1):
        other = (stream + step) % in_turn
        if cursors[other, SPENT] != 1:
            return other
    return in_turn


@njit(cache=True, nogil=True, inline="always")
def _holds(groups: Any, count: int, group: Any) -> bool:
    """Whether one of the first `count` groups is the `group`."""
    found = False
    for place in range(count):
        found |= groups[place] == group
    return found


@njit(cache=True, nogil=True, inline="always")
def _has_room(categories: Any, count: int, code: Any, cap: int) -> bool:
    """Whether a category's share of the list is not used up; items without a category share none."""
    if cap == NO_CAP or code == UNCATEGORISED:
        return True
    taken = 0
    for place in range(count):
        taken += categories[place] == code
    return taken < cap
