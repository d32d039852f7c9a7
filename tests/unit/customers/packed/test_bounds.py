"""What a base forgets, and that it says so where it may differ from the whole history."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.customers.histories import (
    EVENTS,
    SECOND,
    Happened,
    approximate,
    folded,
    happened,
    many,
    naive,
    same,
    shown,
)

from etappe.customers.folding import fold as module
from etappe.customers.folding.fold import MAX_ACTED, MAX_IGNORED, MAX_SEEN, keep_telling
from etappe.customers.folding.kernels import RECENT_ORDERS
from etappe.customers.packed.base import DIRTY, EMPTY, TRIMMED
from etappe.customers.records import IGNORED, ITEM
from etappe.ids import item_hash


def _hashes(first: int, last: int) -> set[int]:
    return {item_hash(f"i{number}") for number in range(first, last)}


def test_seen_items_are_bounded() -> None:
    """Of items merely looked at the weightiest 64 stay, here those of the latest days."""
    days = [happened("view_item", f"i{number}", number * 86_400) for number in range(300)]
    base = folded(EMPTY, days)
    assert _hashes(300 - MAX_SEEN, 300) == set(base.items["item"].tolist())
    assert base.flags == TRIMMED


@pytest.mark.parametrize(("name", "apart"), [("purchase", 1), ("add_to_wishlist", 1), ("rate", 1), ("gift", 86_400)])
def test_acted_items_are_bounded(name: str, apart: int) -> None:
    """Of items bought, wished for or rated the latest MAX_ACTED stay, of gifts by the day, beside the 64 seen."""
    kept = folded(EMPTY, many(name, 700, apart=apart)).items
    assert _hashes(700 - MAX_ACTED, 700) == set(kept["item"].tolist())


def test_views_never_push_out_what_was_acted_on() -> None:
    """An ignored item is remembered through any number of views after it."""
    kept = folded(EMPTY, [happened("ignore", "x", -1), *many("view_item", 1000)]).items
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
        (row for row in rows if items["bought"][row]),
        key=lambda row: (-max(7, int(items["last"][row])), items["item"][row]),
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
    kept = folded(EMPTY, [happened("purchase", "mine", -1), *many("ignore", MAX_IGNORED + 100, apart=86_400)]).items
    assert {item_hash("mine"), *_hashes(100, MAX_IGNORED + 100)} == set(kept["item"].tolist())


def _orders(count: int) -> list[Happened]:
    return [happened("purchase", "a", number, order=f"o{number}") for number in range(count)]


@pytest.mark.parametrize(
    ("past", "later", "dirty"),
    [
        (many("view_item", MAX_SEEN), [happened("view_item", "late", -5)], False),
        (many("view_item", MAX_SEEN + 1), [happened("view_item", "next", 900)], False),
        (many("view_item", MAX_SEEN + 1), [happened("view_item", "late", -5)], True),
        (many("view_item", MAX_SEEN + 1), [happened("view_item", "late", MAX_SEEN)], True),
        (many("view_item", MAX_SEEN + 1), [], False),
        (_orders(RECENT_ORDERS), [happened("purchase", "b", 0, order="o0")], False),
        (_orders(RECENT_ORDERS + 1), [happened("purchase", "b", 0, order="o0")], True),
        (_orders(RECENT_ORDERS + 1), [happened("purchase", "b", 900, order="o")], False),
        (_orders(RECENT_ORDERS), [happened("purchase", "b", -1, order="o")], True),
    ],
)
def test_late_events_beyond_the_bounds_are_marked(past: list[Happened], later: list[Happened], dirty: bool) -> None:
    """DIRTY is set where an event is not after the last second of a base that forgot items or orders, and only there."""
    assert dirty is folded(EMPTY, past, later).dirty


def test_dirty_stays() -> None:
    """Only a base built from the log is clean again: further events in order do not unmark it."""
    past = many("view_item", MAX_SEEN + 1)
    base = folded(EMPTY, past, [happened("view_item", "late", -5)], [happened("view_item", "next", 900)])
    assert base.flags == DIRTY | TRIMMED


@contextmanager
def narrow_bounds() -> Iterator[None]:
    """Bounds that short histories reach."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MAX_SEEN", 2)
        patch.setattr(module, "MAX_ACTED", 2)
        patch.setattr(module, "MAX_IGNORED", 1)
        yield


DAY = 86_400 * SECOND
SHORT = st.lists(
    st.builds(
        lambda one, day, order: msgspec.structs.replace(one, at=day * DAY + ord(one.item) * SECOND, order=order),
        EVENTS,
        st.integers(0, 30),
        st.none() | st.integers(0, 40).map(str),
    ),
    max_size=40,
    unique_by=lambda one: one.event_id,
)
"""Events days apart, at a second of its own for each item: no two items weigh the same but for rounding."""


def _arrived(history: list[Happened], delay: int, rng: random.Random) -> list[Happened]:
    """The history as it arrives where each event is up to `delay` days late."""
    return sorted(history, key=lambda one: (one.at + rng.uniform(0, delay * DAY), one.key))


@given(SHORT, st.integers(0, 40), st.sampled_from([0, 2, 40]), st.randoms(use_true_random=False))
@settings(max_examples=400, deadline=None)
def test_what_differs_is_dirty(history: list[Happened], cut: int, delay: int, rng: random.Random) -> None:
    """Whatever arrives late, a base that is not DIRTY says what the whole history or its arrival in order says."""
    arrived, ordered = _arrived(history, delay, rng), sorted(history, key=lambda one: one.key)
    with narrow_bounds():
        before = folded(EMPTY, arrived[:cut])
        found = folded(before, arrived[cut:])
        whole, in_order = folded(EMPTY, history), folded(EMPTY, ordered[:cut], ordered[cut:])
    if not found.dirty:
        same(shown(in_order if before.forgetful else whole), shown(found))
    if not found.forgetful:
        assert approximate(naive(history)) == approximate(shown(found))
