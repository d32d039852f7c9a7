"""Metrics by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etappe.evaluation import metrics

HITS = np.array([[True, False, True], [False, False, False], [False, True, False]])
SIZES = np.array([2, 1, 5])


def test_recall_by_hand() -> None:
    """2 of 2, 0 of 1, and 1 of the 3 places that 5 bought items could fill."""
    assert metrics.recall(HITS, SIZES) == pytest.approx((1.0 + 0.0 + 1 / 3) / 3)


def test_ndcg_by_hand() -> None:
    """Places count 1, 0.63, 0.5; the ideal fills min(k, |truth|) of them."""
    second, third = 1 / np.log2(3), 0.5
    expected = ((1 + third) / (1 + second) + 0.0 + second / (1 + second + third)) / 3
    assert metrics.ndcg(HITS, SIZES) == pytest.approx(expected)


def test_coverage_by_hand() -> None:
    """Three different items of ten were shown; empty places are none."""
    assert metrics.coverage(np.array([[1, 2, -1], [2, 7, -1]]), 10) == pytest.approx(0.3)
    assert metrics.coverage(np.full((2, 3), -1), 10) == 0.0


def test_nobody_tested() -> None:
    """Without customers every metric is 0."""
    none = np.zeros((0, 3), dtype=bool)
    assert metrics.recall(none, SIZES[:0]) == metrics.ndcg(none, SIZES[:0]) == 0.0
    assert metrics.coverage(np.zeros((0, 3), int), 0) == 0.0


@given(seed=st.integers(0, 1000), k=st.integers(1, 12))
def test_perfect_lists_score_one_and_all_stay_within(seed: int, k: int) -> None:
    """Lists that begin with everything there is score 1; no list scores more."""
    chance = np.random.default_rng(seed)
    sizes = chance.integers(1, 20, 8)
    perfect = np.arange(k)[None, :] < sizes[:, None]
    assert metrics.recall(perfect, sizes) == pytest.approx(1.0)
    assert metrics.ndcg(perfect, sizes) == pytest.approx(1.0)
    some = perfect & (chance.random(perfect.shape) < 0.5)
    assert 0.0 <= metrics.recall(some, sizes) <= 1.0
    assert 0.0 <= metrics.ndcg(some, sizes) <= 1.0
