"""The best of an array: what is popular, everywhere or among some rows."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe.models.parts import FINITE, ITEMS, NOT_NEGATIVE, Array, Part

POPULARITY: Final = Part(
    "popularity",
    "how much each item is bought of late",
    (
        Array(
            "popularity",
            np.float32,
            (ITEMS,),
            "lines bought, each halving every `learning.popularity_half_life_days`",
            (FINITE, NOT_NEGATIVE),
        ),
        Array(
            "windows",
            np.int32,
            ("windows", ITEMS),
            "distinct buyers in the last days of each window; an anonymous order is one buyer",
            (NOT_NEGATIVE,),
        ),
    ),
)


def top(values: NDArray[np.number[Any]], limit: int, rows: NDArray[np.integer[Any]] | None = None) -> NDArray[np.int32]:
    """int32[k], k <= `limit`: the rows with the highest `values`, best first; equal values by row.

    Args:
        values: number[n], one for each row; finite.
        limit: how many at most.
        rows: int[m], distinct rows to choose among; all where None.
    """
    among = np.arange(len(values), dtype=np.int32) if rows is None else np.asarray(rows, dtype=np.int32)
    worth = -values[among].astype(np.float64)
    if 0 < limit < len(among):
        worst = np.partition(worth, limit - 1)[limit - 1]
        kept = np.flatnonzero(worth <= worst)
        among, worth = among[kept], worth[kept]
    return among[np.lexsort((among, worth))[: max(limit, 0)]]
