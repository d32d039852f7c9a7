"""Consent by purpose: the last word counts, and denied consent closes the record."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.customers.sayings import BEGIN, HALF_LIFE, Spoken, base_of, consent, state_of, tail_of, traits

from etappe.customers import state as module
from etappe.customers.packed.base import EMPTY, pack
from etappe.customers.records import encode
from etappe.customers.state import Whole, denied, fold_state
from etappe.customers.stated.consent import CHANNEL_FLAGS, DENIED, DENIED_FLAGS, GRANTED, PURPOSES, Consented, flags_of
from etappe.events.vocabulary import CHANNELS, ViewItem

CONSENTS = [consent(10, personalisation=True), consent(20, personalisation=False), consent(30, email=True)]


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("folded", range(4))
def test_last_word_on_personalisation_counts(order: tuple[int, ...], folded: int) -> None:
    """Consent is what was said last of personalisation: neither order, folding nor another purpose changes that."""
    tails = [tail_of([CONSENTS[place]]) for place in order]
    state = state_of(b"".join(tails[:folded]), b"".join(tails[folded:]))
    assert (state.consent, state.traits()) == ("denied", {})
    assert CONSENTS[1].time == state.base.consent_time()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"personalisation": True}, "granted"),
        ({"personalization": True}, "granted"),
        ({"personalization": False}, "denied"),
        ({"personalisation": True, "personalization": False}, "denied"),
        ({"personalisation": False, "personalization": True}, "denied"),
        ({"personalisation": "yes"}, "denied"),
        ({"personalisation": 1}, "denied"),
        ({"email": True}, "unknown"),
    ],
)
def test_purposes(values: dict[str, Any], expected: str) -> None:
    """Both spellings of personalisation count, anything but true is a denial; other purposes say nothing of it."""
    tail = tail_of([consent(0, **values)])
    assert expected == state_of(tail).consent == state_of(tail, b"").consent
    assert denied(b"", tail, unknown_denies=False) is (expected == "denied")


def test_spellings_are_one_purpose() -> None:
    """A denial in one spelling is taken back by a later grant in the other."""
    said = [consent(1, personalisation=False), consent(2, personalization=True)]
    assert state_of(tail_of(said)).consent == "granted"


def test_where_and_under_which_text() -> None:
    """Of each purpose there is the last word, when it was said, where, and under which text; those are no purposes."""
    said = [
        consent(1, email=True, enrichment=True, source="checkout", text_version="2026-01"),
        consent(2.5, email=False),
    ]
    expected = {
        "email": Consented(granted=False, time=said[1].time),
        "enrichment": Consented(granted=True, time=said[0].time, source="checkout", text_version="2026-01"),
    }
    assert expected == state_of(tail_of(said)).consents() == state_of(tail_of(said), b"").consents()


@pytest.mark.parametrize("purpose", DENIED_FLAGS)
def test_flags_are_in_the_base(purpose: str) -> None:
    """A denial of a purpose is one flag of the base, which a later grant takes away."""
    flag = base_of(tail_of([consent(0, **{purpose: False})]))[1]
    assert flag == DENIED_FLAGS[purpose]
    granted = GRANTED if purpose == "personalisation" else 0
    assert base_of(tail_of([consent(0, **{purpose: False}), consent(1, **{purpose: True})]))[1] == granted


def test_flags_do_not_meet() -> None:
    """Each flag is a bit of its own, and a channel's is that of the purpose of its name."""
    flags = [GRANTED, *DENIED_FLAGS.values()]
    assert sum(flags) == 255
    assert {CHANNEL_FLAGS[one] for one in CHANNELS if one in CHANNEL_FLAGS} == {4, 8, 16, 32, 64}


def test_flags_outlast_their_words() -> None:
    """Where a purpose's word is not known any more its flag stays, until there is a new word."""
    assert flags_of({"email": True}, DENIED | 4) == DENIED
    assert flags_of({"personalisation": True}, DENIED | 4) == GRANTED | 4


WORDS = st.builds(
    Spoken,
    st.sampled_from(["set_consent", "set_consent", "set_traits"]),
    st.dictionaries(
        st.sampled_from([*PURPOSES, "personalization", "source", "else"]), st.booleans(), min_size=1, max_size=3
    ),
    st.integers(0, 3),
)


@given(
    st.lists(WORDS, max_size=5),
    st.lists(st.lists(WORDS, max_size=3), max_size=2),
    st.lists(WORDS, max_size=5),
    st.sampled_from([None, *CHANNELS]),
    st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_denied_equals_the_state(
    folded: list[Spoken], apart: list[list[Spoken]], waiting: list[Spoken], channel: str | None, unknown_denies: bool
) -> None:
    """What is off limits, told by flags and fixed fields, is what the whole state says, at one moment too."""
    base, tail, others = base_of(tail_of(folded)), tail_of(waiting), [base_of(tail_of(one)) for one in apart]
    state = fold_state(base, tail, HALF_LIFE, others)
    expected = state.consent == "denied" or (unknown_denies and state.consent != "granted")
    if channel in CHANNEL_FLAGS:
        expected |= channel in state.consents() and not state.consents()[channel].granted
    assert expected is denied(base, tail, unknown_denies, channel, others)
    assert _flags(state) == state.base.consent


def _flags(state: Whole) -> int:
    words = {purpose: said.granted for purpose, said in state.consents().items()}
    return flags_of(words, 0)


def _fails(*_: Any) -> None:
    pytest.fail("something behind the flags was decoded")


def test_nothing_behind_denied_consent_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """With denied consent in its flags a base is not decoded: what lies behind them may be anything."""
    base = bytes([2, DENIED]) + b"\xff" * 99
    monkeypatch.setattr(module, "unpack", _fails)
    assert denied(base, encode(ViewItem(item_id="i"), "e", BEGIN), unknown_denies=False)
    assert denied(b"", b"", unknown_denies=True)
    assert not denied(b"", b"", unknown_denies=False)


@pytest.mark.parametrize("said", [{"personalisation": True}, {"personalisation": False}, {"email": False}])
def test_a_word_in_the_tail_is_told_by_fixed_fields(monkeypatch: pytest.MonkeyPatch, said: dict[str, bool]) -> None:
    """Neither base nor blocks are decoded to tell consent, unless a word waits and the channel has consent of its own."""
    base = base_of(tail_of([consent(5, personalisation=True, sms=False), traits(1, a="x" * 99)]))
    tail = tail_of([traits(6, b="!" * 99), consent(7, **said)])
    monkeypatch.setattr(module, "unpack", _fails)
    monkeypatch.setattr(module, "blocks_of", _fails)
    expected = said.get("personalisation") is False
    assert expected is denied(base, tail, unknown_denies=True)
    assert expected is denied(base, tail, unknown_denies=True, channel="web")
    assert denied(base, tail_of([traits(6, b=1)]), unknown_denies=True, channel="sms")
    assert not denied(base, tail_of([traits(6, b=1)]), unknown_denies=True, channel="email")


def test_empty_base_says_nothing() -> None:
    """Of a customer who never said anything consent is unknown, packed or not."""
    assert denied(pack(EMPTY), b"", unknown_denies=True, channel="email")
    assert not denied(pack(EMPTY), b"", unknown_denies=False, channel="email")
