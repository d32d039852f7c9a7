"""How much is bought."""

import numpy as np
import pytest

from etappe.training import popularity
from etappe.training.matrices import Lines, Views


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


@pytest.fixture
def views() -> Views:
    """Item 1: customer 1 three times, customer 2 a half-life ago; item 2: customer 1."""
    return Views(
        rows=np.array([1, 1, 1, 1, 2], np.int32),
        ages=np.array([9.0, 0.0, 3.0, 30.0, 0.0]),
        viewers=np.array([1, 1, 1, 2, 1]),
    )


NO_VIEWS = Views(rows=np.zeros(0, np.int32), ages=np.zeros(0), viewers=np.zeros(0, np.int64))


def test_buyers_halve(lines: Lines) -> None:
    """Everybody counts 2^(-age / half-life) of the last purchase of an item, however many there were."""
    found = popularity.decayed(lines, NO_VIEWS, 3, 30.0)
    assert found == pytest.approx([1 + 2 ** (-0.5 / 30), 0.25, 0.0])


def test_one_account_moves_an_item_by_one(lines: Lines) -> None:
    """A thousand lines of one account count as one buyer's, of now and within days."""
    many = Lines(
        rows=np.full(1000, 2, np.int32),
        ages=np.linspace(0.0, 9.0, 1000),
        buyers=np.full(1000, 4),
        customers=np.full(1000, 4),
        orders=np.arange(1000),
    )
    both = Lines(**{name: np.concatenate([getattr(lines, name), getattr(many, name)]) for name in Lines.__slots__})
    assert popularity.decayed(both, NO_VIEWS, 3, 30.0)[2] == pytest.approx(1.0)
    assert popularity.people(both, NO_VIEWS, 3, (31,)).tolist() == [[2, 0, 1]]


def test_viewers_count_little_and_once(lines: Lines, views: Views) -> None:
    """Who looks at an item counts a fiftieth of a buyer, once; what nobody bought is in order by them."""
    found = popularity.decayed(lines, views, 3, 30.0)
    assert found[1:] == pytest.approx([0.25 + 0.02 * 1.5, 0.02])


def test_buyers_within_days_are_counted_once(lines: Lines, views: Views) -> None:
    """A customer is one buyer however often, an anonymous order is one too, and older purchases fall out."""
    assert popularity.people(lines, views, 3, (1, 31, 90)).tolist() == [[2, 0, 0], [2, 0, 0], [2, 1, 0]]


def test_without_purchases_viewers_are_counted(views: Views) -> None:
    """A log in which nobody bought anything tells what was looked at, by how many."""
    none = np.zeros(0, np.int64)
    lines = Lines(rows=none.astype(np.int32), ages=none.astype(float), buyers=none, customers=none, orders=none)
    assert popularity.people(lines, views, 3, (1, 31)).tolist() == [[0, 1, 1], [0, 2, 1]]


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
    assert popularity.decayed(lines, NO_VIEWS, 2, 30.0).tolist() == [0.0, 0.0]
    assert popularity.people(lines, NO_VIEWS, 2, (1,)).tolist() == [[0, 0]]
    assert popularity.distinct(lines.rows, none, 0).tolist() == []
