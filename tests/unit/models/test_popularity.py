"""Values of model rows written as candidates."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from etappe.models.popularity import put_ranked, put_top

_AT = 3
"""Where writing begins: what is before it stays."""


def _room(size: int) -> tuple[NDArray[Any], ...]:
    return tuple(np.full(_AT + size, -7, kind) for kind in (np.int64, np.float32, np.int64, np.int64))


@settings(deadline=None)  # the first call compiles
@given(
    values=st.lists(st.integers(-3, 5), max_size=60),
    bounds=st.tuples(st.integers(0, 70), st.integers(0, 70)),
    seed=st.integers(0, 1000),
)
def test_the_top_is_that_of_a_full_sort(values: list[int], bounds: tuple[int, int], seed: int) -> None:
    """Written are [start, end) of all above 0, ties by row, but for those unknown to the caller; the last says so."""
    start, end = sorted(bounds)
    to_row = np.where(np.random.default_rng(seed).random(len(values)) < 0.3, -1, np.arange(len(values)) + 100)
    above = sorted((row for row in range(len(values)) if values[row] > 0), key=lambda row: (-values[row], row))
    out = _room(end - start)
    count, last = put_top(np.array(values, np.float32), to_row, start, end, _AT, out)
    expected = [row for row in above[start:end] if to_row[row] >= 0]
    written = [column[_AT : _AT + count].tolist() for column in out]
    assert written[0] == [to_row[row] for row in expected]
    assert written[1] == pytest.approx([values[row] / max(values) for row in expected])
    assert written[2] == written[3] == [-1] * len(expected)
    assert {*out[0][:_AT].tolist()} == {-7}
    if last:
        assert len(above) <= end
    else:
        assert len(values) > end


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_ranked_rows_are_worth_their_share(kind: type) -> None:
    """Each row is worth its model row's value relative to the first one's, whose place may be elsewhere; else 0."""
    to_model, values = np.array([2, -1, 0, 1], np.int32), np.array([5, 10, 20], kind)
    out = _room(3)
    put_ranked(np.array([2, 1, 3]), to_model, values, 0, 1e-9, _AT, out)
    told = [column[_AT:].tolist() for column in out]
    assert told == [[2, 1, 3], [0.25, 0.0, 0.5], [-1, -1, -1], [-1, -1, -1]]


def test_where_nothing_was_bought_all_is_worth_nothing() -> None:
    """Nothing is divided by 0: not by a value of 0, nor where the first row has none."""
    for to_model in (np.array([0, 1], np.int32), np.full(2, -1, np.int32)):
        out = _room(2)
        put_ranked(np.array([0, 1]), to_model, np.zeros(2, np.float32), 0, 1e-9, _AT, out)
        assert out[1][_AT:].tolist() == [0.0, 0.0]
