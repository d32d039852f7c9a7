"""The fold against a naive one in plain Python, in any order of arrival, split anywhere between base and tail."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etappe.customers.base import EMPTY, RECENT, RING, Base, pack, unpack
from etappe.customers.fold import EPOCH, MAX_ACTED, MAX_IGNORED, MAX_SEEN, RECENT_ORDERS, TOTALS, keep_telling
from etappe.customers.records import IGNORED, ITEM, encode
from etappe.customers.state import State, extend, fold_state, in_order
from etappe.events.intake import MAX_EVENTS
from etappe.events.vocabulary import CODES, STRENGTH, TYPES
from etappe.ids import event_hash, item_hash, order_hash

HALF_LIFE = 60.0
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
FLAGS = {
    "add_to_cart": ("carted", True),
    "remove_from_cart": ("carted", False),
    "purchase": ("carted", False),
    "add_to_wishlist": ("wished", True),
    "remove_from_wishlist": ("wished", False),
    "ignore": ("ignored", True),
    "gift": ("gift", True),
}
BITS = {"wished": 1, "carted": 2, "ignored": 4, "gift": 8}


class Happened(msgspec.Struct, frozen=True):
    """One event of a made-up history; `second` since BEGIN."""

    event_id: str
    name: str
    item: str
    second: int
    price: float | None = None
    quantity: int | None = None
    order: str | None = None
    rating: int | None = None

    @property
    def time(self) -> int:
        """Unix seconds."""
        return int((BEGIN + timedelta(seconds=self.second)).timestamp())

    def record(self) -> bytes:
        """The event as a tail has it."""
        properties = {"rating": self.rating} if self.name == "rate" else None
        fields = {"price": self.price, "quantity": self.quantity, "order_id": self.order, "properties": properties}
        event = TYPES[self.name](item_id=self.item, **fields)
        return encode(event, self.event_id, BEGIN + timedelta(seconds=self.second))


def tail_of(history: Sequence[Happened]) -> bytes:
    """The tail in which the events arrived in this order."""
    return b"".join(one.record() for one in history)


def folded(base: Base, history: Sequence[Happened]) -> Base:
    """The base after the worker folded these events into it."""
    state = fold_state(pack(base), tail_of(history), HALF_LIFE)
    return unpack(pack(state.base))


def naive(history: Sequence[Happened]) -> tuple[dict[str, Any], dict[int, dict[str, Any]]]:
    """Totals and items of a history, as the vocabulary and the formula of forward decay have them."""
    ordered = sorted(history, key=lambda one: (one.time, event_hash(one.event_id)))
    bought = [one for one in ordered if one.name == "purchase"]
    refunds = [one for one in ordered if one.name == "refund"]
    totals = {
        "first": min((one.time for one in ordered), default=0),
        "last": max((one.time for one in ordered), default=0),
        "events": len(ordered),
        "orders": len({one.order for one in bought if one.order}) + sum(not one.order for one in bought),
        "purchases": len(bought),
        "views": sum(one.name == "view_item" for one in ordered),
        "revenue": sum((one.quantity or 1) * (one.price or 0) for one in bought),
        "refunded": sum((one.quantity or 1) * (one.price or 0) for one in refunds),
    }
    items: dict[int, dict[str, Any]] = {}
    for one in ordered:
        empty: dict[str, Any] = {"weight": 0.0, "last": 0, "bought": 0, "purchases": 0, "views": 0, "rating": 0}
        item = items.setdefault(item_hash(one.item), empty | dict.fromkeys(BITS, False))
        item["weight"] += STRENGTH[CODES[one.name]] * 2 ** ((one.time - EPOCH) / (HALF_LIFE * 86_400))
        item["last"] = one.time
        item["purchases"] += one.name == "purchase"
        item["views"] += one.name in ("view_item", "select_item")
        if one.name in FLAGS:
            flag, value = FLAGS[one.name]
            item[flag] = value
        if one.name == "purchase":
            item["bought"] = one.time
        if one.name == "rate":
            item["rating"] = one.rating
    return totals, items


def shown(base: Base) -> tuple[dict[str, Any], dict[int, dict[str, Any]]]:
    """Totals and items of a base in the form of `naive`."""
    names = [name for name in TOTALS.names or () if name != "recent_orders"]
    items: dict[int, dict[str, Any]] = {}
    for row in base.items:
        item = {name: row[name].item() for name in ("weight", "last", "bought", "purchases", "views", "rating")}
        items[int(row["item"])] = item | {name: bool(row["flags"] & bit) for name, bit in BITS.items()}
    return {name: base.totals[name][0].item() for name in names}, items


def same(expected: tuple[Any, Any], actual: tuple[Any, Any]) -> None:
    """Asserts that totals and items are equal, weights and money within float tolerance."""
    for money in ("revenue", "refunded"):
        assert pytest.approx(expected[0][money], rel=1e-6) == actual[0][money]
    assert {**expected[0], "revenue": 0, "refunded": 0} == {**actual[0], "revenue": 0, "refunded": 0}
    assert expected[1].keys() == actual[1].keys()
    for key, item in expected[1].items():
        assert pytest.approx(item["weight"], rel=1e-9, abs=1e-9) == actual[1][key]["weight"]
        assert {**item, "weight": 0} == {**actual[1][key], "weight": 0}


NAMES = [*FLAGS, "view_item", "select_item", "refund", "rate", "review"]
EVENTS = st.builds(
    Happened,
    event_id=st.uuids().map(str),
    name=st.sampled_from(NAMES),
    item=st.sampled_from("abcde"),
    second=st.integers(0, 30) | st.integers(0, 40_000_000),
    price=st.none() | st.sampled_from([0.0, 0.25, 2.5, 100.0]),
    quantity=st.none() | st.integers(1, 9),
    order=st.none() | st.sampled_from(["o1", "o2", "o3"]),
    rating=st.integers(1, 5),
)
HISTORIES = st.lists(EVENTS, max_size=25, unique_by=lambda one: one.event_id)


@given(HISTORIES)
@settings(deadline=None)
def test_fold_equals_the_naive_fold(history: list[Happened]) -> None:
    """The kernel makes of any history what a loop in plain Python makes of it."""
    same(naive(history), shown(folded(EMPTY, history)))


@given(HISTORIES, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_order_of_arrival_does_not_matter(history: list[Happened], rng: random.Random) -> None:
    """A tail gives the same state, bit by bit, in whatever order its events arrived."""
    shuffled = rng.sample(history, len(history))
    one, other = folded(EMPTY, history), folded(EMPTY, shuffled)
    assert pack(one) == pack(other)


@given(HISTORIES, st.integers(0, 25))
@settings(deadline=None)
def test_any_split_gives_the_same_state(history: list[Happened], cut: int) -> None:
    """Folded in two goes, the earlier events into the base before the later ones, the state is that of one go."""
    ordered = sorted(history, key=lambda one: (one.time, event_hash(one.event_id)))
    halves = folded(folded(EMPTY, ordered[:cut]), ordered[cut:])
    whole = folded(EMPTY, ordered)
    same(shown(whole), shown(halves))
    assert whole.ring.tolist() == halves.ring.tolist()
    assert whole.totals["recent_orders"].tolist() == halves.totals["recent_orders"].tolist()


@given(HISTORIES, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_late_events_count_the_same(history: list[Happened], rng: random.Random) -> None:
    """Events that arrive after later ones were folded count the same in totals, weights, times and counts."""
    shuffled = rng.sample(history, len(history))
    cut = len(history) // 2
    late, whole = shown(folded(folded(EMPTY, shuffled[:cut]), shuffled[cut:])), naive(history)
    assert whole[0]["events"] == late[0]["events"]
    for name in ("first", "last", "orders", "purchases", "views"):
        assert whole[0][name] == late[0][name]
    for key, item in whole[1].items():
        for name in ("last", "bought", "purchases", "views", "ignored", "gift"):
            assert item[name] == late[1][key][name]
        assert pytest.approx(item["weight"], rel=1e-9, abs=1e-9) == late[1][key]["weight"]


def test_weight_of_a_known_history() -> None:
    """A purchase and a view weigh 6, a half-life later 3, two later 1.5; what was taken back is never below 0."""
    history = [Happened("1", "purchase", "a", 0), Happened("2", "view_item", "a", 0), Happened("3", "refund", "b", 0)]
    state = fold_state(b"", tail_of(history), HALF_LIFE)
    begin = BEGIN.timestamp()
    place = state.items["item"].tolist().index(item_hash("a"))
    weights = [state.weights(begin + days * 86_400) for days in (0, 60, 120)]
    assert pytest.approx([6.0, 3.0, 1.5]) == [weight[place] for weight in weights]
    assert [weight[1 - place] for weight in weights] == [0.0] * 3


def test_weights_at_many_times() -> None:
    """Each item's weight can be asked for a time of its own."""
    state = fold_state(
        b"", tail_of([Happened("1", "view_item", "a", 0), Happened("2", "view_item", "b", 0)]), HALF_LIFE
    )
    now = BEGIN.timestamp() + np.array([0.0, 60 * 86_400.0])
    assert pytest.approx([1.0, 0.5]) == state.weights(now).tolist()


