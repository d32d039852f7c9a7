"""Arrays that grow a step at a time say what was written to them, and never copy all of it at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etappe.catalog import growing
from etappe.catalog.growing import LEAST_ROOM, Growing, with_room

ACTS = st.lists(st.tuples(st.booleans(), st.integers(0, 10**6), st.integers(-9, 9)), max_size=200)


@given(st.integers(0, 30), st.integers(0, 6), ACTS, st.integers(1, 8))
@settings(deadline=None)
def test_growing_is_a_list(count: int, room: int, acts: list[tuple[bool, int, int]], step: int) -> None:
    """After any additions and replacements, with any room to begin with, each row has what was written to it last."""
    expected = list(range(count))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(growing, "_STEP", step)
        patched.setattr(growing, "LEAST_ROOM", 4)
        rows = Growing(np.array(expected + [7] * room, np.int64), count)
        for adds, place, value in acts:
            if adds or not expected:
                assert rows.append(value) == len(expected)
                expected.append(value)
            else:
                rows.put(place % len(expected), value)
                expected[place % len(expected)] = value
            assert len(expected) == len(rows)
            assert expected == rows.values.tolist()


def test_no_addition_copies_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred thousand additions to an array of a hundred thousand rows: none copies more than some thousand rows."""
    copied: list[int] = []
    rows = Growing(with_room(np.arange(100_000)), 100_000)
    grow = rows._grow

    def counted() -> None:
        before = rows._copied if rows._next is not None else 0
        grow()
        copied.append(rows._copied - before)

    monkeypatch.setattr(rows, "_grow", counted)
    for number in range(100_000):
        rows.append(number)
    assert max(copied) <= 2 * growing._STEP
    assert rows.values.tolist() == [*range(100_000)] * 2


def test_room_takes_a_little() -> None:
    """The room behind an array is an eighth of it, and some hundred rows at least."""
    assert (len(with_room(np.zeros(0))), len(with_room(np.zeros(80_000)))) == (LEAST_ROOM, 90_000)


@pytest.mark.parametrize("count", [0, 7, 5000])
def test_room_never_runs_out(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """However small a step is, the larger array is full before the room of the first ends: nothing is copied at once."""
    monkeypatch.setattr(growing, "_STEP", 1)
    monkeypatch.setattr(growing, "LEAST_ROOM", 8)
    rows = Growing(with_room(np.arange(count)), count)
    monkeypatch.setattr(growing, "with_room", None)
    for number in range(3 * count + 100):
        rows.append(number)
    assert rows.values.tolist() == [*range(count), *range(3 * count + 100)]
