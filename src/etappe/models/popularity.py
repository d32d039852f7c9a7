"""What is popular, and the best of any scores, as candidates."""

from typing import Any, Final

import numpy as np
from numba import njit

from etappe.models.best import BY_PLACE, best
from etappe.models.parts import FINITE, ITEMS, NOT_NEGATIVE, Array, Part

POPULARITY: Final = Part(
    "popularity",
    "how many people buy each item of late",
    (
        Array(
            "popularity",
            np.float32,
            (ITEMS,),
            "buyers, and viewers for .02 each, by their last time, halving every `learning.popularity_half_life_days`",
            (FINITE, NOT_NEGATIVE),
        ),
        Array(
            "windows",
            np.int32,
            ("windows", ITEMS),
            "distinct buyers in the last days of each window; of a log without purchases viewers",
            (NOT_NEGATIVE,),
        ),
    ),
)


@njit(cache=True, nogil=True)
def put_top(values: Any, to_row: Any, start: int, end: int, at: int, out: Any) -> tuple[int, bool]:
    """Writes the highest [start, end) of `values` above 0, relative to the highest; else as `copurchase.put_best`.

    Returns how many were written, and whether none above 0 is behind `end`.
    """
    rows, scores, because, counts = out
    places, added = best(values, BY_PLACE, end), at
    for index in range(start, len(places)):
        value, row = values[places[index]], to_row[places[index]]
        if value <= 0:
            return added - at, True
        if row >= 0:
            rows[added], scores[added] = row, value / values[places[0]]
            because[added] = counts[added] = -1
            added += 1
    return added - at, len(values) <= end


@njit(cache=True, nogil=True)
def put_ranked(ranked: Any, to_model: Any, values: Any, first: int, least: float, at: int, out: Any) -> None:
    """Writes `ranked` rows from `at` on, each with its value (of its model row) relative to that of the `first`.

    The first counts as `least` at least; rows without a model row are worth 0. `out` as in `copurchase.put_best`.
    """
    rows, scores, because, counts = out
    most = least
    if to_model[first] >= 0:
        most = max(least, values[to_model[first]])
    for index in range(len(ranked)):
        row, place = ranked[index], at + index
        rows[place], scores[place] = row, values[to_model[row]] / most if to_model[row] >= 0 else 0.0
        because[place] = counts[place] = -1