def test_first_event_in_1970() -> None:
    """An event kept as 1970 is the first one whether it came first or last."""
    old, new = Happened("1", "view_item", "a", int(-BEGIN.timestamp())), Happened("2", "view_item", "a", 0)
    for history in ([old, new], [new, old]):
        assert folded(folded(EMPTY, history[:1]), history[1:]).totals["first"][0] == 0
    assert folded(EMPTY, [old, new]).totals["first"][0] == 0


def test_lines_of_an_order_count_once() -> None:
    """The lines of one order are one order and as many purchases; lines without an order are one each."""
    lines = [Happened(str(number), "purchase", "abc"[number], number, order="o") for number in range(3)]
    totals = folded(EMPTY, [*lines, Happened("x", "purchase", "a", 9), Happened("y", "purchase", "a", 9)]).totals[0]
    assert (totals["orders"], totals["purchases"]) == (3, 5)


def test_recent_orders_are_bounded() -> None:
    """The latest 16 orders are remembered, the newest first; each counts once."""
    history = [Happened(str(number), "purchase", "a", number, order=f"o{number}") for number in range(40)]
    totals = folded(EMPTY, history).totals[0]
    assert [order_hash(f"o{number}") for number in range(39, 39 - RECENT_ORDERS, -1)] == totals[
        "recent_orders"
    ].tolist()
    assert totals["orders"] == 40


