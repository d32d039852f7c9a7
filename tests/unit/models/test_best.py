"""The best of many values."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from etappe.models.best import best


@settings(deadline=None)  # the first call compiles
@given(values=st.lists(st.integers(0, 5), max_size=60), limit=st.integers(-1, 70), seed=st.integers(0, 1000))
def test_best_equals_a_full_sort(values: list[int], limit: int, seed: int) -> None:
    """The places are those of a full sort, equal values in order of their ties."""
    ties = np.random.default_rng(seed).permutation(len(values)).astype(np.int32)
    expected = sorted(range(len(values)), key=lambda place: (-values[place], ties[place]))
    assert best(np.array(values, np.float64), ties, limit).tolist() == expected[: max(limit, 0)]
