"""Item factors by alternating least squares: `implicit` behind checks of what it would fail late or oddly on."""

import os
from typing import Final

import numpy as np
from implicit.als import AlternatingLeastSquares
from implicit.recommender_base import ModelFitError
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from etappe import progress as progressing
from etappe.errors import InputError
from etappe.progress import Progress

STEP: Final = "factors"
DUST: Final = 1e-5
"""A vector shorter than this says nothing; those of items that are bought have lengths from 0.01 on."""


def fit(
    confidences: sparse.csr_array,
    *,
    factors: int,
    regularisation: float,
    iterations: int,
    seed: int,
    threads: int = 0,
    progress: Progress = progressing.silent,
) -> NDArray[np.float32]:
    """float32[n, factors]: item factors; the same for the same input and `seed`, however many `threads` (0: all cores).

    Hu, Koren, Volinsky (2008), solved by conjugate gradients (Takacs, Pilaszy, Tikk 2011). Items nobody has, all
    items where there are no customers, and items of which `regularisation` leaves nothing get zeros.

    Args:
        confidences: float[u, n], above 0 where a customer has an item.
        factors: length of a vector.
        regularisation: lambda.
        iterations: sweeps over customers and items.
        seed: of the first, random factors.
        threads: at most so many.
        progress: called after each sweep.

    Raises:
        InputError: an argument is out of range, or the solution is not finite.
    """
    _check(confidences, factors, regularisation, iterations)
    if confidences.nnz == 0:
        return np.zeros((confidences.shape[1], factors), dtype=np.float32)
    with threadpool_limits(1, "blas"):  # implicit runs its own threads, which BLAS's would fight for the cores
        model = AlternatingLeastSquares(
            factors=factors,
            regularization=regularisation,
            alpha=1.0,
            iterations=iterations,
            num_threads=threads or os.cpu_count() or 1,
            random_state=seed,
        )
        try:
            model.fit(
                sparse.csr_matrix(confidences, dtype=np.float32),
                show_progress=False,
                callback=lambda done, *_: progress(STEP, done + 1, iterations),
            )
        except ModelFitError as error:
            raise InputError(f"the factors are not finite: {error}; raise learning.regularisation") from error
    return _without_dust(np.ascontiguousarray(model.item_factors, dtype=np.float32))


def _without_dust(factors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Zeros where regularisation left next to nothing: what remains of the first, random factors would rank items."""
    factors[np.linalg.norm(factors, axis=1) < DUST] = 0.0
    return factors


def _check(confidences: sparse.csr_array, factors: int, regularisation: float, iterations: int) -> None:
    if factors < 1 or iterations < 1:
        raise InputError(f"{factors} factors and {iterations} iterations; both must be at least 1")
    if not (np.isfinite(regularisation) and regularisation >= 0):
        raise InputError(f"a regularisation of {regularisation}; it must be 0 or more", field="regularisation")
    if confidences.shape[1] == 0:
        raise InputError("there are no items to find factors for; import or send events first")
    if not (np.isfinite(confidences.data).all() and (confidences.data > 0).all()):
        raise InputError("confidences must be finite and above 0 wherever a customer has an item")
