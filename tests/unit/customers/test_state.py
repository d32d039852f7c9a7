"""What customers say of themselves: traits and consent, and that denied consent closes the record."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etappe.customers import state as module
from etappe.customers.base import CONSENT_DENIED, CONSENT_GRANTED, pack
from etappe.customers.records import WIDTH, encode
from etappe.customers.state import State, denied, fold_state
from etappe.errors import DataError
from etappe.events.vocabulary import SetConsent, SetTraits, ViewItem
from etappe.ids import event_hash

HALF_LIFE = 60.0
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
Said = tuple[str, dict[str, Any], int]
"""set_traits or set_consent, the properties, and seconds since BEGIN."""


def _tail(said: Sequence[Said]) -> bytes:
    kinds = {"set_traits": SetTraits, "set_consent": SetConsent}
    return b"".join(
        encode(kinds[name](properties=values), f"{name}{values}{second}", BEGIN + timedelta(seconds=second))
        for name, values, second in said
    )


def _state(*tails: bytes) -> State:
    """The state after each tail but the last was folded into the base."""
    base = b""
    for tail in tails[:-1]:
        base = pack(fold_state(base, tail, HALF_LIFE).base)
    return fold_state(base, tails[-1], HALF_LIFE)


def _traits(**values: Any) -> dict[str, Any]:
    return values


A_THEN_B: list[Said] = [
    ("set_traits", {"country": "DE", "plan": "basic"}, 10),
    ("set_traits", {"plan": "gold", "age": 41}, 20),
]


@pytest.mark.parametrize("order", list(permutations([0, 1])))
@pytest.mark.parametrize("folded", [False, True])
def test_last_said_wins(order: tuple[int, int], folded: bool) -> None:
    """Of a trait the value said last counts, whichever arrived first, and whether the other was folded already."""
    parts = [_tail([A_THEN_B[place]]) for place in order]
    state = _state(*parts) if folded else _state(b"".join(parts))
    assert _traits(country="DE", plan="gold", age=41) == state.traits()


def test_within_a_second_the_later_arrival_wins() -> None:
    """Of two values of one second the one that arrived later counts, folded already or not: read your writes."""
    one, other = _tail([("set_traits", {"plan": "a"}, 5)]), _tail([("set_traits", {"plan": "b"}, 5)])
    assert [_state(one + other).traits(), _state(one, other).traits()] == [{"plan": "b"}, {"plan": "b"}]
    assert [_state(other + one).traits(), _state(other, one).traits()] == [{"plan": "a"}, {"plan": "a"}]


NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.integers() | st.text(max_size=70) | st.none() | st.lists(st.booleans(), max_size=2)
TRAITS = st.lists(st.dictionaries(NAMES, VALUES, min_size=1, max_size=3), max_size=8)


@given(TRAITS, st.integers(0, 8), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_traits_equal_a_dict(given_traits: list[dict[str, Any]], cut: int, rng: Any) -> None:
    """Said at different times, in any order of arrival, split anywhere: traits are the dict of what was said in turn."""
    said: list[Said] = [("set_traits", values, second) for second, values in enumerate(given_traits)]
    expected: dict[str, Any] = {}
    for values in given_traits:
        expected |= values
    rng.shuffle(said)
    assert expected == _state(_tail(said[:cut]), _tail(said[cut:])).traits()


def test_blocks_are_no_events() -> None:
    """A tail's blocks are skipped: events before, between and behind them count, and nothing else does."""
    views = [encode(ViewItem(item_id=name), name, BEGIN + timedelta(seconds=99)) for name in "abc"]
    said = _tail([("set_traits", {"text": "x" * 300}, 1)]), _tail([("set_consent", {"email": False}, 2)])
    state = _state(views[0] + said[0] + views[1] + said[1] + views[2])
    assert (len(state.recent), len(state.items), int(state.base.totals["views"][0])) == (3, 3, 3)
    assert {event_hash(name) for name in "abc"} == set(state.recent["event"].tolist())
    assert state.traits() == {"text": "x" * 300}


