"""How good lists are, by what customers did next. A list is a row of hits; the truth is how many there could be."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Hits = NDArray[np.bool_]
Sizes = NDArray[np.integer[Any]]


def recall(hits: Hits, sizes: Sizes) -> float:
    """Mean over customers of hits / min(k, |truth|).

    Args:
        hits: bool[u, k], best place first.
        sizes: int[u], how many items each customer's truth holds, at least 1.
    """
    if len(hits) == 0:
        return 0.0
    return float(np.mean(hits.sum(axis=1) / np.minimum(sizes, hits.shape[1])))


def ndcg(hits: Hits, sizes: Sizes) -> float:
    """Mean of the discounted gain, binary, over that of a list with all of min(k, |truth|) hits in front.

    Jarvelin and Kekalainen, "Cumulated gain-based evaluation of IR techniques" (2002): place i counts 1 / log2(i + 1).
    Arguments as for `recall`.
    """
    if len(hits) == 0:
        return 0.0
    gains = 1.0 / np.log2(np.arange(hits.shape[1]) + 2.0)
    ideal = np.cumsum(gains)[np.minimum(sizes, hits.shape[1]) - 1]
    return float(np.mean(hits @ gains / ideal))


def coverage(lists: NDArray[np.integer[Any]], size: int) -> float:
    """The share of `size` items that at least one of `lists` (int[u, k], -1 where a place is empty) shows."""
    return len(np.unique(lists[lists >= 0])) / size if size else 0.0
