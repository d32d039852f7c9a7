"""From the weight of what a customer did to the confidence that they like the item: one function for every model.

c(w) = log2(1 + w / p), where p is the weight of one fresh purchase. So one fresh purchase counts 1, repeats add ever
less, and what was done long ago fades to 0: not to "was offered and refused", but to "we do not know" (see
docs/decisions/models-confidence.md).
"""

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from etappe.events.vocabulary import CODES, STRENGTH

PURCHASE: Final = float(STRENGTH[CODES["purchase"]])
"""Weight of one purchase that has just happened."""


@njit(cache=True, nogil=True)
def of_weight(weight: float) -> float:
    """The confidence of one decayed weight; 0 for a weight of 0 or less."""
    return np.log2(1.0 + weight / PURCHASE) if weight > 0.0 else 0.0


@njit(cache=True, nogil=True)
def of_weights(weights: Any) -> Any:
    """float64[m]: the confidence of each of `weights` (m,)."""
    confidences = np.empty(len(weights), dtype=np.float64)
    for index in range(len(weights)):
        confidences[index] = of_weight(weights[index])
    return confidences


def confidences(weights: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """float64[m], 0 or more: how sure each decayed weight (m,) of a customer's items makes us."""
    found: NDArray[np.float64] = of_weights(np.asarray(weights, dtype=np.float64))
    return found
