"""Implicit-feedback factors: a customer's vector solved from what they did, scores, and what each score is made of.

Hu, Koren, Volinsky, "Collaborative Filtering for Implicit Feedback Datasets" (ICDM 2008): with item factors Y, and
preference 1 with confidence c for each item of a customer's history, the customer's vector x minimises
sum c (p - x.y)^2 + lambda |x|^2, where every other item has confidence 1 and preference 0. Hence

    A x = b,   A = Y'Y + lambda I + sum (c - 1) y y',   b = sum c y.

Y'Y is the snapshot's Gram matrix, so the solve costs m f^2 + f^3 / 3 for m items and no pass over the catalogue.
"""

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from etappe.models import confidence
from etappe.models.parts import FINITE, ITEMS, Array, Part

_Float32 = NDArray[np.float32]

TINY: Final = 1e-8
"""Least pivot of the Cholesky decomposition: keeps a system without regularisation solvable."""

FACTORS: Final = Part(
    "factors",
    "item factors by alternating least squares, from which a customer's are solved",
    (
        Array("factors", np.float32, (ITEMS, "factors"), "the vector of each item", (FINITE,)),
        Array("gram", np.float32, ("factors", "factors"), "their Gram matrix, Y'Y", (FINITE,)),
    ),
)


def fold_in(
    item_factors: _Float32, weights: NDArray[np.floating[Any]], gram: _Float32, regularisation: float, alpha: float
) -> _Float32:
    """The vector of a customer, as ALS itself would solve it: float32[f].

    Args:
        item_factors: float32[m, f] of the items in the customer's history.
        weights: float[m], decayed weights; items of weight 0 or less are left out.
        gram: float32[f, f], Y'Y over all items.
        regularisation: lambda.
        alpha: confidence of one fresh purchase.
    """
    confidences = alpha * confidence.confidences(weights)
    solved: _Float32 = _solve(np.ascontiguousarray(item_factors), confidences, gram, regularisation)
    return solved


def scores(query: _Float32, factors: _Float32) -> _Float32:
    """float32[n]: how well each of `factors` (n, f) suits the customer `query` (f,)."""
    return factors @ query


def contributions(
    item_factors: _Float32,
    weights: NDArray[np.floating[Any]],
    gram: _Float32,
    regularisation: float,
    alpha: float,
    targets: _Float32,
) -> _Float32:
    """float32[t, m]: how much each item of a history adds to the score of each of `targets` (t, f).

    Section 5 of the paper: x.y_t = sum over j of c_j y_t' A^-1 y_j, so a row sums to the score of its target. The other
    arguments are those of `fold_in`.
    """
    confidences = alpha * confidence.confidences(weights)
    shares: _Float32 = _contributions(np.ascontiguousarray(item_factors), confidences, gram, regularisation, targets)
    return shares


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _system(item_factors: Any, confidences: Any, gram: Any, regularisation: float) -> Any:
    """Lower triangle of A (float32[f, f]) and b (float32[f])."""
    size = gram.shape[0]
    matrix = gram.copy()
    right = np.zeros(size, dtype=np.float32)
    for row in range(size):
        matrix[row, row] += np.float32(regularisation)
    for item in range(len(confidences)):
        if confidences[item] <= 0.0:
            continue
        factor = item_factors[item]
        extra = np.float32(confidences[item] - 1.0)
        weight = np.float32(confidences[item])
        for row in range(size):
            right[row] += weight * factor[row]
            scaled = extra * factor[row]
            for column in range(row + 1):
                matrix[row, column] += scaled * factor[column]
    return matrix, right


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _decompose(matrix: Any) -> None:
    """Cholesky in place: the lower triangle of `matrix` becomes L with A = L L'."""
    size = matrix.shape[0]
    for row in range(size):
        for column in range(row + 1):
            rest = matrix[row, column]
            for inner in range(column):
                rest -= matrix[row, inner] * matrix[column, inner]
            if row == column:
                matrix[row, row] = np.sqrt(max(rest, np.float32(TINY)))
            else:
                matrix[row, column] = rest / matrix[column, column]


@njit(cache=True, nogil=True)
def _substitute(lower: Any, vector: Any) -> None:
    """Solves L L' x = `vector` in place."""
    size = lower.shape[0]
    for row in range(size):
        rest = vector[row]
        for column in range(row):
            rest -= lower[row, column] * vector[column]
        vector[row] = rest / lower[row, row]
    for row in range(size - 1, -1, -1):
        vector[row] /= lower[row, row]
        for column in range(row):
            vector[column] -= lower[row, column] * vector[row]


@njit(cache=True, nogil=True)
def _solve(item_factors: Any, confidences: Any, gram: Any, regularisation: float) -> Any:
    matrix, vector = _system(item_factors, confidences, gram, regularisation)
    _decompose(matrix)
    _substitute(matrix, vector)
    return vector


@njit(cache=True, nogil=True)
def _contributions(item_factors: Any, confidences: Any, gram: Any, regularisation: float, targets: Any) -> Any:
    matrix, _ = _system(item_factors, confidences, gram, regularisation)
    _decompose(matrix)
    shares = np.zeros((len(targets), len(confidences)), dtype=np.float32)
    for target in range(len(targets)):
        vector = targets[target].copy()
        _substitute(matrix, vector)
        for item in range(len(confidences)):
            share = 0.0
            for index in range(len(vector)):
                share += vector[index] * item_factors[item, index]
            shares[target, item] = share * confidences[item]
    return shares
