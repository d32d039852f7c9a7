"""Made-up customers and their bases: each is what its events come to when folded, and after a while of nothing."""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from etappe.customers.packed.aging import aged
from etappe.customers.packed.base import Base
from etappe.customers.records import encode
from etappe.customers.state import fold_state
from etappe.events import touch
from etappe.events.vocabulary import TYPES

NOW: Final = datetime(2026, 11, 1, tzinfo=UTC)
HALF_LIFE: Final = 60.0
ITEMS: Final = 50
BOUGHT: Final = 10
_YEAR: Final = 365 * 24 * 60
Told = tuple[str, int, dict[str, Any]]
"""An event: its name, minutes before NOW, and its fields."""


def base_of(events: Sequence[Told], rng: random.Random) -> Base:
    """The base of these events at NOW."""
    records = []
    for name, minutes, fields in events:
        time = NOW - timedelta(minutes=minutes, microseconds=rng.randrange(60_000_000))
        records.append(encode(TYPES[name](**fields), f"{rng.random()}", time))
    return aged(fold_state(b"", b"".join(records), HALF_LIFE).base, NOW.timestamp())


def stranger(_: random.Random) -> list[Told]:
    """Nobody known."""
    return []


def visitor(rng: random.Random) -> list[Told]:
    """One visit under way: eight pages, one thing into the cart, and how the visit came about."""
    views: list[Told] = [("view_item", 20 - page, {"item_id": f"i{rng.random()}"}) for page in range(8)]
    cart: Told = ("add_to_cart", 10, views[3][2])
    properties = {"source": "google", "medium": "cpc", "campaign": "autumn"}
    return [("ad_click", 21, {"channel": "ad", "properties": properties}), *views, cart]


def settled(rng: random.Random, orders: int = 4, again: float = 0.2) -> list[Told]:
    """50 items over a year, each looked at once or more; ten bought in some orders, some of them looked at again."""
    found: list[Told] = []
    days = [rng.randrange(9 * 24 * 60, _YEAR) for _ in range(orders)]
    for item in range(ITEMS):
        fields = {"item_id": f"i{rng.random()}"}
        when = days[item % orders] if item < BOUGHT else rng.randrange(9 * 24 * 60, _YEAR)
        found += [("view_item", when + 3 + look, fields) for look in range(rng.choice([1, 1, 1, 2, 4]))]
        if item < BOUGHT:
            order = {"order_id": f"o{item % orders}", "price": 19.99, "quantity": 1}
            found.append(("purchase", when, fields | order))
            if rng.random() < again:
                found.append(("view_item", rng.randrange(9 * 24 * 60, _YEAR), fields))
    return found


def harder(rng: random.Random) -> list[Told]:
    """As `settled`, each item in an order of its own, and all of them looked at again."""
    return settled(rng, orders=BOUGHT, again=1.0)


def with_session(rng: random.Random) -> list[Told]:
    """As `settled`, with a visit under way."""
    return settled(rng) + visitor(rng)


def most(_: random.Random) -> list[Told]:
    """More of everything than a base keeps, but for traits."""
    found: list[Told] = []
    for number in range(1100):
        fields = {"item_id": f"i{number}"}
        found.append(("ignore", 29 - number % 29, fields))
        later = number % 29
        if number < 600:
            acted = {"item_id": f"a{number}"}
            order = {"order_id": f"o{number}", "price": 9.99}
            rated = acted | {"properties": {"rating": 4}}
            found += [("rate", later, rated), ("add_to_wishlist", later, acted), ("purchase", later, acted | order)]
            found += [("add_to_cart", later, acted), ("view_item", later, acted), ("purchase", later, acted)]
            found.append(("view_item", later, {"item_id": f"s{number}"}))
            found.append(("impression", later, {"properties": {"piece": f"p{number}"}}))
            came = dict.fromkeys(touch.FIELDS, f"{number:064d}")
            found.append(("ad_click", later, {"channel": "ad", "properties": came}))
            found.append(("purchase", later, {"item_id": f"c{number}", "order_id": f"c{number}", "claim": True}))
    return found


CUSTOMERS: Final[dict[str, Callable[[random.Random], list[Told]]]] = {
    "a stranger": stranger,
    "one visit under way": visitor,
    "50 items, 10 bought in 4 orders, no session": settled,
    "the same in 10 orders, all looked at again": harder,
    "50 items, a visit under way": with_session,
    "the most that is kept": most,
}
"""The customers that are shown, by what they are called."""


def sizes(packed: Sequence[int]) -> str:
    """A median with the smallest and the largest, where they differ."""
    low, middle, high = (round(float(value)) for value in np.percentile(packed, [0, 50, 100]))
    return f"{middle:,}" if low == high else f"{middle:,} ({low:,}-{high:,})"
