"""Who has the last word: a withdrawal wins wherever clocks leave it open, and who grants again is granted."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.customers.words import MINUTE, SKEW, Heard, histories, last_word

from etappe.customers.stated.traits import Trait
from etappe.customers.stated.withdrawal import Word, denial, grant, word_of

NOON = 1_767_268_800_000_000


def _after(heard: Sequence[Heard], purpose: str = "personalisation") -> Word | None:
    """The last word on `purpose` where each is judged by those before, and then the later time wins."""
    known: dict[str, Word] = {}
    for one in heard:
        said = min(one.said, one.arrived)
        last = [known[name] for name in one.purposes if name in known]
        word = grant(said, last) if one.granted else denial(said, one.arrived, SKEW, last)
        for name in one.purposes:
            if name not in known or known[name].counts <= word.counts:
                known[name] = word
    return known.get(purpose)


def _heard(*words: tuple[bool, float, float]) -> list[Heard]:
    """Words by verdict, and minutes after noon of being said and of arriving."""
    return [Heard(granted, NOON + round(said * MINUTE), NOON + round(at * MINUTE)) for granted, said, at in words]


@pytest.mark.parametrize(
    ("words", "granted"),
    [
        ([(True, 0, 0), (False, -5, 1)], False),  # a denial by a clock that is five minutes slow
        ([(True, 0, 0), (False, -11, 1)], True),  # a denial of long ago that arrives late
        ([(False, 0, 0), (True, 1, 1)], True),  # somebody changes their mind
        ([(True, 0, 0), (False, -5, 1), (True, -4, 2)], True),  # and does so by a slow clock
        ([(False, 0, 0), (True, -3, 1)], False),  # a grant that waited in a queue while it was withdrawn
        ([(True, 5, 0), (False, 1, 1)], False),  # a grant by a clock that is five minutes fast
        ([(False, -60, 0), (True, -59, 0.1), (False, -58, 0.2)], False),  # an hour offline, then sent in order
        ([(False, -60, 0), (True, -59, 0.1)], True),
        ([(False, 0, 0), (False, -5, 1), (True, -4, 2)], False),  # another clock has denied later than that
        ([(False, 0, 0), (True, 0, 0.01), (False, 0, 0.02)], False),  # three words of one second
        ([(False, 0, 0), (True, 0, 0.01)], True),
        ([(False, -60, 0), (True, -60, 0.01), (False, -60, 0.02)], False),  # three of one second, an hour offline
        ([(True, 0, 0), (False, -0.01, -0.01)], False),  # two serving processes whose clocks are apart
    ],
)
def test_who_has_the_last_word(words: list[tuple[bool, float, float]], granted: bool) -> None:
    """What clocks and delays make of two or three words, case by case."""
    heard = _heard(*words)
    found = _after(heard)
    assert found is not None
    assert found.granted is granted is last_word(heard)


@given(histories(NOON))
@settings(max_examples=500, deadline=None)
def test_later_time_wins_as_the_rule_says(heard: list[Heard]) -> None:
    """Where each word counts from the time it is given, the later time is the last word by the rule of arrivals."""
    found = _after(heard)
    assert (found and found.granted) == last_word(heard)


@given(histories(NOON, several=True), st.sampled_from(["personalisation", "email"]))
@settings(max_examples=500, deadline=None)
def test_words_on_several_purposes_never_grant_more(heard: list[Heard], purpose: str) -> None:
    """What one event says of several purposes has one time: it may deny more, and grants nothing that was withdrawn."""
    found = _after(heard, purpose)
    if found is not None and found.granted:
        assert last_word(heard, purpose)


@given(histories(NOON), st.integers(0, 30 * MINUTE))
@settings(max_examples=300, deadline=None)
def test_who_withdraws_last_is_not_granted(heard: list[Heard], late: int) -> None:
    """A denial that arrives last wins over all grants that are not later than it by more than clocks may be wrong."""
    arrived = max((one.arrived for one in heard), default=NOON) + MINUTE
    last = Heard(False, arrived - late, arrived)
    explained = all(min(one.said, one.arrived) <= last.said + SKEW for one in heard if one.granted)
    found = _after([*heard, last])
    assert found is not None
    assert not (found.granted and explained)


@given(histories(NOON), st.integers(0, 30 * MINUTE))
@settings(max_examples=300, deadline=None)
def test_who_grants_again_is_granted(heard: list[Heard], late: int) -> None:
    """A grant that arrives last and was said no earlier than any denial is the last word."""
    arrived = max((one.arrived for one in heard), default=NOON) + MINUTE
    last = Heard(True, arrived - late, arrived)
    after_all = all(min(one.said, one.arrived) <= last.said for one in heard if not one.granted)
    found = _after([*heard, last])
    assert found is not None
    assert found.granted or not after_all


@given(histories(NOON), histories(NOON))
@settings(max_examples=300, deadline=None)
def test_words_that_do_not_know_of_each_other(here: list[Heard], there: list[Heard]) -> None:
    """Where two records are joined, a grant outlasts no denial that is within what clocks may be wrong, and later here."""
    words = [word for word in (_after(here), _after(there)) if word]
    last = max(words, key=lambda word: (word.counts, not word.granted), default=None)
    denials = [word for word in words if not word.granted]
    if last and last.granted and denials:
        assert all(word.counts < last.counts and word.said < last.counts for word in denials)


def test_kept_word() -> None:
    """A word in a record says from when it counts, and when it was said where that is another time."""
    assert word_of(Trait({"granted": True, "said": 5}, 9)) == Word(True, 9, 5)
    assert word_of(Trait({"granted": False}, 9)) == Word(False, 9, 9)
    assert word_of(Trait("damaged", 9)) == Word(False, 9, 9)