def test_blocks_may_look_like_anything() -> None:
    """Blocks whose bytes look like records of any code are still blocks."""
    for filler in ("!", '"', "\x01", "é"):
        values = {"a": filler * 90}
        assert {"a": filler * 90} == _state(_tail([("set_traits", values, 0)]) + _tail([])).traits()


CONSENTS: list[Said] = [
    ("set_consent", {"personalisation": True}, 10),
    ("set_consent", {"personalisation": False}, 20),
    ("set_consent", {"email": True}, 30),
]


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("folded", range(4))
def test_last_word_on_personalisation_counts(order: tuple[int, ...], folded: int) -> None:
    """Consent is what was said last of personalisation: neither order, folding nor another purpose changes that."""
    tails = [_tail([CONSENTS[place]]) for place in order]
    state = _state(b"".join(tails[:folded]), b"".join(tails[folded:]))
    assert state.consent == "denied"
    assert state.traits() == {}
    assert BEGIN + timedelta(seconds=20) == state.base.consent_time()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"personalisation": True}, "granted"),
        ({"personalization": True}, "granted"),
        ({"personalization": False}, "denied"),
        ({"personalisation": True, "personalization": False}, "denied"),
        ({"personalisation": False, "personalization": True}, "denied"),
        ({"email": True}, "unknown"),
    ],
)
def test_purposes(values: dict[str, bool], expected: str) -> None:
    """Both spellings of personalisation count, a denial in one of them too; other purposes say nothing of it."""
    assert expected == _state(_tail([("set_consent", values, 0)])).consent


def test_spellings_are_one_purpose() -> None:
    """A denial in one spelling is taken back by a later grant in the other."""
    said: list[Said] = [("set_consent", {"personalisation": False}, 1), ("set_consent", {"personalization": True}, 2)]
    assert _state(_tail(said)).consent == "granted"


@pytest.mark.parametrize(("granted", "flag"), [(True, CONSENT_GRANTED), (False, CONSENT_DENIED)])
def test_flags_are_in_the_base(granted: bool, flag: int) -> None:
    """Folding puts the last word on personalisation into the flags of the base."""
    tail = _tail([("set_consent", {"personalisation": granted}, 0)])
    assert flag == pack(fold_state(b"", tail, HALF_LIFE).base)[1]


@pytest.mark.parametrize(("folded", "later"), list(product([None, True, False], repeat=2)))
def test_denied_equals_the_state(folded: bool | None, later: bool | None) -> None:
    """Whether personalisation is off limits is what the whole state would say, for unknown consent as configured."""
    said = [
        [("set_consent", {"personalisation": value}, place)] if value is not None else []
        for place, value in enumerate((folded, later))
    ]
    base, tail = pack(fold_state(b"", _tail(said[0]), HALF_LIFE).base), _tail(said[1])
    consent = fold_state(base, tail, HALF_LIFE).consent
    assert (consent == "denied") is denied(base, tail, unknown_denies=False)
    assert (consent != "granted") is denied(base, tail, unknown_denies=True)


def test_nothing_behind_denied_consent_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """With denied consent in its flags a base is not decoded: what lies behind them may be anything."""
    base = bytes([1, CONSENT_DENIED]) + b"\xff" * 99

    def decoded(_packed: bytes) -> None:
        pytest.fail("a base behind denied consent was decoded")

    monkeypatch.setattr(module, "unpack", decoded)
    assert denied(base, encode(ViewItem(item_id="i"), "e", BEGIN), unknown_denies=False)
    assert denied(b"", b"", unknown_denies=True)
    assert not denied(b"", b"", unknown_denies=False)


def test_damaged_tail_is_refused() -> None:
    """A tail that ends within blocks is refused as damaged, whoever reads it."""
    tail = _tail([("set_consent", {"x" * 64: True}, 0)])
    for read in (
        lambda: fold_state(b"", tail[:-WIDTH], HALF_LIFE),
        lambda: denied(b"", tail[:-WIDTH], unknown_denies=False),
    ):
        with pytest.raises(DataError, match="damaged"):
            read()
