"""The fold against a naive one in plain Python: in any order of arrival, split anywhere between base and tail."""

import random

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.customers.histories import (
    BEGIN,
    BEGIN_SECONDS,
    BITS,
    CUTS,
    HALF_LIFE,
    HISTORIES,
    Happened,
    folded,
    happened,
    in_runs,
    many,
    naive,
    recent_of,
    same,
    shown,
    tail_of,
)

from etappe.customers.folding.claims import RECENT
from etappe.customers.folding.fold import TOTALS, orders_forgotten
from etappe.customers.folding.kernels import RECENT_ORDERS
from etappe.customers.packed.base import EMPTY, RING, pack
from etappe.customers.records import EVENT, ITEM, encode, in_order
from etappe.customers.state import Whole, extend, fold_state
from etappe.events.intake import MAX_EVENTS
from etappe.events.vocabulary import TYPES
from etappe.ids import event_hash, item_hash, order_hash


@given(HISTORIES)
@settings(deadline=None)
def test_fold_equals_the_naive_fold(history: list[Happened]) -> None:
    """The kernel makes of any history what a loop in plain Python makes of it."""
    same(naive(history), shown(folded(EMPTY, history)))


@given(HISTORIES, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_order_of_arrival_in_a_tail_does_not_matter(history: list[Happened], rng: random.Random) -> None:
    """A tail gives the same state, bit by bit, in whatever order its events arrived."""
    shuffled = rng.sample(history, len(history))
    one, other = folded(EMPTY, history), folded(EMPTY, shuffled)
    assert pack(one) == pack(other)


@given(HISTORIES, CUTS, st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_any_order_and_split_give_the_same_state(history: list[Happened], cuts: list[int], rng: random.Random) -> None:
    """Late events, refunds before purchases, clocks that differ: folded in any runs, the state is that of one run."""
    shuffled = rng.sample(history, len(history))
    found = folded(EMPTY, *in_runs(shuffled, cuts))
    same(naive(history), shown(found))
    whole = folded(EMPTY, history)
    assert found.items["item"].tolist() == whole.items["item"].tolist()
    for stamp in ("carted", "wished", "rated"):
        assert found.items[stamp].tolist() == whole.items[stamp].tolist()
    assert set(found.totals["recent_orders"][0].tolist()) == set(whole.totals["recent_orders"][0].tolist())
    assert found.recent.tobytes() == whole.recent.tobytes()
    assert recent_of(history, RECENT) == found.recent["event"].tolist()
    assert {event_hash(one.event_id) for one in history} == set(found.ring.tolist())
    assert not found.flags


@given(HISTORIES, CUTS, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_repeats_are_recognised(history: list[Happened], cuts: list[int], rng: random.Random) -> None:
    """Events sent again, however late, are found by their hash in tail or base; without them the state is the same."""
    arrivals = rng.sample(history * 2, len(history) * 2)
    packed = b""
    for run in in_runs(arrivals, cuts):
        tail = b""
        for one in run:
            record = one.record()
            if record[:8] not in tail and record[:8] not in packed:
                tail += record
        packed = pack(fold_state(packed, tail, HALF_LIFE).base)
    same(naive(history), shown(fold_state(packed, b"", HALF_LIFE).base))


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (("add_to_cart", "remove_from_cart"), "carted"),
        (("add_to_cart", "purchase"), "carted"),
        (("add_to_wishlist", "remove_from_wishlist"), "wished"),
    ],
)
@pytest.mark.parametrize("apart", [False, True])
def test_at_one_moment_what_takes_away_wins(events: tuple[str, str], expected: str, apart: bool) -> None:
    """Put in and taken out at the same microsecond is out, whichever arrived first; a microsecond later it is in."""
    first, second = (Happened(name, name, "a", 5) for name in events)
    for run in ([first, second], [second, first]):
        base = folded(EMPTY, *([one] for one in run)) if apart else folded(EMPTY, run)
        assert not base.items["flags"][0] & BITS[expected]
    later = Happened("again", events[0], "a", 6)
    assert folded(EMPTY, [later], [second]).items["flags"][0] & BITS[expected]


@pytest.mark.parametrize("name", ["add_to_cart", "add_to_wishlist", "rate", "purchase"])
def test_what_happened_before_1970_is_not_never(name: str) -> None:
    """An event of unknown age, kept as 1970, still decides where nothing later does."""
    old = Happened("1", name, "a", -BEGIN_SECONDS * 1_000_000 - 5)
    same(naive([old]), shown(folded(EMPTY, [old])))
    item = folded(EMPTY, [old]).items[0]
    assert item["flags"] or item["rating"] or item["bought"]


def test_first_event_in_1970() -> None:
    """An event kept as 1970 is the first one whether it came first or last."""
    old, new = happened("view_item", "a", -BEGIN_SECONDS), happened("view_item", "a", 0)
    for runs in ([[old], [new]], [[new], [old]], [[old, new]]):
        assert folded(EMPTY, *runs).totals["first"][0] == 0


def test_weight_of_a_known_history() -> None:
    """A purchase and a view weigh 6, a half-life later 3, two later 1.5; what was taken back is never below 0."""
    history = [happened("purchase", "a", 0), happened("view_item", "a", 0), happened("refund", "b", 0)]
    state = fold_state(b"", tail_of(history), HALF_LIFE)
    begin = BEGIN.timestamp()
    place = state.items["item"].tolist().index(item_hash("a"))
    weights = [state.weights(begin + days * 86_400) for days in (0, 60, 120)]
    assert pytest.approx([6.0, 3.0, 1.5]) == [weight[place] for weight in weights]
    assert [weight[1 - place] for weight in weights] == [0.0] * 3


@pytest.mark.parametrize("later", range(1, 12))
def test_what_was_taken_out_again_weighs_nothing(later: int) -> None:
    """What was put into the cart, folded, and taken out again is no taste, however its parts were rounded."""
    put = [happened("add_to_cart", "a", later + second) for second in (0, 1)]  # 3 each
    taken = [happened("remove_from_cart", "a", later + second) for second in (2, 3, 4)]  # -2 each
    state = fold_state(pack(folded(EMPTY, put)), tail_of(taken), HALF_LIFE)
    assert state.weights(BEGIN.timestamp() + later).tolist() == [0.0]


def test_weights_at_many_times() -> None:
    """Each item's weight can be asked for a time of its own."""
    state = fold_state(b"", tail_of([happened("view_item", "a", 0), happened("view_item", "b", 0)]), HALF_LIFE)
    now = BEGIN.timestamp() + np.array([0.0, 60 * 86_400.0])
    assert pytest.approx([1.0, 0.5]) == state.weights(now).tolist()


def test_money_is_that_of_the_whole_line() -> None:
    """A line of 200,000 pieces at 1.05 is 210,000, though no record counts so many pieces."""
    lines = [happened(name, "a", 0, price=1.05, quantity=200_000) for name in ("purchase", "refund")]
    totals = folded(EMPTY, lines).totals[0]
    assert (totals["revenue"], totals["refunded"]) == (1.05 * 200_000, 1.05 * 200_000)


def test_lines_of_an_order_count_once() -> None:
    """The lines of one order are one order and as many purchases; lines without an order are one each."""
    lines = [happened("purchase", "abc"[number], number, order="o") for number in range(3)]
    totals = folded(EMPTY, [*lines, happened("purchase", "a", 8), happened("purchase", "a", 9)]).totals[0]
    assert (totals["orders"], totals["purchases"]) == (3, 5)


def test_recent_orders_are_bounded() -> None:
    """The latest 16 orders are remembered, the newest first; each counts once."""
    history = [happened("purchase", "a", number, order=f"o{number}") for number in range(40)]
    base = folded(EMPTY, history)
    expected = [order_hash(f"o{number}") for number in range(39, 39 - RECENT_ORDERS, -1)]
    assert expected == base.totals["recent_orders"][0].tolist()
    assert base.totals["orders"][0] == 40
    assert [orders_forgotten(folded(EMPTY, history[:count]).totals) for count in (16, 17)] == [False, True]


def test_what_is_told_is_no_taste() -> None:
    """An event that tells traits or identities still makes no item of the one it names."""
    for name in ("set_traits", "identify"):
        tail = encode(TYPES[name](item_id="a", properties={"b": 1}), "e", BEGIN)
        state = fold_state(b"", tail, HALF_LIFE)
        assert (len(state.items), state.traits()) == (0, {"b": 1})


def test_consent_is_no_item() -> None:
    """The verdict that stands where other records have their item makes no item of it."""
    tail = encode(TYPES["set_consent"](properties={"personalisation": True}), "e", BEGIN)
    state = fold_state(b"", tail, HALF_LIFE)
    assert (len(state.items), len(state.recent), state.known) == (0, 0, True)


def test_counts_stop_at_their_width() -> None:
    """Views of one item beyond 255, and purchases beyond 65,535, stay at that, instead of beginning anew."""
    items = np.zeros(1, ITEM)
    items["item"], items["views"], items["purchases"] = item_hash("a"), 255, 65_535
    base = msgspec.structs.replace(EMPTY, items=items)
    after = folded(base, [happened("view_item", "a", 0), happened("purchase", "a", 0)])
    assert (after.items["views"][0], after.items["purchases"][0]) == (255, 65_535)


def test_a_fold_keeps_what_a_base_can_keep() -> None:
    """Views and the day of the last event are the same before they are packed and after, lest folding changed an answer."""
    views = [happened("view_item", "a", 86_400 + second) for second in range(300)]
    item = fold_state(b"", tail_of(views), HALF_LIFE).items[0]
    assert (item["views"], item["last"]) == (255, BEGIN.timestamp() + 86_400)


def test_times_beyond_32_bits() -> None:
    """An event after 2106 counts as one of the last second that fits."""
    base = folded(EMPTY, [happened("purchase", "a", 2**32)])
    assert base.totals["last"][0] == base.items["bought"][0] == 2**32 - 1
    assert base.items["last"][0] == (2**32 - 1) // 86_400 * 86_400


def test_items_ascend_by_hash() -> None:
    """Items stand in the order of their hashes, whatever the order they came in: bases of one history are equal."""
    history = many("view_item", 40)
    base = folded(EMPTY, history[20:], history[:20])
    assert sorted(base.items["item"].tolist()) == base.items["item"].tolist()
    assert base.items.tobytes() == folded(EMPTY, history).items.tobytes()


def test_inputs_stay_as_they_are() -> None:
    """Folding changes neither the base's arrays nor the shared empty base."""
    base = folded(EMPTY, [happened("purchase", "a", 0)])
    before = pack(base)
    folded(base, [happened("purchase", "a", 1)])
    extend(EMPTY, in_order(np.frombuffer(tail_of([happened("ignore", "a", 1)]), EVENT)), [], HALF_LIFE)
    assert before == pack(base)
    assert EMPTY.totals.tobytes() == np.zeros(1, TOTALS).tobytes()


def test_ring_is_bounded() -> None:
    """The ring has the last RING event hashes in order of time, over several folds, and two whole batches fit."""
    total = RING + 144
    history = many("view_item", total)
    expected = [event_hash(one.event_id) for one in history[-RING:]]
    assert expected == folded(EMPTY, history).ring.tolist()
    assert expected == folded(EMPTY, history[: total - 10], history[total - 10 :]).ring.tolist()
    assert RING >= 2 * MAX_EVENTS


def test_generation_counts_folds() -> None:
    """Each fold raises the generation by one, by which workers tell that another was faster."""
    assert folded(EMPTY, many("view_item", 2), many("view_item", 1)).generation == 2


def test_stranger() -> None:
    """Nothing stored is nobody known: no items, no session, no digest."""
    state: Whole = fold_state(b"", b"", HALF_LIFE)
    found = (state.known, len(state.items), len(state.recent), state.digest, state.consent)
    assert found == (False, 0, 0, "", "unknown")
    assert (state.traits(), state.consents()) == ({}, {})


def test_recent_events_are_the_last_of_base_and_tail() -> None:
    """The last events are in order of time whether they were folded or wait, and the digest changes with every event."""
    base = pack(folded(EMPTY, [happened("view_item", "old", 0)]))
    later = [happened("view_item", "b", 20), happened("view_item", "a", 10)]
    state = fold_state(base, tail_of(later), HALF_LIFE)
    assert [item_hash(item) for item in ("old", "a", "b")] == state.recent["item"].tolist()
    assert state.base.totals["events"][0] == 3
    assert len({fold_state(base, tail_of(later[:count]), HALF_LIFE).digest for count in range(3)}) == 3


@given(st.integers(0, 90), st.integers(0, 90), st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_a_fold_leaves_the_recent_events_as_they_are(total: int, cut: int, rng: random.Random) -> None:
    """Wherever events are cut into base and tail, and however late they are, the last of them are the same, RECENT of them."""
    history = many("view_item", total)
    arrived = rng.sample(history, total)
    state = fold_state(pack(folded(EMPTY, arrived[:cut])), tail_of(arrived[cut:]), HALF_LIFE)
    assert state.recent["event"].tolist() == recent_of(history, RECENT)
