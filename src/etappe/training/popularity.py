"""How much each item is bought: decayed purchases, and buyers within some days."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from etappe.training.matrices import Lines


def decayed(lines: Lines, size: int, half_life_days: float) -> NDArray[np.float32]:
    """float32[size]: purchases of each item, each counting 2^(-age / half-life)."""
    worth = np.exp2(-lines.ages / half_life_days)
    return np.bincount(lines.rows, weights=worth, minlength=size).astype(np.float32)


def buyers(lines: Lines, size: int, windows: Sequence[int]) -> NDArray[np.int32]:
    """int32[w, size]: distinct buyers of each item in the last `windows` days; an anonymous order is one buyer."""
    return np.stack([_distinct(lines.rows, lines.buyers, lines.ages < days, size) for days in windows])


def distinct(rows: NDArray[np.int32], codes: NDArray[np.int64], size: int) -> NDArray[np.int32]:
    """int32[size]: how many different `codes` (p,) each item of `rows` (p,) comes with; codes of -1 do not count."""
    return _distinct(rows, codes, codes >= 0, size)


def repeats(lines: Lines, size: int) -> NDArray[np.int32]:
    """int32[size]: how many identified customers bought each item in two orders or more."""
    known = lines.customers >= 0
    bought = np.unique(np.stack([lines.customers[known], lines.rows[known], lines.orders[known]], axis=1), axis=0)
    pairs, counts = np.unique(bought[:, 0] * np.int64(max(size, 1)) + bought[:, 1], return_counts=True)
    return np.bincount(pairs[counts > 1] % max(size, 1), minlength=size).astype(np.int32)


def _distinct(
    rows: NDArray[np.int32], codes: NDArray[np.int64], counted: NDArray[np.bool_], size: int
) -> NDArray[np.int32]:
    pairs = np.unique(codes[counted] * np.int64(max(size, 1)) + rows[counted])
    return np.bincount(pairs % max(size, 1), minlength=size).astype(np.int32)
