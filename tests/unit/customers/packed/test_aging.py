"""What leaves a base with time, and that it makes no difference when it is taken out."""

import random
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.customers.histories import BEGIN_SECONDS, SECOND, folded, happened, many

from etappe.customers.packed.aging import CLAIM_DAYS, aged
from etappe.customers.packed.base import EMPTY, pack, unpack
from etappe.customers.records import CLAIM
from etappe.settings import Showing

DAY = 86_400
MINUTE = 60


def _claimed() -> Any:
    base = folded(EMPTY, [happened("view_item", "a", 0)])
    recent = base.recent.copy()
    recent["code"], recent["order"] = CLAIM, 5
    return msgspec.structs.replace(base, recent=recent)


@pytest.mark.parametrize(("minutes", "left"), [(0, 3), (30, 3), (31, 2), (32, 1), (33, 0)])
def test_a_session_leaves_event_by_event(minutes: int, left: int) -> None:
    """An event of the session stays as long as the settings let a session last, and no longer."""
    base = folded(EMPTY, many("view_item", 3, apart=MINUTE))
    assert len(aged(base, BEGIN_SECONDS + minutes * MINUTE).recent) == left
    if minutes == 30:
        assert len(aged(base, BEGIN_SECONDS + 30 * MINUTE + 1).recent) == left - 1
    longer = Showing(session_minutes=60)
    assert len(aged(base, BEGIN_SECONDS + minutes * MINUTE, longer).recent) == 3


def test_claims_stay_for_a_year() -> None:
    """A claim holds its item back for a year, or as long as the shop's floor."""
    base, end = _claimed(), BEGIN_SECONDS + CLAIM_DAYS * DAY
    assert [len(aged(base, now).recent) for now in (end, end + 1)] == [1, 0]
    assert len(aged(base, end + 1, Showing(floor_days=CLAIM_DAYS + 1)).recent) == 1


def test_nothing_due_is_the_same_base() -> None:
    """Where nothing is due the very same base comes back, by which a sweep tells that it has nothing to write."""
    base = folded(EMPTY, many("view_item", 3))
    assert aged(base, BEGIN_SECONDS) is base
    assert aged(EMPTY, BEGIN_SECONDS) is EMPTY


def test_whoever_stays_away_has_neither_session_nor_ring() -> None:
    """After nine days of nothing a base is its totals and items, and nothing else."""
    base = aged(folded(EMPTY, many("purchase", 10)), BEGIN_SECONDS + 9 * DAY)
    assert (len(base.recent), len(base.arrived), len(base.items)) == (0, 0, 10)
    assert pack(unpack(pack(base))) == pack(base)
    assert len(pack(base)) < 24 + 30 + 10 * 21


@given(st.integers(1, 60), st.lists(st.integers(0, 60), max_size=3), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_when_it_is_taken_out_makes_no_difference(total: int, cuts: list[int], rng: random.Random) -> None:
    """Folded in any order and aged between the folds, a base is the one that is folded whole and aged once."""
    history = many("view_item", total, apart=11 * MINUTE)
    arrived, end = rng.sample(history, total), BEGIN_SECONDS + 60 * 11 * MINUTE
    base, edges = EMPTY, [0, *sorted(min(cut, total) for cut in cuts), total]
    for start, stop in pairwise(edges):
        base = aged(folded(base, arrived[start:stop]), end)
    whole = aged(folded(EMPTY, history), end)
    assert [one.at // SECOND for one in history if one.at // SECOND >= end - BEGIN_SECONDS - 30 * MINUTE] == [
        int(time) // SECOND - BEGIN_SECONDS for time in base.recent["time"]
    ]
    assert base.recent.tolist() == whole.recent.tolist()
    assert base.items["item"].tolist() == whole.items["item"].tolist()
