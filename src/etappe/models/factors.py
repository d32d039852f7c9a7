"""Implicit-feedback factors: a customer's vector solved from what they did, scores, and what each score is made of.

Hu, Koren, Volinsky, "Collaborative Filtering for Implicit Feedback Datasets" (ICDM 2008): with item factors Y, and
preference 1 with confidence c for each item of a customer's history, the customer's vector x minimises
sum c (p - x.y)^2 + lambda |x|^2, where every other item has confidence 1 and preference 0. Hence

    A x = b,   A = Y'Y + lambda I + sum (c - 1) y y',   b = sum c y.

Y'Y is the snapshot's Gram matrix, so the solve costs m f^2 + f^3 / 3 for m items and no pass over the catalogue.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from etappe.models import confidence
from etappe.models.parts import FINITE, ITEMS, Array, Part

_Float32 = NDArray[np.float32]

TINY: Final = 1e-8
"""Least pivot of the Cholesky decomposition: keeps a system without regularisation solvable."""
_AT_ONCE: Final = 4

FACTORS: Final = Part(
    "factors",
    "item factors by alternating least squares, from which a customer's are solved",
    (
        Array("factors", np.float32, (ITEMS, "factors"), "the vector of each item", (FINITE,)),
        Array("gram", np.float32, ("factors", "factors"), "their Gram matrix, Y'Y", (FINITE,)),
    ),
)


class Taste(NamedTuple):
    """A customer's solved system: their `vector` float32[f], and what explains its scores.

    `lower` float32[f, f] is L of A = L'L in its lower triangle, `item_factors` float32[m, f] and `confidences`
    float64[m] are the history.
    """

    vector: _Float32
    lower: _Float32
    item_factors: _Float32
    confidences: NDArray[np.float64]


def fold_in(
    item_factors: _Float32, weights: NDArray[np.floating[Any]], gram: _Float32, regularisation: float, alpha: float
) -> Taste:
    """The taste of a customer, as ALS itself would solve it.

    Args:
        item_factors: float32[m, f] of the items in the customer's history.
        weights: float[m], decayed weights; items of weight 0 or less are left out.
        gram: float32[f, f], Y'Y over all items.
        regularisation: lambda.
        alpha: confidence of one fresh purchase.
    """
    history = np.ascontiguousarray(item_factors)
    vector, lower, confidences = _solve(history, weights, gram, regularisation, alpha)
    return Taste(vector, lower, history, confidences)


def scores(query: _Float32, factors: _Float32) -> _Float32:
    """float32[n]: how well each of `factors` (n, f) suits the customer `query` (f,)."""
    return factors @ query


def contributions(taste: Taste, targets: _Float32) -> _Float32:
    """float32[t, m]: how much each item of a customer's history adds to the score of each of `targets` (t, f).

    Section 5 of the paper: x.y_t = sum over j of c_j y_t' A^-1 y_j, so a row sums to the score of its target.
    """
    shares: _Float32 = _contributions(taste.lower, taste.item_factors, taste.confidences, targets)
    return shares


@njit(cache=True, nogil=True)
def _system(item_factors: Any, confidences: Any, gram: Any, regularisation: float) -> Any:
    """A (float32[f, f], its lower triangle) and b (float32[f]). Loops over columns begin at 0: else few are vectors."""
    size, count = gram.shape[0], 0
    matrix, right = gram.copy(), np.zeros(size, np.float32)
    factors, extras = np.zeros((len(confidences) + _AT_ONCE, size), np.float32), np.zeros(len(confidences) + _AT_ONCE)
    for item in range(len(confidences)):
        if confidences[item] > 0.0:
            weight = np.float32(confidences[item])
            for column in range(size):
                factors[count, column] = item_factors[item, column]
                right[column] += weight * item_factors[item, column]
            extras[count] = confidences[item] - 1.0
            count += 1
    for row in range(size):
        matrix[row, row] += np.float32(regularisation)
    for first in range(0, count, _AT_ONCE):  # those that are missing to four are zeros
        _add_four(matrix, factors, extras, first)
    return matrix, right


@njit(cache=True, nogil=True)
def _add_four(matrix: Any, factors: Any, extras: Any, first: int) -> None:
    """Adds the sum of extra * y y' over four items to the lower triangle: one pass over it instead of four."""
    y0, y1, y2, y3 = factors[first], factors[first + 1], factors[first + 2], factors[first + 3]
    for row in range(matrix.shape[0]):
        s0, s1 = np.float32(extras[first]) * y0[row], np.float32(extras[first + 1]) * y1[row]
        s2, s3 = np.float32(extras[first + 2]) * y2[row], np.float32(extras[first + 3]) * y3[row]
        mine = matrix[row]
        for column in range(row + 1):
            mine[column] += (s0 * y0[column] + s1 * y1[column]) + (s2 * y2[column] + s3 * y3[column])


