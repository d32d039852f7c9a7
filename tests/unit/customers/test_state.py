"""What customers say of themselves: traits, however they arrive, and blocks that are no events."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.customers.sayings import BEGIN, HALF_LIFE, Spoken, consent, state_of, tail_of, traits

from etappe.customers.records import WIDTH, encode
from etappe.customers.state import denied, fold_state
from etappe.errors import DataError
from etappe.events.vocabulary import ViewItem
from etappe.ids import event_hash

A_THEN_B = [traits(10, country="DE", plan="basic"), traits(20, plan="gold", age=41)]


@pytest.mark.parametrize("order", list(permutations([0, 1])))
@pytest.mark.parametrize("folded", [False, True])
def test_last_said_wins(order: tuple[int, int], folded: bool) -> None:
    """Of a trait the value said last counts, whichever arrived first, and whether the other was folded already."""
    parts = [tail_of([A_THEN_B[place]]) for place in order]
    state = state_of(*parts) if folded else state_of(b"".join(parts))
    assert state.traits() == {"country": "DE", "plan": "gold", "age": 41}


@pytest.mark.parametrize("later", [0.000_001, 0.5, 1])
def test_a_microsecond_later_is_later(later: float) -> None:
    """Of two values of one second the later one counts, in whatever order they arrive."""
    one, other = tail_of([traits(5, plan="a")]), tail_of([traits(5 + later, plan="b")])
    for parts in ([one + other], [other + one], [one, other], [other, one]):
        assert state_of(*parts).traits() == {"plan": "b"}


def test_at_one_moment_the_later_arrival_wins() -> None:
    """Of two values of one microsecond the one that arrived later counts, folded already or not: read your writes."""
    one, other = tail_of([traits(5, plan="a")]), tail_of([traits(5, plan="b")])
    assert [state_of(one + other).traits(), state_of(one, other).traits()] == [{"plan": "b"}, {"plan": "b"}]
    assert [state_of(other + one).traits(), state_of(other, one).traits()] == [{"plan": "a"}, {"plan": "a"}]


NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.integers() | st.text(max_size=70) | st.none() | st.lists(st.booleans(), max_size=2)
TRAITS = st.lists(st.dictionaries(NAMES, VALUES, min_size=1, max_size=3), max_size=8)


@given(TRAITS, st.integers(0, 8), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_traits_equal_a_dict(given_traits: list[dict[str, Any]], cut: int, rng: Any) -> None:
    """Said at different times, in any order of arrival, split anywhere: traits are the dict of what was said in turn."""
    said = [Spoken("set_traits", values, second * 0.001) for second, values in enumerate(given_traits)]
    expected: dict[str, Any] = {}
    for values in given_traits:
        expected |= values
    rng.shuffle(said)
    assert expected == state_of(tail_of(said[:cut]), tail_of(said[cut:])).traits()


def test_identify_tells_traits() -> None:
    """What `identify` says besides identities are traits like those of `set_traits`; identities are none."""
    said = Spoken("identify", {"plan": "gold", "identities": {"loyalty_card": "4711"}}, 2)
    assert state_of(tail_of([said, traits(1, plan="basic", age=41)])).traits() == {"plan": "gold", "age": 41}


@pytest.mark.parametrize("name", ["set_traits", "identify"])
def test_traits_are_no_consent(name: str) -> None:
    """Traits under the reserved names of consent, however they got in, grant nothing."""
    forged = Spoken(name, {"$consent:personalisation": {"granted": True}, "a": 1}, 9)
    state = state_of(tail_of([consent(1, personalisation=False), forged]))
    assert (state.consent, state.traits()) == ("denied", {"a": 1})


def test_blocks_are_no_events() -> None:
    """A tail's blocks are skipped: events before, between and behind them count, and nothing else does."""
    views = [encode(ViewItem(item_id=name), name, BEGIN) for name in "abc"]
    said = tail_of([traits(1, text="x" * 300)]), tail_of([consent(2, email=False)])
    state = state_of(views[0] + said[0] + views[1] + said[1] + views[2])
    assert (len(state.recent), len(state.items), int(state.base.totals["views"][0])) == (3, 3, 3)
    assert {event_hash(name) for name in "abc"} == set(state.recent["event"].tolist())
    assert state.traits() == {"text": "x" * 300}


@pytest.mark.parametrize("filler", ["!", '"', "\x01", "é", "#", "$"])
def test_blocks_may_look_like_anything(filler: str) -> None:
    """Blocks whose bytes look like records of any code are still blocks."""
    tail = tail_of([traits(0, a=filler * 90)])
    assert {"a": filler * 90} == state_of(tail).traits()
    assert not denied(b"", tail, unknown_denies=False)


def test_damaged_tail_is_refused() -> None:
    """A tail that ends within blocks is refused as damaged, whoever reads it."""
    tail = tail_of([Spoken("set_consent", {"x" * 64: True}, 0)])
    for read in (
        lambda: fold_state(b"", tail[:-WIDTH], HALF_LIFE),
        lambda: denied(b"", tail[:-WIDTH], unknown_denies=False),
    ):
        with pytest.raises(DataError, match="damaged"):
            read()
