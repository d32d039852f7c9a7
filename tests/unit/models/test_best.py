"""The best of many values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etappe.models.best import BY_PLACE, best


@settings(deadline=None)  # the first call compiles
@given(
    values=st.lists(st.integers(0, 50), max_size=200) | st.lists(st.integers(0, 2), max_size=200),
    limit=st.integers(-1, 70),
    seed=st.integers(0, 1000),
)
def test_best_equals_a_full_sort(values: list[int], limit: int, seed: int) -> None:
    """The places are those of a full sort, equal values in order of their ties."""
    ties = np.random.default_rng(seed).permutation(len(values)).astype(np.int32)
    expected = sorted(range(len(values)), key=lambda place: (-values[place], ties[place]))
    assert best(np.array(values, np.float64), ties, limit).tolist() == expected[: max(limit, 0)]


@pytest.mark.parametrize("limit", [3, 60, 1000, 1025])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["random", "rising", "falling", "equal"])
def test_best_of_many(order: str, kind: type, limit: int) -> None:
    """However many there are, and in whatever order, of equal ones the first come first."""
    values = np.random.default_rng(1).integers(0, 5000, 5000).astype(kind)
    made = {"random": values, "rising": np.sort(values), "falling": -np.sort(values), "equal": np.ones(5000, kind)}
    assert best(made[order], BY_PLACE, limit).tolist() == np.argsort(-made[order], kind="stable")[:limit].tolist()
