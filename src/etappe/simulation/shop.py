"""A whole simulated shop from a few numbers and a seed."""

import hashlib
from datetime import UTC, datetime
from typing import Final

import msgspec
import polars as pl

from etappe.catalog.item import Item
from etappe.errors import InputError
from etappe.progress import Progress, silent
from etappe.simulation import catalogue, frames, goods, happenings, history, identities, people
from etappe.simulation.assortment import assortment, personas
from etappe.simulation.browsing import Interest
from etappe.simulation.rhythm import Rhythm
from etappe.simulation.truth import Truth, truth

MOST_DAYS: Final = 3650
MOST_ITEMS: Final = 1_000_000
MOST_EVENTS: Final = 30_000_000
"""About 10 GB of memory; see docs/simulation.md."""
_EVENTS_A_DAY: Final = 0.87
"""Events a customer and day, about, strangers beside them included."""
_STEPS: Final = 6
_WHAT: Final = "simulating"


class Shop(msgspec.Struct, frozen=True, eq=False):
    """What the shop knows (catalogue and events, by time) and what is true of it."""

    items: tuple[Item, ...]
    events: pl.DataFrame
    truth: Truth


def simulate(customers: int, items: int, days: int, seed: int, *, end: datetime, progress: Progress = silent) -> Shop:
    """The shop with `customers` accounts (strangers beside them) and `items`, over the `days` before `end`.

    The same arguments make the same shop, event by event and byte by byte.

    Raises:
        InputError: a size of which no shop can be made; `field` names it.
    """
    _check(customers, items, days, seed, end)
    rhythm, offered, kinds = Rhythm(end, days), assortment(), personas()
    progress(_WHAT, 0, _STEPS)
    shelves = goods.make(offered, items, seed)
    crowd = people.make(offered, kinds, customers, days, seed)
    progress(_WHAT, 1, _STEPS)
    past = history.live(crowd, shelves, Interest(shelves, crowd, offered), rhythm, seed)
    progress(_WHAT, 2, _STEPS)
    seen, devices = identities.recognise(crowd, past, seed)
    moments = happenings.happen(past, seen, rhythm.end, seed)
    progress(_WHAT, 3, _STEPS)
    named = frames.labels(_run(customers, items, days, seed, end), crowd, devices, shelves, offered)
    events = frames.events(moments, past.visits, seen, crowd, shelves, offered, named)
    progress(_WHAT, 4, _STEPS)
    sold = tuple(catalogue.items(shelves, offered))
    progress(_WHAT, 5, _STEPS)
    shop = Shop(sold, events, truth(crowd, shelves, devices, offered, kinds, rhythm, named))
    progress(_WHAT, _STEPS, _STEPS)
    return shop


def _check(customers: int, items: int, days: int, seed: int, end: datetime) -> None:
    fewest = len(assortment().categories)
    _within("customers", customers, 1, MOST_EVENTS)
    _within("items", items, fewest, MOST_ITEMS, f" (there are {fewest} categories, each has at least one item)")
    _within("days", days, 1, MOST_DAYS)
    _within("seed", seed, 0, 2**63 - 1)
    if end.tzinfo is None:
        raise InputError(f"end is {end}; give it a time zone", field="end")
    likely = customers * days * _EVENTS_A_DAY
    if likely > MOST_EVENTS:
        raise InputError(
            f"{customers} customers over {days} days make about {likely / 1e6:.0f} million events, at most"
            f" {MOST_EVENTS / 1e6:.0f} million fit into memory; ask for fewer customers or days",
            field="customers",
        )


def _within(field: str, value: int, low: int, high: int, why: str = "") -> None:
    if not low <= value <= high:
        raise InputError(f"{field} is {value}; it must be between {low} and {high}{why}", field=field)


def _run(customers: int, items: int, days: int, seed: int, end: datetime) -> str:
    """8 hex digits that tell this simulation's event and order ids from those of any other."""
    arguments = f"{customers}/{items}/{days}/{seed}/{end.astimezone(UTC).isoformat()}"
    return hashlib.blake2b(arguments.encode(), digest_size=4).hexdigest()
