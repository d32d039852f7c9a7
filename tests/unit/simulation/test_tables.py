"""Tables of parallel arrays."""

import numpy as np
import pytest

from etappe.simulation.tables import Floats, Ints, Table, firsts, ranks, sums


class Pairs(Table, frozen=True):
    """A table of two columns."""

    left: Ints
    right: Floats


def test_ranks_count_inside_groups() -> None:
    """Each row knows how many of its group stand before it; an empty table has no ranks."""
    groups = np.array([4, 4, 4, 7, 9, 9])
    assert ranks(groups).tolist() == [0, 1, 2, 0, 0, 1]
    assert firsts(groups).tolist() == [True, False, False, True, True, False]
    assert ranks(groups[:0]).tolist() == []


def test_sums_are_by_group() -> None:
    """Each group's values are added; groups without rows have 0."""
    assert sums(np.array([2, 0, 2]), np.array([1.0, 5.0, 0.5]), 4).tolist() == [5.0, 0.0, 1.5, 0.0]


def test_rows_are_picked_and_joined() -> None:
    """Rows come in the order of the index, and tables one after the other, in all columns."""
    pairs = Pairs(left=np.array([1, 2, 3]), right=np.array([0.1, 0.2, 0.3]))
    joined = Pairs.joined([pairs.at(np.array([2, 0])), pairs.at(pairs.left > 2)])
    assert joined.left.tolist() == [3, 1, 3]
    assert joined.right.tolist() == [0.3, 0.1, 0.3]
    assert len(joined) == 3


@pytest.mark.parametrize(
    ("low", "high", "dtype"),
    [(-1, 127, "int8"), (-129, 0, "int16"), (0, 32768, "int32"), (0, 2**31, "int64"), (-(2**31), 0, "int32")],
)
def test_integers_are_kept_as_narrow_as_they_fit(low: int, high: int, dtype: str) -> None:
    """The narrowest dtype that holds all values, which stay what they are; floats are left alone."""
    kept = Pairs(left=np.array([low, high]), right=np.array([0.1, 0.2])).narrowed()
    assert kept.left.dtype == dtype
    assert kept.left.tolist() == [low, high]
    assert kept.right.dtype == np.float64
