"""Log-likelihood ratios and candidates from neighbour lists."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.unit.models.named import Named, named

from etappe.models.confidence import confidences
from etappe.models.copurchase import (
    NOT_ITSELF,
    Neighbours,
    log_likelihood_ratio,
    own_scores,
    put_best,
)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ((1, 0, 0, 1), 2.772589),
        ((10, 0, 0, 10), 27.725887),
        ((5, 1995, 0, 100000), 39.330522),
        ((1000, 1995, 1000, 100000), 4730.736813),
        ((1000, 1000, 1000, 99000), 5714.932397),
    ],
)
def test_llr_has_the_known_values(cells: tuple[int, int, int, int], expected: float) -> None:
    """The published values of Dunning's ratio come out to six decimals."""
    assert log_likelihood_ratio(*cells) == pytest.approx(expected, abs=1e-6)


def test_llr_of_independence_is_nothing() -> None:
    """Things that come together as often as chance has it score 0, as does an empty table."""
    assert log_likelihood_ratio(25, 25, 25, 25) == pytest.approx(0.0, abs=1e-9)
    assert log_likelihood_ratio(0, 0, 0, 0) == 0.0


def test_own_scores_are_the_ratio_of_an_item_with_itself() -> None:
    """An item that 10 of 30 bought scores the table (10, 0, 0, 20); one nobody bought scores 0."""
    assert own_scores(np.array([10, 0], np.int32), 30) == pytest.approx([log_likelihood_ratio(10, 0, 0, 20), 0.0])


@pytest.fixture
def lists() -> Neighbours:
    """Item 0 goes with 2 and 3, item 1 with 3 only, the others with nothing."""
    rows = np.array([[2, 3], [3, -1], [-1, -1], [-1, -1]], np.int32)
    scores = np.array([[8.0, 4.0], [6.0, 0.0], [0.0, 0.0], [0.0, 0.0]], np.float32)
    counts = np.array([[80, 40], [60, 0], [0, 0], [0, 0]], np.int32)
    return Neighbours(rows, scores, counts)


def _told(found: Named) -> list[tuple[int, float, int, int]]:
    return list(zip(*(column.tolist() for column in found), strict=True))


def test_candidates_add_up_and_name_the_loudest(lists: Neighbours) -> None:
    """Item 3 gets 4 from item 0 and 6 from item 1, so it leads, because of item 1 with its count."""
    found = named(lists, np.array([0, 1]), np.array([5.0, 5.0]))
    assert _told(found) == [(3, 1.0, 1, 60), (2, np.float32(8 / 10), 0, 80)]


def test_weights_count_as_confidence(lists: Neighbours) -> None:
    """Three purchases of item 0 count twice as much as one, so it speaks louder for item 3 than item 1 does."""
    found = named(lists, np.array([0, 1]), np.array([15.0, 5.0]))
    assert _told(found) == [(2, 1.0, 0, 80), (3, np.float32(14 / 16), 0, 40)]


def test_unknown_and_refunded_items_say_nothing(lists: Neighbours) -> None:
    """Rows of -1 and weights of 0 or less bring no candidates."""
    assert _told(named(lists, np.array([-1, 0, 1]), np.array([5.0, 0.0, -1.0]))) == []
    assert _told(named(lists, np.zeros(0, np.int64), np.zeros(0))) == []


def test_equal_scores_are_ordered_by_row() -> None:
    """Neighbours with the same score come in order of their rows, whatever the order of the history."""
    lists = Neighbours(
        np.array([[3], [2], [-1], [-1]], np.int32), np.full((4, 1), 2.0, np.float32), np.ones((4, 1), np.int32)
    )
    for history in ([0, 1], [1, 0]):
        assert named(lists, np.array(history), np.full(2, 5.0)).rows.tolist() == [2, 3]


def test_items_may_speak_for_themselves(lists: Neighbours) -> None:
    """With `own`, what was bought is a candidate because of itself, counted by those who bought it."""
    own, bought = np.array([9.0, 0.0, 0.0, 0.0], np.float32), np.array([90, 70, 0, 0], np.int32)
    found = named(lists, np.array([0]), np.array([5.0]), (own, bought))
    assert _told(found) == [(0, 1.0, 0, 90), (2, np.float32(8 / 9), 0, 80), (3, np.float32(4 / 9), 0, 40)]


def _naive(lists: Neighbours, history: list[int], weights: NDArray[np.float64]) -> dict[int, float]:
    found: dict[int, float] = {}
    for item, sure in zip(history, confidences(weights), strict=True):
        for row, llr in zip(lists.rows[item].tolist(), lists.scores[item].tolist(), strict=True):
            if row >= 0 and sure > 0:
                found[row] = found.get(row, 0.0) + sure * llr
    return found


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(1, 40), width=st.integers(1, 8), length=st.integers(0, 40))
def test_scores_equal_a_plain_sum(seed: int, size: int, width: int, length: int) -> None:
    """For any lists and history the kernel finds the candidates and scores that a dictionary finds."""
    chance = np.random.default_rng(seed)
    rows = chance.integers(0, size, (size, width)).astype(np.int32)
    rows[np.arange(width) >= chance.integers(0, width + 1, size)[:, None]] = -1
    lists = Neighbours(rows, chance.exponential(5, rows.shape).astype(np.float32), np.ones(rows.shape, np.int32))
    history = chance.permutation(size)[:length].astype(np.int32)
    weights = chance.normal(3.0, 3.0, len(history))
    found = named(lists, history, weights)
    expected = _naive(lists, history.tolist(), weights)
    most = max(expected.values(), default=1.0)
    assert sorted(found.rows.tolist()) == sorted(expected)
    assert found.scores.tolist() == pytest.approx([expected[row] / most for row in found.rows.tolist()], rel=1e-5)
    assert (np.diff(found.scores) <= 0).all()


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1), bounds=st.tuples(st.integers(0, 30), st.integers(0, 30)))
def test_a_part_is_that_of_all(seed: int, bounds: tuple[int, int]) -> None:
    """The [start, end) written are those of all, without those that the caller does not know; how many there are too."""
    chance = np.random.default_rng(seed)
    rows = np.argsort(chance.random((20, 20)), axis=1)[:, :6].astype(np.int32)
    lists = Neighbours(rows, chance.integers(1, 4, rows.shape).astype(np.float32), rows + 1)
    history, weights = chance.permutation(20)[:5], np.full(5, 5.0)
    whole, (start, end) = _told(named(lists, history, weights)), sorted(bounds)
    to_row = np.where(chance.random(20) < 0.3, -1, np.arange(20) + 100)
    out = [np.zeros(40, kind) for kind in (np.int64, np.float32, np.int64, np.int64)]
    told = (lists.rows, lists.scores, lists.counts)
    count, there_are = put_best(told, NOT_ITSELF, history, weights, to_row, start, end, 3, tuple(out))
    assert there_are == len(whole)
    written = list(zip(*(column[3 : 3 + count].tolist() for column in out), strict=True))
    known = [row for row in whole[start:end] if to_row[row[0]] >= 0]
    assert written == [(to_row[row], *rest) for row, *rest in known]
