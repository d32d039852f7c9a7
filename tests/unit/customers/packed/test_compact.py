"""Totals and items in few bytes: nothing that decides is lost, and weights hardly drift."""

import random
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.customers.histories import DAY_SECONDS, HALF_LIFE, Happened, happened, tail_of

from etappe.customers.folding.fold import TOTALS
from etappe.customers.packed.base import EMPTY, HEADER, Base, pack, unpack
from etappe.customers.packed.compact import ACTED_MOST, SEEN
from etappe.customers.records import ITEM
from etappe.customers.state import fold_state

LAST: Any = 2**32 - 1
LAST_DAY: Any = LAST // DAY_SECONDS
MICROS = st.just(0) | st.integers(1, 2**56 - 1) | st.sampled_from([1, 999_999, 1_000_000, 2**56 - 1])
ITEMS = st.fixed_dictionaries(
    {
        "carted": MICROS,
        "wished": MICROS,
        "rated": MICROS,
        "bought": st.sampled_from([0, 0, 1, LAST]) | st.integers(0, LAST),
        "last": (st.integers(0, 5000) | st.integers(0, 40_000)).map(lambda back: (LAST_DAY - back) * DAY_SECONDS),
        "purchases": st.sampled_from([0, 1, 2, 65_535]),
        "views": st.integers(0, 255),
        "flags": st.integers(0, 15),
        "rating": st.integers(0, 5),
        "weight": st.sampled_from([0.0, -2.0, 1.5, 2.0**15, -(2.0**-14)]),
    }
)


