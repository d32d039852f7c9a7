"""One base of several folded apart: what was merged is the same as if it had been folded together."""

import random

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.customers import sayings
from tests.unit.customers.histories import (
    HALF_LIFE,
    HISTORIES,
    Happened,
    folded,
    happened,
    many,
    naive,
    recent_of,
    same,
    shown,
    tail_of,
)

from etappe.customers.folding.claims import RECENT
from etappe.customers.folding.fold import MAX_SEEN
from etappe.customers.folding.kernels import RECENT_ORDERS
from etappe.customers.folding.ring import ARRIVED
from etappe.customers.packed.base import EMPTY, RING, Base, joined, pack, unpack
from etappe.customers.records import ITEM
from etappe.customers.state import fold_state
from etappe.customers.stated import traits
from etappe.customers.stated.consent import DENIED, GRANTED, PREFIX
from etappe.customers.stated.traits import Trait
from etappe.ids import event_hash, order_hash


def _apart(history: list[Happened], parts: int, rng: random.Random) -> list[list[Happened]]:
    found: list[list[Happened]] = [[] for _ in range(parts)]
    for one in rng.sample(history, len(history)):
        rng.choice(found).append(one)
    return found


@given(HISTORIES, st.integers(1, 4), st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_joined_equals_folded_together(history: list[Happened], parts: int, rng: random.Random) -> None:
    """Events folded apart into any number of bases are, joined, what they are folded in one run."""
    bases = [folded(EMPTY, part) for part in _apart(history, parts, rng)]
    found, whole = unpack(pack(joined(bases))), folded(EMPTY, history)
    same(naive(history), shown(found))
    for stamp in ("item", "carted", "wished", "rated"):
        assert found.items[stamp].tolist() == whole.items[stamp].tolist()
    assert recent_of(history, RECENT) == found.recent["event"].tolist()
    assert {event_hash(one.event_id) for one in history} == set(found.ring.tolist())
    assert set(found.totals["recent_orders"][0].tolist()) == set(whole.totals["recent_orders"][0].tolist())
    assert not found.flags


@given(HISTORIES, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_a_state_joins_before_it_folds(history: list[Happened], rng: random.Random) -> None:
    """A state of several bases and a tail is that of all their events, and its digest tells of each of them."""
    first, second, third, last = _apart(history, 4, rng)
    packed = [pack(folded(EMPTY, part)) for part in (first, second, third)]
    state = fold_state(packed[0], tail_of(last), HALF_LIFE, packed[1:])
    same(naive(history), shown(state.base))
    assert state.digest != fold_state(packed[0], tail_of(last), HALF_LIFE, packed[2:]).digest


def test_joining_goes_on() -> None:
    """A joined base can be folded and joined again; its generation is that of the first."""
    bases = [folded(EMPTY, [happened("view_item", "a", number)] * 1) for number in range(3)]
    first = msgspec.structs.replace(bases[0], generation=7)
    base = joined([joined([first, bases[1]]), bases[2]])
    assert (base.generation, base.totals["views"][0], base.items["views"][0]) == (7, 3, 3)
    assert folded(base, [happened("view_item", "a", 9)]).items["views"].tolist() == [4]


def test_joining_none_and_one() -> None:
    """No base joined is the empty one, and one is itself."""
    base = folded(EMPTY, many("purchase", 3))
    assert joined([]) is EMPTY
    assert joined([base]) is base
    assert pack(joined([base, EMPTY])) == pack(base)
    assert pack(joined([EMPTY, msgspec.structs.replace(base, generation=0)])) == pack(
        msgspec.structs.replace(base, generation=0)
    )


def test_orders_of_several_count_once() -> None:
    """An order with lines in two bases is one; the newest orders of both stay, and all are counted."""
    orders = [[happened("purchase", "a", second, order=f"{side}{second}") for second in range(12)] for side in "xy"]
    shared = happened("purchase", "a", 99, order="shared"), happened("purchase", "b", 99, order="shared")
    base = joined([folded(EMPTY, [*run, line]) for run, line in zip(orders, shared, strict=True)])
    recent = base.totals["recent_orders"][0].tolist()
    assert base.totals["orders"][0] == 25
    assert len(set(recent)) == RECENT_ORDERS
    assert order_hash("shared") in recent
    assert {order_hash(f"{side}11") for side in "xy"} <= set(recent)


def test_ring_has_the_newest_of_all() -> None:
    """Of two full rings the newer half of each stays."""
    rings = [np.zeros(RING, ARRIVED) for _ in range(2)]
    for ring, start in zip(rings, (0, 10_000), strict=True):
        ring["event"] = np.arange(start, start + RING)
    base = joined([msgspec.structs.replace(EMPTY, arrived=ring) for ring in rings])
    assert {*range(RING // 2, RING), *range(10_000 + RING // 2, 10_000 + RING)} == set(base.ring.tolist())


def test_counts_stop_at_their_width() -> None:
    """Views of an item that together exceed 255, and purchases beyond 65,535, stay at that."""
    items = np.zeros(1, ITEM)
    items["item"], items["views"], items["purchases"] = 5, 200, 65_535
    found = joined([msgspec.structs.replace(EMPTY, items=items)] * 2).items
    assert (found["views"].tolist(), found["purchases"].tolist()) == ([255], [65_535])


@pytest.mark.parametrize(
    ("seen", "ordered", "other", "dirty"),
    [
        (MAX_SEEN, RECENT_ORDERS, 3, False),
        (MAX_SEEN + 1, 0, 3, True),
        (0, RECENT_ORDERS + 1, 3, True),
        (MAX_SEEN + 1, RECENT_ORDERS + 1, 0, False),
    ],
)
def test_joined_beyond_the_bounds_is_dirty(seen: int, ordered: int, other: int, dirty: bool) -> None:
    """Joined with events of another, a base that forgot items or orders is DIRTY; one that has all it had is not."""
    bought = [happened("purchase", "a", second, order=f"o{second}") for second in range(ordered)]
    base = folded(EMPTY, [*many("view_item", seen), *bought])
    assert dirty is joined([base, folded(EMPTY, many("view_item", other, start=900))]).dirty


def _said(time: int, granted: bool) -> dict[str, Trait]:
    return {PREFIX + "personalisation": Trait({"granted": granted, "source": None, "text": None}, time)}


def _base(time: int, granted: bool) -> Base:
    known = _said(time, granted)
    return msgspec.structs.replace(EMPTY, traits=known, consent=traits.flags(known, 0))


def test_later_consent_wins_and_at_one_moment_a_denial() -> None:
    """Of two bases the later word counts, whichever comes first; at one microsecond the denial does."""
    granted, denied = _base(5, granted=True), _base(5, granted=False)
    for bases in ([granted, denied], [denied, granted]):
        assert joined(bases).consent == DENIED
    for bases in ([denied, _base(6, granted=True)], [_base(6, granted=True), denied]):
        assert joined(bases).consent == GRANTED


def test_flags_without_words_join_to_a_denial() -> None:
    """Where flags are all that is known of consent, what one base denies is denied."""
    bases = [msgspec.structs.replace(EMPTY, consent=flags) for flags in (GRANTED, DENIED | 4)]
    assert joined(bases).consent == DENIED | 4


SAID = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9) | st.text(max_size=3)), max_size=12).map(
    lambda said: [sayings.traits(second, **{name: value}) for second, (name, value) in enumerate(said)]
)


@given(SAID, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_traits_join_by_time(said: list[sayings.Spoken], rng: random.Random) -> None:
    """Traits said to several bases at different times are, joined, those said last."""
    parts: list[list[sayings.Spoken]] = [[], [], []]
    for one in said:
        rng.choice(parts).append(one)
    bases = [unpack(sayings.base_of(sayings.tail_of(part))) for part in parts]
    expected = sayings.state_of(sayings.tail_of(said)).base.traits
    assert expected == joined(bases).traits == joined(bases[::-1]).traits


@given(st.permutations([1, "1", "x", None, [1], {"b": 1, "a": 2}]))
def test_traits_of_one_moment_join_alike_in_any_order(values: list[object]) -> None:
    """Values said at one microsecond to several bases give the same one in whatever order they are joined."""
    parts = [{"a": Trait(value, 5)} for value in values]
    assert traits.joined(parts) == {"a": Trait({"b": 1, "a": 2}, 5)}
