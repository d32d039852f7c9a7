"""The best of an array."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etappe.models.popularity import top


@settings(deadline=None)  # the first call compiles
@given(values=st.lists(st.integers(0, 5), max_size=60), limit=st.integers(-1, 70))
def test_top_equals_a_full_sort(values: list[int], limit: int) -> None:
    """The top rows are those of a stable full sort, ties by row; a limit below zero is none."""
    array = np.array(values, dtype=np.float32)
    everything = sorted(range(len(values)), key=lambda row: (-values[row], row))
    assert top(array, limit).tolist() == everything[: max(limit, 0)]


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_any_numbers_will_do(dtype: type) -> None:
    """Counts and decayed counts are ranked alike."""
    assert top(np.array([3, 9, 9, 1], dtype=dtype), 3).tolist() == [1, 2, 0]
