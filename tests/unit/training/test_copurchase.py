"""Neighbour lists: exact counts, from thinned candidates."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import sparse

from etappe.models.copurchase import Neighbours, log_likelihood_ratio
from etappe.training import copurchase


def _build(matrix: Any, neighbours: int = 10, heavy: int = 500, **more: Any) -> Neighbours:
    return copurchase.build(sparse.csr_array(matrix), neighbours=neighbours, heavy=heavy, seed=1, **more)


def _pairs(lists: Neighbours) -> dict[tuple[int, int], tuple[int, float]]:
    """Count and score by pair of an item and its neighbour."""
    places = np.argwhere(lists.rows >= 0).tolist()
    return {
        (item, int(lists.rows[item, place])): (int(lists.counts[item, place]), float(lists.scores[item, place]))
        for item, place in places
    }


def test_hand_counted_pairs() -> None:
    """Of 6 customers 3 have items 0 and 1, and 3 have items 2 and 3: two pairs of 3, and nothing across."""
    histories = [[1, 1, 0, 0]] * 3 + [[0, 0, 1, 1]] * 3
    perfect = pytest.approx(log_likelihood_ratio(3, 0, 0, 3))
    expected = dict.fromkeys([(0, 1), (1, 0), (2, 3), (3, 2)], (3, perfect))
    assert _pairs(_build(histories)) == expected


def test_subjects_without_items_do_not_count() -> None:
    """Rows of nothing (customers who only looked) change no score."""
    histories = [[1, 1, 0]] * 3 + [[0, 0, 1]] * 3
    assert _pairs(_build([*histories, *[[0, 0, 0]] * 50])) == _pairs(_build(histories))


def test_one_customer_alone_is_no_evidence() -> None:
    """A pair that a single customer has is in no list; with a second customer it is."""
    others = [[0, 0, 1]] * 10
    assert _pairs(_build([[1, 1, 0], *others])) == {}
    assert set(_pairs(_build([[1, 1, 0], [1, 1, 0], *others]))) == {(0, 1), (1, 0)}


def test_what_avoids_each_other_is_no_neighbour() -> None:
    """Items bought together less than by chance are surprising too, but not recommended."""
    histories = [[1, 0]] * 50 + [[0, 1]] * 50 + [[1, 1]] * 2
    assert _pairs(_build(histories)) == {}


def test_lists_are_as_wide_as_asked_and_best_first() -> None:
    """The best neighbours are kept, by score and among equals by row; the rest is padded with -1."""
    histories = [[1, 1, 1, 1, 1]] * 4 + [[1, 0, 0, 1, 0]] * 2 + [[0] * 4 + [1]] * 9
    lists = _build(histories, neighbours=2)
    assert lists.rows.shape == lists.scores.shape == lists.counts.shape == (5, 2)
    assert lists.rows[0].tolist() == [3, 1]
    assert lists.rows[1].tolist() == [2, 0]
    assert lists.counts[0].tolist() == [6, 4]
    assert (lists.scores[:, 0] >= lists.scores[:, 1]).all()
    wide = _build(histories, neighbours=9)
    assert (wide.rows[:, 4:] == -1).all()


def _naive(matrix: NDArray[Any]) -> dict[tuple[int, int], tuple[int, float]]:
    """All pairs by counting sets in plain Python."""
    owners = [set(np.flatnonzero(matrix[:, item]).tolist()) for item in range(matrix.shape[1])]
    total = int(matrix.any(axis=1).sum())
    found = {}
    for one, other in combinations(range(matrix.shape[1]), 2):
        both, first, second = len(owners[one] & owners[other]), len(owners[one]), len(owners[other])
        if both >= copurchase.MIN_COUNT and both * total > first * second:
            llr = log_likelihood_ratio(both, first - both, second - both, total - first - second + both)
            found[one, other] = found[other, one] = (both, pytest.approx(llr, rel=1e-5, abs=1e-5))
    return found


@given(seed=st.integers(0, 2**32 - 1), subjects=st.integers(0, 25), items=st.integers(1, 12))
def test_all_pairs_equal_a_plain_count(seed: int, subjects: int, items: int) -> None:
    """With room for all, the lists hold exactly the pairs that counting sets finds, with their counts and scores."""
    matrix = np.random.default_rng(seed).random((subjects, items)) < 0.4
    assert _pairs(_build(matrix.astype(float), neighbours=items)) == _naive(matrix)


@given(seed=st.integers(0, 2**32 - 1), heavy=st.integers(1, 6), threads=st.integers(1, 3))
def test_thinning_never_changes_a_count(seed: int, heavy: int, threads: int) -> None:
    """However hard histories are thinned, the counts and scores of the pairs kept are those of the full histories."""
    matrix = np.random.default_rng(seed).random((40, 10)) < 0.5
    exact = _naive(matrix)
    for pair, found in _pairs(_build(matrix.astype(float), 3, heavy, threads=threads)).items():
        assert found == exact[pair]


def test_thinning_finds_the_planted_pair() -> None:
    """Among customers who have 40 of 60 items each, the pair that always comes together leads though 20 are kept."""
    chance = np.random.default_rng(2)
    matrix = chance.random((300, 60)) < 0.66
    matrix[:, 7] = matrix[:, 3] = chance.random(300) < 0.5
    lists = _build(matrix.astype(float), 5, heavy=20)
    assert lists.rows[3, 0] == 7
    assert lists.rows[7, 0] == 3
    assert lists.counts[3, 0] == matrix[:, 3].sum()


def test_the_same_however_many_threads() -> None:
    """Lists do not depend on the number of threads, thinned or not."""
    matrix = (np.random.default_rng(9).random((200, 80)) < 0.3).astype(float)
    for heavy in (5, 500):
        one, three = (_build(matrix, 6, heavy, threads=threads) for threads in (1, 3))
        assert one.rows.tolist() == three.rows.tolist()
        assert one.scores.tolist() == three.scores.tolist()
        assert one.counts.tolist() == three.counts.tolist()


def test_progress_ends_at_the_end() -> None:
    """Both passes are reported, rising to the total."""
    told: list[tuple[str, int, int]] = []
    _build(np.ones((3, 5)), progress=lambda *step: told.append(step), step="pairs")
    done = [step[1] for step in told]
    assert done == sorted(done)
    assert told[-1] == ("pairs", 10, 10)


def test_no_subjects_and_one_item() -> None:
    """Logs without purchases, or with one item, have empty lists of the right shape."""
    assert _pairs(_build(np.zeros((0, 3)))) == {}
    assert _pairs(_build(np.ones((5, 1)))) == {}
    assert _build(np.zeros((0, 3)), neighbours=4).rows.tolist() == [[-1] * 4] * 3


@given(one=st.sets(st.integers(0, 30)), other=st.sets(st.integers(0, 30)))
def test_intersections_are_those_of_sets(one: set[int], other: set[int]) -> None:
    """The kernel counts what two sorted arrays have in common."""
    arrays = [np.array(sorted(numbers), dtype=np.int32) for numbers in (one, other)]
    assert copurchase.intersection(*arrays) == len(one & other)
