"""The best of an array: what is popular."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from etappe.models.best import BY_PLACE, best


def top(values: NDArray[np.number[Any]], limit: int) -> NDArray[np.int64]:
    """int64[k], k <= `limit`: the rows with the highest of `values` (n,), finite, best first; equal values by row."""
    found: NDArray[np.int64] = best(values, BY_PLACE, limit)
    return found
