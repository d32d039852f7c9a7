"""Functions of time that stay the same between steps, against a naive look-up."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from etappe.simulation.steps import Steps, merged, spells

DAYS = st.integers(-40, 400).map(lambda eighth: eighth / 8)
"""Exact in binary, and often equal."""


@given(
    steps=st.lists(st.lists(DAYS, min_size=1, max_size=6, unique=True), min_size=1, max_size=5),
    asked=st.lists(DAYS, min_size=1, max_size=10),
)
def test_a_value_holds_until_the_next_step(steps: list[list[float]], asked: list[float]) -> None:
    """At any time an owner's value is that of its last step so far; before the first one it is the first one's."""
    rows = [(owner, day) for owner, days in enumerate(steps) for day in days]
    owner, day = (np.array(column) for column in zip(*rows, strict=True))
    found = Steps(owner, day.astype(np.float64), np.arange(len(rows)))
    for who in range(len(steps)):
        by_day = sorted((when, place) for place, (whose, when) in enumerate(rows) if whose == who)
        expected = [max([one for one in by_day if one[0] <= when], default=by_day[0])[1] for when in asked]
        assert found.at(np.full(len(asked), who), np.array(asked)).tolist() == expected


def test_spells_have_their_value_inside_only() -> None:
    """Inside [start, end) the value of the spell holds, else the other one; an infinite end never comes."""
    steps = spells(2, np.array([0, 1]), np.array([2.0, 5.0]), np.array([4.0, np.inf]), np.array([7.0, 9.0]), 1.0)
    days = np.array([0.0, 2.0, 3.9, 4.0, 5.0, 1e6])
    assert steps.at(np.zeros(6, np.int64), days).tolist() == [1, 7, 7, 1, 1, 1]
    assert steps.at(np.ones(6, np.int64), days).tolist() == [1, 1, 1, 1, 9, 9]


def test_merged_steps_are_all_steps_once() -> None:
    """Each owner's days of either function, equal ones once, in order."""
    one = Steps(np.array([0, 0, 1]), np.array([0.0, 2.0, 0.0]), np.array([1, 2, 3]))
    other = Steps(np.array([0, 1]), np.array([2.0, 1.0]), np.array([1, 2]))
    owner, day = merged(2, one, other)
    assert list(zip(owner.tolist(), day.tolist(), strict=True)) == [(0, 0.0), (0, 2.0), (1, 0.0), (1, 1.0)]
