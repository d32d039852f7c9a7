"""Aggregates: what was declared is kept up to date by the fold, in any order."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.customers.histories import HALF_LIFE, Happened, happened, tail_of

from etappe.customers.folding import aggregates
from etappe.customers.folding.aggregates import NONE, Aggregate, Aggregates, Declaration
from etappe.customers.packed.base import DIRTY, EMPTY, Base, joined, pack, unpack
from etappe.customers.records import decode_tail, in_order
from etappe.customers.state import extend

SHOP = Declaration(
    (Aggregate("purchase", days=7), Aggregate("view_item", last=3), Aggregate("refund", days=1)), "Asia/Tokyo"
)
DAY = 86_400


def _folded(base: Base, history: Sequence[Happened], declared: Declaration = SHOP) -> Base:
    events = in_order(decode_tail(tail_of(history)))
    return unpack(pack(extend(base, events, [], HALF_LIFE, declared=declared)))


def _day(time: int, zone: str) -> int:
    local = datetime.fromtimestamp(time / 1e6, UTC).astimezone(ZoneInfo(zone))
    return (local.date() - datetime(1970, 1, 1, tzinfo=UTC).date()).days


def _naive(history: Sequence[Happened], declared: Declaration) -> tuple[list[Any], list[Any]]:
    """Buckets and times of a whole history, by the words of the rules."""
    buckets, times = [], []
    for which, one in enumerate(declared.aggregates):
        mine = [event for event in history if event.name == one.event]
        days = {_day(event.time, declared.time_zone) for event in mine}
        for day in sorted(day for day in days if one.days and day > max(days) - one.days):
            money = [event.money for event in mine if _day(event.time, declared.time_zone) == day]
            buckets.append((which, day, len(money), sum(money)))
        if one.last:
            times += [(which, time) for time in sorted(event.time for event in mine)[-one.last :]]
    return buckets, times


def _shown(found: Aggregates | None) -> tuple[list[Any], list[Any]]:
    assert found is not None
    return found.buckets.tolist(), found.times.tolist()


HISTORIES = st.lists(
    st.builds(
        Happened,
        event_id=st.uuids().map(str),
        name=st.sampled_from(["purchase", "purchase", "view_item", "refund", "ignore"]),
        item=st.sampled_from("ab"),
        at=st.builds(lambda day, hour: (day * 24 + hour) * 3_600_000_000, st.integers(0, 12), st.integers(0, 23)),
        price=st.sampled_from([0.25, 2.5]),
    ),
    max_size=30,
    unique_by=lambda one: one.event_id,
)


@given(HISTORIES, st.integers(0, 30), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_aggregates_equal_the_naive_twin(history: list[Happened], cut: int, rng: Any) -> None:
    """In any order, cut anywhere, folded on or joined and folded on: buckets and times are those of the whole history."""
    arrived = rng.sample(history, len(history))
    first, second = _folded(EMPTY, arrived[:cut]), _folded(EMPTY, arrived[cut:])
    assert _naive(history, SHOP) == _shown(_folded(first, arrived[cut:]).aggregates)
    assert _naive(history, SHOP) == _shown(_folded(joined([first, second]), []).aggregates)


def test_a_day_is_one_in_the_shops_zone() -> None:
    """What happens at eight in the evening (UTC) is of the next day in Tokyo."""
    base = _folded(EMPTY, [happened("purchase", "a", 20 * 3600, price=2.0)])
    assert base.aggregates is not None
    assert base.aggregates.buckets["day"].tolist() == [_day(int(base.totals["last"][0]) * 1_000_000, "UTC") + 1]


def test_without_a_declaration_nothing_is_kept() -> None:
    """Where nothing is declared a base has no aggregates, and one that had some loses them."""
    history = [happened("purchase", "a", 0)]
    assert _folded(EMPTY, history, NONE).aggregates is None
    assert _folded(_folded(EMPTY, history), history, NONE).aggregates is None
    assert not _folded(_folded(EMPTY, history), history, NONE).dirty


def test_another_declaration_marks_the_base() -> None:
    """A base made for another declaration begins anew and is DIRTY: only the log has what was not counted."""
    other = msgspec.structs.replace(SHOP, time_zone="UTC")
    base = _folded(EMPTY, [happened("purchase", "a", 0)])
    after = _folded(base, [happened("purchase", "a", 60)], other)
    assert after.aggregates is not None
    assert (after.flags, after.aggregates.digest) == (DIRTY, other.digest)
    assert after.aggregates.buckets["count"].tolist() == [1]
    assert not _folded(base, [happened("purchase", "a", 60)]).dirty
    assert _folded(_folded(EMPTY, [happened("ignore", "a", 0)], NONE), []).dirty


def test_of_different_declarations_none_is_joined() -> None:
    """Bases made for different declarations are joined without aggregates and DIRTY."""
    other = msgspec.structs.replace(SHOP, time_zone="UTC")
    both = [_folded(EMPTY, [happened("purchase", "a", second)], one) for second, one in enumerate((SHOP, other))]
    assert (joined(both).aggregates, joined(both).dirty) == (None, True)
    assert not joined([both[0], _folded(EMPTY, [happened("purchase", "a", 9)])]).dirty


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"event": "bought", "days": 1}, "event 'bought' is none of the vocabulary"),
        ({"event": "purchase"}, "days 0 and last 0: give either"),
        ({"event": "purchase", "days": 1, "last": 1}, "days 1 and last 1: give either"),
        ({"event": "purchase", "days": 401}, "days, 1 to 400"),
        ({"event": "purchase", "last": 33}, "last, 1 to 32"),
    ],
)
def test_what_no_record_can_hold_is_refused(fields: dict[str, Any], message: str) -> None:
    """A declaration says a known event and either a window or a number of times, within bounds."""
    with pytest.raises(ValueError, match=message):
        Aggregate(**fields)


def test_declarations_are_bounded() -> None:
    """More aggregates than a record can number are refused."""
    with pytest.raises(ValueError, match="65 aggregates: declare at most 64"):
        Declaration((Aggregate("purchase", days=1),) * 65)


def test_cut_off_aggregates_are_refused() -> None:
    """Bytes that say more buckets than there are, or end within a time, are damaged."""
    packed = aggregates.pack(_folded(EMPTY, [happened("purchase", "a", 0), happened("view_item", "a", 0)]).aggregates)
    assert np.array_equal(aggregates.unpack(packed).times, aggregates.unpack(packed).times)
    for damaged in (packed[:-1], packed[:12], packed[:5]):
        with pytest.raises(ValueError, match="buffer"):
            aggregates.unpack(damaged)