@njit(cache=True, nogil=True)
def _decompose(matrix: Any) -> None:
    """Cholesky in place from the last row up: the lower triangle of `matrix` becomes L with A = L'L.

    Four rows are done at a time and then taken off all rows above in one pass. Rows lie together in memory and begin at
    column 0, so that each step is done to many values at once.
    """
    end = matrix.shape[0]
    while end > 0:
        first = max(end - _AT_ONCE, 0)
        for row in range(end - 1, first - 1, -1):
            mine = matrix[row]
            for below in range(end - 1, row, -1):
                other = matrix[below]
                scale = other[row]
                for column in range(row + 1):
                    mine[column] -= scale * other[column]
            mine[row] = max(mine[row], np.float32(TINY))
            inverse = np.float32(1.0) / np.sqrt(mine[row])
            for column in range(row + 1):
                mine[column] *= inverse
        if first > 0:
            _take_four_off(matrix, first)
        end = first


@njit(cache=True, nogil=True)
def _take_four_off(matrix: Any, first: int) -> None:
    """Takes the sum of l l' over the four rows l from `first` on off the lower triangle above them."""
    l0, l1, l2, l3 = matrix[first], matrix[first + 1], matrix[first + 2], matrix[first + 3]
    for row in range(first):
        s0, s1, s2, s3 = l0[row], l1[row], l2[row], l3[row]
        mine = matrix[row]
        for column in range(row + 1):
            mine[column] -= (s0 * l0[column] + s1 * l1[column]) + (s2 * l2[column] + s3 * l3[column])


@njit(cache=True, nogil=True)
def _dot(left: Any, right: Any, count: int) -> Any:
    """The product of the first `count` values, in eight sums: so many at once, and in the same order everywhere."""
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = np.float32(0.0)
    whole = count - count % 8
    for at in range(0, whole, 8):
        s0 += left[at] * right[at]
        s1 += left[at + 1] * right[at + 1]
        s2 += left[at + 2] * right[at + 2]
        s3 += left[at + 3] * right[at + 3]
        s4 += left[at + 4] * right[at + 4]
        s5 += left[at + 5] * right[at + 5]
        s6 += left[at + 6] * right[at + 6]
        s7 += left[at + 7] * right[at + 7]
    for at in range(whole, count):
        s0 += left[at] * right[at]
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))


@njit(cache=True, nogil=True)
def _substitute(lower: Any, vector: Any) -> None:
    """Solves L'L x = `vector` in place."""
    size = lower.shape[0]
    for row in range(size - 1, -1, -1):
        mine = lower[row]
        value = vector[row] / mine[row]
        vector[row] = value
        for column in range(row):
            vector[column] -= value * mine[column]
    for row in range(size):
        vector[row] = (vector[row] - _dot(lower[row], vector, row)) / lower[row, row]


@njit(cache=True, nogil=True)
def _solve(item_factors: Any, weights: Any, gram: Any, regularisation: float, alpha: float) -> tuple[Any, Any, Any]:
    confidences = alpha * confidence.of_weights(weights)
    matrix, vector = _system(item_factors, confidences, gram, regularisation)
    _decompose(matrix)
    _substitute(matrix, vector)
    return vector, matrix, confidences


@njit(cache=True, nogil=True)
def _contributions(lower: Any, item_factors: Any, confidences: Any, targets: Any) -> Any:
    """Items lie side by side, so that each step is done to many of them, and to equal ones alike."""
    shares = np.zeros((len(targets), len(confidences)), dtype=np.float32)
    columns = np.ascontiguousarray(item_factors.T)
    for target in range(len(targets)):
        vector, mine = targets[target].copy(), shares[target]
        _substitute(lower, vector)
        for place in range(len(vector)):
            value, column = vector[place], columns[place]
            for item in range(len(mine)):
                mine[item] += value * column[item]
        for item in range(len(mine)):
            mine[item] *= np.float32(confidences[item])
    return shares
