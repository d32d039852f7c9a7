"""The best of an array: what is popular."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

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


def top(values: NDArray[np.number[Any]], limit: int) -> NDArray[np.int64]:
    """int64[k], k <= `limit`: the rows with the highest of `values` (n,), finite, best first; equal values by row."""
    found: NDArray[np.int64] = best(values, BY_PLACE, limit)
    return found
