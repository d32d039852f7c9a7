"""How much is bought."""

import numpy as np
import pytest

from etappe.training import popularity
from etappe.training.matrices import Lines


@pytest.fixture
def lines() -> Lines:
    """Item 0: customer 1 twice and order 7 (nobody known); item 1: customer 2 long ago; item 2: nothing."""
    return Lines(
        rows=np.array([0, 0, 0, 1], np.int32),
        ages=np.array([0.0, 30.0, 0.5, 60.0]),
        buyers=np.array([1, 1, 10, 2]),
        customers=np.array([1, 1, -1, 2]),
        orders=np.array([5, 6, 7, 8]),
    )


def test_purchases_halve(lines: Lines) -> None:
    """Every line counts 2^(-age / half-life), whoever bought it."""
    assert popularity.decayed(lines, 3, 30.0) == pytest.approx([1 + 0.5 + 2 ** (-0.5 / 30), 0.25, 0.0])


def test_buyers_within_days_are_counted_once(lines: Lines) -> None:
    """A customer is one buyer however often, an anonymous order is one too, and older purchases fall out."""
    assert popularity.buyers(lines, 3, (1, 31, 90)).tolist() == [[2, 0, 0], [2, 0, 0], [2, 1, 0]]


def test_distinct_leaves_out_nobody(lines: Lines) -> None:
    """Codes of -1 are no customers; orders count all the same."""
    assert popularity.distinct(lines.rows, lines.customers, 3).tolist() == [1, 1, 0]
    assert popularity.distinct(lines.rows, lines.orders, 3).tolist() == [3, 1, 0]


def test_repeats_count_customers_with_two_orders(lines: Lines) -> None:
    """Who bought an item in two orders is one repeat; two lines of one order, and orders of nobody, are none."""
    assert popularity.repeats(lines, 3).tolist() == [1, 0, 0]
    one_order = Lines(
        rows=lines.rows, ages=lines.ages, buyers=lines.buyers, customers=lines.customers, orders=np.array([5, 5, 7, 8])
    )
    assert popularity.repeats(one_order, 3).tolist() == [0, 0, 0]


def test_nothing_bought() -> None:
    """Without lines every count is 0, without items there is none."""
    none = np.zeros(0, np.int64)
    lines = Lines(rows=none.astype(np.int32), ages=none.astype(float), buyers=none, customers=none, orders=none)
    assert popularity.decayed(lines, 2, 30.0).tolist() == [0.0, 0.0]
    assert popularity.buyers(lines, 2, (1,)).tolist() == [[0, 0]]
    assert popularity.distinct(lines.rows, none, 0).tolist() == []
