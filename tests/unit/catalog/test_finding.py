"""The search for hashes: where they lie evenly, and where they do not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etappe.catalog.finding import rows_of
from etappe.ids import HASH_BITS

_HASHES = st.integers(0, 2**HASH_BITS - 1) | st.integers(0, 2**64 - 1) | st.integers(0, 9)


def _found(wanted: list[int], known: list[int]) -> list[int]:
    rows = np.empty(len(wanted), np.int64)
    rows_of(np.array(wanted, np.uint64), np.array(known, np.uint64), rows)
    return rows.tolist()


def _naive(wanted: list[int], known: list[int]) -> list[int]:
    return [known.index(one) if one in known else -1 for one in wanted]


@given(st.lists(_HASHES, unique=True, max_size=200).map(sorted), st.lists(_HASHES, max_size=20))
def test_each_hash_is_where_it_is(known: list[int], others: list[int]) -> None:
    """Each of any hashes is found at its place, and none that is not there."""
    wanted = [*known, *others, *(one + 1 for one in known if one < 2**64 - 1)]
    assert _naive(wanted, known) == _found(wanted, known)


@pytest.mark.parametrize("bits", [1, 8, 40, HASH_BITS, 64])
def test_wherever_they_crowd(bits: int) -> None:
    """Five thousand hashes that crowd in a part of the range, or lie beyond it, are found all the same."""
    chance = np.random.default_rng(bits)
    known = np.unique(chance.integers(0, 2**bits, 5_000, np.uint64, endpoint=bits < 64))
    rows = np.empty(len(known), np.int64)
    rows_of(known, known, rows)
    assert rows.tolist() == list(range(len(known)))
