"""Item factors, and what the adapter refuses."""

import numpy as np
import pytest
from scipy import sparse

from etappe.errors import InputError
from etappe.training import als


def _clusters(customers: int = 60, items: int = 30) -> sparse.csr_array:
    """Three groups of customers, each with most items of one of three groups of items."""
    chance = np.random.default_rng(5)
    same = np.arange(customers)[:, None] % 3 == np.arange(items)[None, :] % 3
    return sparse.csr_array((same & (chance.random((customers, items)) < 0.7)).astype(float))


def _fit(matrix: sparse.csr_array, **changes: float) -> np.ndarray:
    settings = {"factors": 8, "regularisation": 0.1, "iterations": 10, "seed": 3} | changes
    return als.fit(matrix, **settings)


def test_planted_clusters_are_found() -> None:
    """Every item is nearer to all items of its own group than to any of another."""
    factors = _fit(_clusters())
    unit = factors / np.linalg.norm(factors, axis=1, keepdims=True)
    nearness = unit @ unit.T
    same = np.arange(30)[:, None] % 3 == np.arange(30)[None, :] % 3
    assert nearness[same].min() > nearness[~same].max()


def test_the_same_input_gives_the_same_factors() -> None:
    """With one seed, one and two threads agree to the bit; another seed gives other numbers."""
    expected = _fit(_clusters(), threads=1)
    assert expected.dtype == np.float32
    assert _fit(_clusters(), threads=2).tolist() == expected.tolist()
    assert _fit(_clusters(), seed=4).tolist() != expected.tolist()


def test_every_sweep_is_reported() -> None:
    """Progress counts the sweeps up to the last."""
    told: list[tuple[str, int, int]] = []
    als.fit(_clusters(), factors=4, regularisation=0.1, iterations=3, seed=1, progress=lambda *step: told.append(step))
    assert told == [("factors", 1, 3), ("factors", 2, 3), ("factors", 3, 3)]


def test_more_factors_than_customers_and_items() -> None:
    """A shop smaller than its factors has finite ones."""
    factors = _fit(sparse.csr_array(np.array([[1.0]])), factors=16)
    assert factors.shape == (1, 16)
    assert np.isfinite(factors).all()


def test_items_nobody_has_get_zeros() -> None:
    """So do all items where there are no customers at all."""
    assert not _fit(sparse.csr_array(np.array([[1.0, 0.0], [1.0, 0.0]])))[1].any()
    assert _fit(sparse.csr_array((0, 4))).tolist() == np.zeros((4, 8)).tolist()


def test_regularisation_leaves_nothing_or_something() -> None:
    """Where it outweighs all there is, factors are zeros and not the dust of their random start."""
    assert not _fit(_clusters(), regularisation=1e3).any()
    assert _fit(_clusters(), regularisation=1.0).any(axis=1).all()


@pytest.mark.parametrize(
    ("matrix", "changes", "message"),
    [
        ([[1.0]], {"factors": 0}, "0 factors"),
        ([[1.0]], {"iterations": 0}, "0 iterations"),
        ([[1.0]], {"regularisation": -1.0}, "regularisation of -1.0"),
        ([[1.0]], {"regularisation": float("nan")}, "regularisation of nan"),
        ([[float("nan")]], {}, "finite and above 0"),
        ([[-1.0]], {}, "finite and above 0"),
        ([[]], {}, "no items"),
    ],
)
def test_bad_input_is_named(matrix: list[list[float]], changes: dict[str, float], message: str) -> None:
    """What ALS would fail late or oddly on is refused before it starts."""
    with pytest.raises(InputError, match=message):
        _fit(sparse.csr_array(np.array(matrix)), **changes)


def test_factors_that_are_not_finite_name_the_remedy() -> None:
    """Confidences beyond what a float32 can square end in an error that says what to change."""
    with np.errstate(all="ignore"), pytest.raises(InputError, match=r"learning\.regularisation"):
        _fit(sparse.csr_array(np.full((4, 4), 1e38)))
