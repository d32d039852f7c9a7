"""What customers bought who wished for something."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from etappe.training import wishlists

CUSTOMERS, ITEMS = 12, 4
Sets = list[set[int]]
sets = st.lists(st.sets(st.integers(0, ITEMS - 1)), min_size=CUSTOMERS, max_size=CUSTOMERS)


def matrix(having: Sets) -> sparse.csr_array:
    """1 where the customer of a row has the item."""
    dense = np.zeros((len(having), ITEMS))
    for row, items in enumerate(having):
        dense[row, list(items)] = 1.0
    return sparse.csr_array(dense)


def test_the_planted_pair_is_found_with_its_count() -> None:
    """Six customers wished item 0, five of them bought item 1 and nobody else did: 5 of 6, and no other pair."""
    wished: Sets = [{0}] * 6 + [{2}] * 6
    bought: Sets = [{1}] * 5 + [{3}] + [{3}] * 3 + [set()] * 3
    found = wishlists.build(matrix(wished), matrix(bought), neighbours=2)
    assert found.rows[0].tolist() == [1, -1]
    assert found.counts[0].tolist() == [5, 0]
    assert wishlists.distinct(matrix(wished)).tolist() == [6, 0, 6, 0]


@given(wished=sets, bought=sets)
def test_counts_equal_a_recount(wished: Sets, bought: Sets) -> None:
    """Every count is the number of customers who wished the one and bought the other; nothing is its own neighbour."""
    found = wishlists.build(matrix(wished), matrix(bought), neighbours=ITEMS)
    for item in range(ITEMS):
        for other, count in zip(found.rows[item], found.counts[item], strict=True):
            if other >= 0:
                assert other != item
                assert count == sum(item in w and other in b for w, b in zip(wished, bought, strict=True))


@given(wished=sets, bought=sets)
def test_lists_are_best_first_and_no_longer_than_asked(wished: Sets, bought: Sets) -> None:
    """Scores fall along a list, and the shorter list is the beginning of the longer."""
    longer = wishlists.build(matrix(wished), matrix(bought), neighbours=ITEMS)
    shorter = wishlists.build(matrix(wished), matrix(bought), neighbours=1)
    assert (np.diff(longer.scores, axis=1) <= 0).all()
    assert longer.rows[:, :1].tolist() == shorter.rows.tolist()


def test_nobody_wished() -> None:
    """Without wish lists there are no neighbours."""
    nothing: Sets = [set()] * CUSTOMERS
    assert (wishlists.build(matrix(nothing), matrix([{1}] * CUSTOMERS), neighbours=3).rows == -1).all()