@pytest.mark.parametrize(
    ("names", "flag", "expected"),
    [
        (["add_to_cart"], "carted", True),
        (["add_to_cart", "remove_from_cart"], "carted", False),
        (["add_to_cart", "purchase"], "carted", False),
        (["purchase", "add_to_cart"], "carted", True),
        (["add_to_wishlist", "purchase"], "wished", True),
        (["add_to_wishlist", "remove_from_wishlist"], "wished", False),
        (["ignore", "purchase", "view_item"], "ignored", True),
        (["purchase", "gift"], "gift", True),
    ],
)
def test_flags(names: list[str], flag: str, expected: bool) -> None:
    """After these events of one item, in this order, the flag is as expected."""
    history = [Happened(str(second), name, "a", second) for second, name in enumerate(names)]
    assert shown(folded(EMPTY, history))[1][item_hash("a")][flag] is expected


def test_what_names_no_item_makes_none() -> None:
    """An event without an item counts in the totals alone."""
    tail = encode(TYPES["search"](user_id="u"), "e", BEGIN)
    state = fold_state(b"", tail, HALF_LIFE)
    assert (int(state.base.totals["events"][0]), len(state.items)) == (1, 0)


def test_traits_are_no_taste() -> None:
    """A set_traits event that names an item still makes none."""
    tail = encode(TYPES["set_traits"](item_id="a", properties={"b": 1}), "e", BEGIN)
    assert len(fold_state(b"", tail, HALF_LIFE).items) == 0


def test_counts_stop_at_their_width() -> None:
    """Views of one item beyond 65,535 stay at that, instead of beginning anew."""
    items = np.zeros(1, ITEM)
    items["item"], items["views"], items["purchases"] = item_hash("a"), 65_535, 65_535
    base = msgspec.structs.replace(EMPTY, items=items)
    after = folded(base, [Happened("1", "view_item", "a", 0), Happened("2", "purchase", "a", 0)])
    assert (after.items["views"][0], after.items["purchases"][0]) == (65_535, 65_535)


def test_inputs_stay_as_they_are() -> None:
    """Folding changes neither the base's arrays nor the shared empty base."""
    base = folded(EMPTY, [Happened("1", "purchase", "a", 0)])
    before = pack(base)
    folded(base, [Happened("2", "purchase", "a", 1)])
    extend(EMPTY, in_order(np.frombuffer(tail_of([Happened("3", "ignore", "a", 1)]), fold_dtype())), [], HALF_LIFE)
    assert before == pack(base)
    assert EMPTY.totals["events"][0] == 0


def fold_dtype() -> np.dtype[np.void]:
    """The dtype of a tail's record."""
    return fold_state(b"", b"", HALF_LIFE).recent.dtype


def _many(name: str, count: int) -> list[Happened]:
    return [Happened(str(number), name, f"i{number}", number) for number in range(count)]


def test_seen_items_are_bounded() -> None:
    """Of items merely looked at the weightiest 64 stay, here those of the latest days."""
    days = [Happened(str(number), "view_item", f"i{number}", number * 86_400) for number in range(300)]
    kept = folded(EMPTY, days).items["item"].tolist()
    assert {item_hash(f"i{number}") for number in range(300 - MAX_SEEN, 300)} == set(kept)


def test_acted_items_are_bounded() -> None:
    """Of items bought, wished for or rated the latest MAX_ACTED stay, beside the 64 seen."""
    for name in ("purchase", "add_to_wishlist", "rate", "gift"):
        history = [msgspec.structs.replace(one, rating=3) for one in _many(name, 700)]
        kept = folded(EMPTY, history).items
        assert {item_hash(f"i{number}") for number in range(700 - MAX_ACTED, 700)} == set(kept["item"].tolist())