def _items(rows: list[dict[str, Any]], *, plain: list[bool]) -> Any:
    items = np.zeros(len(rows), ITEM)
    items["item"] = np.sort(np.random.default_rng(len(rows)).choice(2**20, len(rows), replace=False) + 2**55)
    for place, row in enumerate(rows):
        kept = {name: row[name] for name in ("last", "views", "weight")} if plain[place] else row
        for name, value in kept.items():
            items[name][place] = value
        if not plain[place] and row["carted"] and place % 2:
            items["bought"][place] = min(row["carted"] // 1_000_000, LAST) or 1
    return items


@given(st.lists(st.tuples(ITEMS, st.booleans()), max_size=40), st.integers(0, 16), st.data())
@settings(max_examples=300, deadline=None)
def test_everything_comes_back(rows: list[tuple[dict[str, Any], bool]], orders: int, data: Any) -> None:
    """Counts, times to the microsecond, flags and money come back exactly, for items seen and acted on in any mixture."""
    totals = np.zeros(1, TOTALS)
    for name in ("first", "last", "events", "orders", "purchases", "views"):
        totals[name] = data.draw(st.sampled_from([0, 1, 127, 128, 16_384, LAST]), name)
    totals["last"] = data.draw(st.sampled_from([LAST, LAST, LAST, 0]))
    totals["revenue"], totals["refunded"] = data.draw(st.tuples(*[st.sampled_from([0.0, 12.75, -1e-9])] * 2))
    totals["recent_orders"][0, :orders] = np.arange(orders) + LAST - 20
    items = _items([row for row, _ in rows], plain=[plain for _, plain in rows])
    found = unpack(pack(msgspec.structs.replace(EMPTY, totals=totals, items=items)))
    assert items.tolist() == found.items.tolist()
    assert totals.tobytes() == found.totals.tobytes()


def _size(history: list[Happened]) -> int:
    base = fold_state(b"", tail_of(history), HALF_LIFE).base
    alone = msgspec.structs.replace(base, arrived=EMPTY.arrived, recent=EMPTY.recent)
    return len(pack(alone)) - len(pack(msgspec.structs.replace(alone, items=EMPTY.items)))


def test_bytes_of_an_item() -> None:
    """An item seen takes 12 bytes, one seen and bought 20, two more where it was met on a later day, at most 42."""
    seen, bought = happened("view_item", "a", 0), happened("purchase", "a", 60)
    later = happened("view_item", "a", 3 * DAY_SECONDS)
    assert [_size([seen]), _size([seen, bought]), _size([seen, bought, later])] == [SEEN, 20, 22]
    items = np.zeros(1, ITEM)
    for name in ("carted", "wished", "rated", "purchases", "views", "flags", "rating"):
        items[name] = 5
    items["bought"], items["last"] = 77, 99 * DAY_SECONDS
    assert len(pack(msgspec.structs.replace(EMPTY, items=items))) - len(pack(EMPTY)) == ACTED_MOST


WEIGHTS = st.floats(2.0**-29, 2.0) | st.floats(-2.0, -(2.0**-29)) | st.just(0.0)


@given(st.lists(WEIGHTS, max_size=20), st.integers(-900, 900))
@settings(deadline=None)
def test_weights_are_rounded_to_the_nearest(weights: list[float], scale: int) -> None:
    """Weights of any size, down to 2^-30 of the largest, come back within 2^-20 of each, and then stay as they are."""
    items = np.zeros(len(weights) + 1, ITEM)
    items["item"], items["weight"] = np.arange(len(items)) + 1, np.array([1.999, *weights]) * 2.0**scale
    once = unpack(pack(msgspec.structs.replace(EMPTY, items=items)))
    twice = unpack(pack(once))
    assert np.all(np.abs(once.items["weight"] - items["weight"]) <= np.abs(items["weight"]) * 2.0**-20)
    assert once.items["weight"].tolist() == twice.items["weight"].tolist()


def test_what_weighs_next_to_nothing_stays_positive() -> None:
    """A weight below 2^-30 of the largest becomes that, with its sign; 0 stays 0."""
    items = np.zeros(5, ITEM)
    items["item"], items["weight"] = np.arange(5) + 1, [1.0, 2.0**-30, 2.0**-80, -(2.0**-80), 0.0]
    found = unpack(pack(msgspec.structs.replace(EMPTY, items=items))).items["weight"]
    assert found.tolist() == [1.0, 2.0**-30, 2.0**-30, -(2.0**-30), 0.0]


@pytest.mark.parametrize("half_life", [7.0, 60.0, 1e6])
@pytest.mark.parametrize("seed", range(3))
def test_a_thousand_folds_in_any_order_hardly_drift(half_life: float, seed: int) -> None:
    """Folded one by one in a random order, packed and unpacked between each, weights are within .1 % of the exact sum.

    Of the half-lives one is so short that the weights are beyond a float32, and one so long that all weigh alike.
    """
    rng = random.Random(seed)
    days = [rng.uniform(0, 700) for _ in range(1000)]
    history = [happened("view_item", rng.choice("ab"), int(day * DAY_SECONDS)) for day in days]
    history = list({one.event_id: one for one in history}.values())
    expected = fold_state(b"", tail_of(history), half_life).items["weight"]
    packed = b""
    for one in rng.sample(history, len(history)):
        packed = pack(fold_state(packed, one.record(), half_life).base)
    drift = np.abs(unpack(packed).items["weight"] / expected - 1)
    assert drift.max() < 0.001


def test_the_worst_drift_is_within_the_bound() -> None:
    """A thousand packings that all round the same way move a weight by less than .1 %: 2^-20 each."""
    assert (1 + 2.0**-20) ** 1000 - 1 < 0.001
    items = np.zeros(1, ITEM)
    items["item"], items["weight"] = 1, 1.0
    base: Base = msgspec.structs.replace(EMPTY, items=items)
    for _ in range(1000):
        more = base.items.copy()
        more["weight"] += 2.0**-20 * 0.999  # just below half of the last bit: lost each time
        base = unpack(pack(msgspec.structs.replace(base, items=more)))
    exact = 1.0 + 1000 * 2.0**-20 * 0.999
    assert base.items["weight"][0] == 1.0
    assert exact / base.items["weight"][0] - 1 < 0.001


def test_a_header_says_where_sections_begin() -> None:
    """Counts of items seen and acted on and the length of both stand in the header."""
    history = [happened("view_item", "a", 0), happened("view_item", "b", 0), happened("ignore", "c", 0)]
    _, _, _, orders, _, seen, acted, lengths, _ = HEADER.unpack_from(pack(fold_state(b"", tail_of(history), 60.0).base))
    assert (orders, seen, acted, lengths >> 24) == (0, 2, 1, 2)
