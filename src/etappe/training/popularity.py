"""How many people buy each item, of late and within some days; where nobody buys, how many look at it.

People are counted, not lines: a wholesaler's hundred lines, or a script's, are one buyer's.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from etappe.training.matrices import Lines, Views

VIEWER: Final = 0.02
"""What a viewer counts beside a buyer: of a hundred who look, shops see one to three buy. So what nobody bought yet is
in order too, and behind what is bought as often as others are for as many looks."""


def decayed(lines: Lines, views: Views, size: int, half_life_days: float) -> NDArray[np.float32]:
    """float32[size]: buyers of each item, and `VIEWER` for each viewer, counting 2^(-age / half-life) of the last time.

    An anonymous order is one buyer.
    """
    bought = _people(lines.rows, lines.buyers, lines.ages, size, half_life_days)
    viewed = _people(views.rows, views.viewers, views.ages, size, half_life_days)
    return (bought + VIEWER * viewed).astype(np.float32)


def people(lines: Lines, views: Views, size: int, windows: Sequence[int]) -> NDArray[np.int32]:
    """int32[w, size]: distinct buyers of each item in the last `windows` days; an anonymous order is one buyer.

    Of a log without any purchase: distinct viewers.
    """
    rows, who, ages = (
        (lines.rows, lines.buyers, lines.ages) if len(lines.rows) else (views.rows, views.viewers, views.ages)
    )
    return np.stack([_distinct(rows, who, ages < days, size) for days in windows])


def distinct(rows: NDArray[np.int32], codes: NDArray[np.int64], size: int) -> NDArray[np.int32]:
    """int32[size]: how many different `codes` (p,) each item of `rows` (p,) comes with; codes of -1 do not count."""
    return _distinct(rows, codes, codes >= 0, size)


def repeats(lines: Lines, size: int) -> NDArray[np.int32]:
    """int32[size]: how many identified customers bought each item in two orders or more."""
    known = lines.customers >= 0
    bought = np.unique(np.stack([lines.customers[known], lines.rows[known], lines.orders[known]], axis=1), axis=0)
    pairs, counts = np.unique(bought[:, 0] * np.int64(max(size, 1)) + bought[:, 1], return_counts=True)
    return np.bincount(pairs[counts > 1] % max(size, 1), minlength=size).astype(np.int32)


def _people(
    rows: NDArray[np.int32], who: NDArray[np.int64], ages: NDArray[np.float64], size: int, half_life_days: float
) -> NDArray[np.float64]:
    """float64[size]: everybody once an item, by the last time."""
    order = np.lexsort((ages, rows, who))
    rows, who, ages = rows[order], who[order], ages[order]
    last = np.ones(len(rows), np.bool_)
    last[1:] = (rows[1:] != rows[:-1]) | (who[1:] != who[:-1])
    worth = np.exp2(-ages[last] / half_life_days)
    counted: NDArray[np.float64] = np.bincount(rows[last], worth, size).astype(np.float64)
    return counted


def _distinct(
    rows: NDArray[np.int32], codes: NDArray[np.int64], counted: NDArray[np.bool_], size: int
) -> NDArray[np.int32]:
    pairs = np.unique(codes[counted] * np.int64(max(size, 1)) + rows[counted])
    return np.bincount(pairs % max(size, 1), minlength=size).astype(np.int32)