def test_views_never_push_out_what_was_acted_on() -> None:
    """An ignored item is remembered through any number of views after it."""
    views = [Happened(f"v{number}", "view_item", f"v{number}", 10 + number) for number in range(1000)]
    kept = folded(EMPTY, [Happened("x", "ignore", "x", 0), *views]).items
    assert item_hash("x") in kept["item"].tolist()
    assert len(kept) == MAX_SEEN + 1


@given(st.integers(0, 700), st.integers(0, 700), st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_keeping_equals_sorting(seen: int, acted: int, seed: int) -> None:
    """What is kept is what a full sort by weight, or by last event, would keep, in the order it was in."""
    rng = np.random.default_rng(seed)
    items = np.zeros(seen + acted, ITEM)
    items["item"] = rng.permutation(seen + acted) + 1
    items["weight"], items["last"] = rng.integers(0, 50, len(items)), rng.integers(0, 50, len(items))
    items["bought"][rng.permutation(len(items))[:acted]] = 7
    rows = list(range(len(items)))
    by_weight = sorted(
        (row for row in rows if not items["bought"][row]), key=lambda row: (-items["weight"][row], items["item"][row])
    )
    by_last = sorted(
        (row for row in rows if items["bought"][row]), key=lambda row: (-int(items["last"][row]), items["item"][row])
    )
    expected = items[sorted(by_weight[:MAX_SEEN] + by_last[:MAX_ACTED])]
    assert expected.tobytes() == keep_telling(items).tobytes()


def test_ignored_items_stay() -> None:
    """What was turned down long ago is remembered however many items were bought since."""
    items = np.zeros(MAX_ACTED + 20, ITEM)
    items["item"] = np.arange(1, len(items) + 1)
    items["last"] = np.arange(1, len(items) + 1)
    items["bought"] = items["last"]
    items["flags"][0] = IGNORED
    kept = keep_telling(items)["item"].tolist()
    assert kept == [1, *range(len(items) - MAX_ACTED + 1, len(items) + 1)]


def test_ignores_push_out_no_purchase() -> None:
    """Whoever turns down very many items is still not shown what they just bought, and the latest ignored stay."""
    history = [Happened("bought", "purchase", "mine", 0), *_many("ignore", MAX_IGNORED + 100)]
    kept = set(folded(EMPTY, history).items["item"].tolist())
    last = range(100, MAX_IGNORED + 100)
    assert kept == {item_hash("mine"), *(item_hash(f"i{number}") for number in last)}


def test_ring_is_bounded() -> None:
    """The ring has the last RING event hashes in order of time, over several folds, and two whole batches fit."""
    total = RING + 144
    history = _many("view_item", total)
    expected = [event_hash(str(number)) for number in range(total - RING, total)]
    assert expected == folded(EMPTY, history).ring.tolist()
    assert expected == folded(folded(EMPTY, history[: total - 10]), history[total - 10 :]).ring.tolist()
    assert RING >= 2 * MAX_EVENTS


def test_generation_counts_folds() -> None:
    """Each fold raises the generation by one, by which workers tell that another was faster."""
    base = folded(folded(EMPTY, _many("view_item", 2)), _many("view_item", 1))
    assert base.generation == 2


def test_stranger() -> None:
    """Nothing stored is nobody known: no items, no session, no digest."""
    state: State = fold_state(b"", b"", HALF_LIFE)
    assert (
        state.known,
        len(state.items),
        len(state.recent),
        state.digest,
        state.consent,
        state.traits(),
    ) == (False, 0, 0, "", "unknown", {})


def test_recent_events_are_the_last_of_base_and_tail() -> None:
    """The last events are in order of time whether they were folded or wait, and the digest changes with every event."""
    base = pack(folded(EMPTY, [Happened("old", "view_item", "a", 0)]))
    later = [Happened("b", "view_item", "b", 20), Happened("a", "view_item", "a", 10)]
    state = fold_state(base, tail_of(later), HALF_LIFE)
    assert [event_hash("old"), event_hash("a"), event_hash("b")] == state.recent["event"].tolist()
    assert state.base.totals["events"][0] == 3
    assert len({fold_state(base, tail_of(later[:count]), HALF_LIFE).digest for count in range(3)}) == 3


@given(st.integers(0, 90), st.integers(0, 90))
@settings(max_examples=30, deadline=None)
def test_a_fold_leaves_the_recent_events_as_they_are(total: int, cut: int) -> None:
    """Wherever a run of events is cut into base and tail, the last of them are the same, and no more than RECENT."""
    events = [Happened(f"e{number}", "view_item", f"i{number % 7}", number) for number in range(total)]
    cut = min(cut, total)
    state = fold_state(pack(folded(EMPTY, events[:cut])), tail_of(events[cut:]), HALF_LIFE)
    assert state.recent["event"].tolist() == [event_hash(f"e{number}") for number in range(total)][-RECENT:]
