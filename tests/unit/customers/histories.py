"""Made-up histories, and a naive fold of them in plain Python to compare with."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import msgspec
import pytest
from hypothesis import strategies as st

from etappe.customers.folding.fold import TOTALS
from etappe.customers.folding.kernels import EPOCH
from etappe.customers.packed.base import Base, pack, unpack
from etappe.customers.records import encode
from etappe.customers.state import fold_state
from etappe.events.vocabulary import CODES, STRENGTH, TYPES
from etappe.ids import event_hash, item_hash

HALF_LIFE: Final = 60.0
BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
BEGIN_SECONDS: Final = int(BEGIN.timestamp())
SECOND: Final = 1_000_000
DAY_SECONDS: Final = 86_400
BITS: Final = {"wished": 1, "carted": 2, "ignored": 4, "gift": 8}
CART: Final = {"add_to_cart": True, "remove_from_cart": False, "purchase": False}
WISH: Final = {"add_to_wishlist": True, "remove_from_wishlist": False}
ROUNDED: Final = 1e-5
"""How far a weight may be off after the few packings of a test, of the strongest one possible."""
NAMES: Final = [*CART, *WISH, "ignore", "gift", "view_item", "select_item", "refund", "rate", "review"]


class Happened(msgspec.Struct, frozen=True):
    """One event of a made-up history; `at` in microseconds since BEGIN."""

    event_id: str
    name: str
    item: str
    at: int
    price: float | None = None
    quantity: int | None = None
    order: str | None = None
    rating: int = 3

    @property
    def time(self) -> int:
        """Unix microseconds, as records keep them."""
        return max(0, BEGIN_SECONDS * SECOND + self.at)

    @property
    def key(self) -> tuple[int, int]:
        """Its place in the order of time."""
        return self.time, event_hash(self.event_id)

    @property
    def money(self) -> float:
        """What all its pieces cost."""
        return (self.quantity or 1) * (self.price or 0)

    def record(self) -> bytes:
        """The event as a tail has it."""
        properties = {"rating": self.rating} if self.name == "rate" else None
        fields = {"price": self.price, "quantity": self.quantity, "order_id": self.order, "properties": properties}
        event = TYPES[self.name](item_id=self.item, **fields)
        return encode(event, self.event_id, BEGIN + timedelta(microseconds=self.at))


def happened(name: str, item: str, second: int, **fields: Any) -> Happened:
    """An event whose id is told by what and when it is."""
    return Happened(f"{name}{item}{second}", name, item, second * SECOND, **fields)


def many(name: str, count: int, start: int = 0, apart: int = 1) -> list[Happened]:
    """As many events, each of an item of its own, so many seconds apart."""
    return [happened(name, f"i{number}", number * apart) for number in range(start, start + count)]


def tail_of(history: Sequence[Happened]) -> bytes:
    """The tail in which the events arrived in this order."""
    return b"".join(one.record() for one in history)


def folded(base: Base, *runs: Sequence[Happened]) -> Base:
    """The base after the worker folded these runs of events into it, one after another."""
    for run in runs:
        base = unpack(pack(fold_state(pack(base), tail_of(run), HALF_LIFE).base))
    return base


def in_runs(history: Sequence[Happened], cuts: Sequence[int]) -> list[Sequence[Happened]]:
    """The history in runs of which each but the first begins at one of `cuts`."""
    edges = [0, *sorted(min(cut, len(history)) for cut in cuts), len(history)]
    return [history[start:end] for start, end in pairwise(edges)]


def naive(history: Sequence[Happened]) -> tuple[dict[str, Any], dict[int, dict[str, Any]]]:
    """Totals and items of a history, as the vocabulary, the rules and the formula of forward decay have them."""
    bought = [one for one in history if one.name == "purchase"]
    totals = {
        "first": min((one.time // SECOND for one in history), default=0),
        "last": max((one.time // SECOND for one in history), default=0),
        "events": len(history),
        "orders": len({one.order for one in bought if one.order}) + sum(not one.order for one in bought),
        "purchases": len(bought),
        "views": sum(one.name == "view_item" for one in history),
        "revenue": sum(one.money for one in bought),
        "refunded": sum(one.money for one in history if one.name == "refund"),
    }
    names = {one.item for one in history}
    return totals, {item_hash(name): _item([one for one in history if one.item == name]) for name in names}


def _item(events: Sequence[Happened]) -> dict[str, Any]:
    half_life = HALF_LIFE * 86_400
    ratings = [(one.time, one.rating) for one in events if one.name == "rate"]
    return {
        "weight": sum(STRENGTH[CODES[one.name]] * 2 ** ((one.time / SECOND - EPOCH) / half_life) for one in events),
        "last": max(min(one.time // SECOND, 2**32 - 1) // DAY_SECONDS * DAY_SECONDS for one in events),
        "bought": max((max(one.time // SECOND, 1) for one in events if one.name == "purchase"), default=0),
        "purchases": sum(one.name == "purchase" for one in events),
        "views": sum(one.name in ("view_item", "select_item") for one in events),
        "rating": max(ratings)[1] if ratings else 0,
        "carted": _last_word(events, CART),
        "wished": _last_word(events, WISH),
        "ignored": any(one.name == "ignore" for one in events),
        "gift": any(one.name == "gift" for one in events),
    }


def _last_word(events: Sequence[Happened], words: dict[str, bool]) -> bool:
    """Whether all that was said at the last moment when something was said puts the item in."""
    said = [(one.time, words[one.name]) for one in events if one.name in words]
    return bool(said) and all(word for time, word in said if time == max(said)[0])


def shown(base: Base) -> tuple[dict[str, Any], dict[int, dict[str, Any]]]:
    """Totals and items of a base in the form of `naive`."""
    names = [name for name in TOTALS.names or () if name != "recent_orders"]
    items: dict[int, dict[str, Any]] = {}
    for row in base.items:
        item = {name: row[name].item() for name in ("weight", "last", "bought", "purchases", "views", "rating")}
        items[int(row["item"])] = item | {name: bool(row["flags"] & bit) for name, bit in BITS.items()}
    return {name: base.totals[name][0].item() for name in names}, items


def same(expected: tuple[Any, Any], actual: tuple[Any, Any]) -> None:
    """Asserts that totals and items are equal, money and weights but for the rounding of what was added."""
    assert approximate(expected) == approximate(actual)
    assert expected[1].keys() == actual[1].keys()
    strongest = 2.0 ** ((expected[0]["last"] - EPOCH) / (HALF_LIFE * 86_400))
    for key, item in expected[1].items():
        assert pytest.approx(item["weight"], rel=ROUNDED, abs=ROUNDED * strongest) == actual[1][key]["weight"]
    for money in ("revenue", "refunded"):
        assert pytest.approx(expected[0][money], rel=1e-12) == actual[0][money]


def approximate(found: tuple[Any, Any]) -> tuple[Any, Any]:
    """Totals and items without what is rounded."""
    rounded = {"revenue": 0, "refunded": 0}
    return found[0] | rounded, {key: item | {"weight": 0} for key, item in found[1].items()}


def recent_of(history: Sequence[Happened], most: int) -> list[int]:
    """Hashes of the last events that say something of an item."""
    telling = sorted(one.key for one in history if STRENGTH[CODES[one.name]])
    return [hashed for _, hashed in telling[-most:]]


MOMENTS = (
    st.integers(0, 2)
    | st.integers(0, 3 * SECOND)
    | st.integers(-40_000_000 * SECOND, 40_000_000 * SECOND)
    | st.sampled_from([-BEGIN_SECONDS * SECOND - 1, -BEGIN_SECONDS * SECOND, 86_400 * SECOND])
)
"""Ties, moments close together, months apart, before 1970, and a clock that is a day ahead."""
EVENTS = st.builds(
    Happened,
    event_id=st.uuids().map(str),
    name=st.sampled_from(NAMES),
    item=st.sampled_from("abcde"),
    at=MOMENTS,
    price=st.none() | st.sampled_from([0.0, 0.25, 2.5, 100.0, 19.99]),
    quantity=st.none() | st.integers(1, 9) | st.sampled_from([70_000, 1_000_000]),
    order=st.none() | st.sampled_from(["o1", "o2", "o3"]),
    rating=st.integers(1, 5),
)
HISTORIES = st.lists(EVENTS, max_size=25, unique_by=lambda one: one.event_id)
CUTS = st.lists(st.integers(0, 25), max_size=3)
