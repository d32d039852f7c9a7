"""The best of an array."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etappe.models.popularity import top


@given(values=st.lists(st.integers(0, 5), max_size=60), limit=st.integers(0, 70), seed=st.integers(0, 1000))
def test_top_equals_a_full_sort(values: list[int], limit: int, seed: int) -> None:
    """The top rows are those of a stable full sort, over all rows and over any subset, ties by row."""
    array = np.array(values, dtype=np.float32)
    rows = np.flatnonzero(np.random.default_rng(seed).random(len(values)) < 0.5)
    everything = sorted(range(len(values)), key=lambda row: (-values[row], row))
    assert top(array, limit).tolist() == everything[:limit]
    chosen = np.random.default_rng(seed).permutation(rows)
    assert top(array, limit, chosen).tolist() == [row for row in everything if row in set(rows.tolist())][:limit]


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_any_numbers_will_do(dtype: type) -> None:
    """Counts and decayed counts are ranked alike."""
    assert top(np.array([3, 9, 9, 1], dtype=dtype), 3).tolist() == [1, 2, 0]
