"""How many traits a record remembers, whatever is said."""

from hypothesis import given
from hypothesis import strategies as st

from etappe.customers.stated import consent, traits
from etappe.customers.stated.traits import MAX_TRAITS, SET_CONSENT, Said, Trait
from etappe.events.vocabulary import CODES

TRAITS = CODES["set_traits"]
TOO_MANY = MAX_TRAITS + 40
names = st.integers(0, TOO_MANY).map(lambda number: f"t{number}")
said = st.lists(st.tuples(names, st.integers(0, 50)), max_size=60)


def _told(name: str, time: int) -> Said:
    return Said(TRAITS, time, {name: f"{name} at {time}"})


def _full() -> dict[str, Trait]:
    return traits.after({}, [_told(f"t{number}", 20 + number % 7) for number in range(MAX_TRAITS)])


def test_the_last_said_stay() -> None:
    """Of more names than a record remembers those said first are left out."""
    known = traits.after({}, [_told(f"t{number}", number) for number in range(TOO_MANY)])
    assert set(known) == {f"t{number}" for number in range(TOO_MANY - MAX_TRAITS, TOO_MANY)}


def test_known_purposes_stay() -> None:
    """A refusal stays, however many traits are said after it."""
    refused = traits.after({}, [Said(SET_CONSENT, 1, {"personalisation": False})])
    known = traits.after(refused, [_told(f"t{number}", 2) for number in range(TOO_MANY)])
    assert len(known) == MAX_TRAITS + 1
    assert not consent.is_granted(known[consent.PREFIX + consent.PERSONALISATION].value)


@given(words=said, cut=st.integers(0, 60), order=st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(words: list[tuple[str, int]], cut: int, order: object) -> None:
    """Said in any order, in one run or two, with the bound reached: the same traits are known."""
    told = [_told(name, time) for name, time in words]
    mixed = list(told)
    order.shuffle(mixed)  # type: ignore[attr-defined]
    whole = traits.after(_full(), told)
    assert traits.after(traits.after(_full(), mixed[:cut]), mixed[cut:]) == whole


@given(words=said, cut=st.integers(0, 60))
def test_joined_parts_are_bounded_alike(words: list[tuple[str, int]], cut: int) -> None:
    """Two records joined know what one record of all that was said knows."""
    told = [_told(name, time) for name, time in words]
    parts = [traits.after(_full(), told[:cut]), traits.after({}, told[cut:])]
    assert traits.joined(parts) == traits.after(_full(), told)
