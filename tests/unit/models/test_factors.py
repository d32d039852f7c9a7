"""A customer's vector, solved as ALS solves it."""

import numpy as np
import pytest
from implicit.als import AlternatingLeastSquares
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from etappe.models import factors
from etappe.models.confidence import confidences

N, F = 300, 16


@pytest.fixture
def items() -> NDArray[np.float32]:
    """float32[300, 16] item factors."""
    return np.random.default_rng(7).normal(0.0, 0.3, (N, F)).astype(np.float32)


@pytest.mark.parametrize("size", [1, 5, 30, 200])
@pytest.mark.parametrize("alpha", [0.5, 1.0, 8.0])
@pytest.mark.parametrize("regularisation", [0.01, 2.0])
def test_folding_in_is_what_als_solves(
    items: NDArray[np.float32], size: int, alpha: float, regularisation: float
) -> None:
    """`fold_in` gives the vector that implicit's own user solve gives for the same confidences."""
    chance = np.random.default_rng(size)
    rows = np.sort(chance.choice(N, size, replace=False))
    weights = chance.exponential(5.0, size)
    row = sparse.csr_matrix(((alpha * confidences(weights)).astype(np.float32), rows, [0, size]), shape=(1, N))
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(factors=F, regularization=regularisation, alpha=1.0)
        model.item_factors = items
        expected = model.recalculate_user(0, row)
    solved = factors.fold_in(items[rows], weights, items.T @ items, regularisation, alpha).vector
    assert solved.dtype == np.float32
    assert solved == pytest.approx(expected, abs=1e-5, rel=1e-4)


def test_items_without_weight_change_nothing(items: NDArray[np.float32]) -> None:
    """A refunded item (weight 0 or less) leaves the vector as it is without it."""
    gram = items.T @ items
    with_refunds = factors.fold_in(items[:5], np.array([5.0, 0.0, 3.0, -4.0, 1.0]), gram, 1.0, 1.0).vector
    without = factors.fold_in(items[[0, 2, 4]], np.array([5.0, 3.0, 1.0]), gram, 1.0, 1.0).vector
    assert with_refunds.tolist() == without.tolist()


def test_nothing_known_is_the_zero_vector(items: NDArray[np.float32]) -> None:
    """An empty history gives zeros, and so scores of zero for every item."""
    solved = factors.fold_in(items[:0], np.zeros(0), items.T @ items, 1.0, 1.0).vector
    assert not solved.any()
    assert not factors.scores(solved, items).any()


def test_a_singular_system_still_gives_numbers() -> None:
    """Items that span less than the space, and no regularisation, give finite numbers."""
    flat = np.ones((3, 4), dtype=np.float32)
    assert np.isfinite(factors.fold_in(flat, np.ones(3), flat.T @ flat, 0.0, 1.0).vector).all()


def test_contributions_add_up_to_the_score(items: NDArray[np.float32]) -> None:
    """What the items of a history add to a score sums to it, and the recommended item's like adds most."""
    gram, weights = items.T @ items, np.random.default_rng(1).exponential(5.0, 20)
    taste = factors.fold_in(items[:20], weights, gram, 0.5, 2.0)
    shares = factors.contributions(taste, items[50:60])
    assert shares.shape == (10, 20)
    assert shares.sum(axis=1) == pytest.approx(factors.scores(taste.vector, items[50:60]), abs=1e-5)


def test_the_like_item_is_the_reason() -> None:
    """Of two clusters of items, those of the target's cluster explain its score."""
    items = np.repeat(np.eye(2, dtype=np.float32), 5, axis=0)
    taste = factors.fold_in(items[[0, 1, 5]], np.full(3, 5.0), items.T @ items, 0.1, 1.0)
    shares = factors.contributions(taste, items[2:3])[0]
    assert shares[0] == pytest.approx(shares[1])
    assert shares[0] > 0.1
    assert shares[2] == pytest.approx(0.0, abs=1e-7)


def test_read_only_arrays_are_taken(items: NDArray[np.float32]) -> None:
    """Arrays mapped from a snapshot, which nobody may write to, give the same as arrays in memory."""
    gram = items.T @ items
    mapped = gram.copy()
    mapped.flags.writeable = False
    weights = np.array([1.0, 2.0])
    expected = factors.fold_in(items[:2], weights, gram, 1.0, 1.0).vector.tolist()
    assert factors.fold_in(items[:2], weights, mapped, 1.0, 1.0).vector.tolist() == expected
