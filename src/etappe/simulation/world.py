"""A world: its parameters, its goods and its people, as they are before anything happens."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import msgspec
import numpy as np

from etappe.errors import InputError
from etappe.simulation import parameters
from etappe.simulation.clock import Clock
from etappe.simulation.goods import goods, shelf
from etappe.simulation.goods.assortment import Assortment, assortment
from etappe.simulation.goods.goods import Goods
from etappe.simulation.goods.shelf import Shelf
from etappe.simulation.parameters import Parameters
from etappe.simulation.people import people, tastes
from etappe.simulation.people.people import People
from etappe.simulation.people.tastes import Tastes
from etappe.simulation.response import Response
from etappe.simulation.tables import Ints

MOST_DAYS: Final = 3650
MOST_ITEMS: Final = 1_000_000
MOST_EVENTS: Final = 30_000_000
"""More would not fit into some 12 GB of memory; see docs/simulation.md."""
_EVENTS_A_DAY: Final = 1.7
"""Events a customer and day, about, strangers and all others included."""
_PART: Final = 8192
"""People whose lives are drawn together: what bounds the memory. Part of the truth: another number is another world."""


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """What a world is made from: the same size is the same world, person by person and event by event."""

    customers: int
    items: int
    days: int
    seed: int
    end: datetime
    world: int = parameters.VERSION

    def run(self) -> str:
        """8 hex digits that tell this world's event and order ids from those of any other."""
        moment = self.end.astimezone(UTC).isoformat()
        text = f"{self.world}/{self.customers}/{self.items}/{self.days}/{self.seed}/{moment}"
        return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()


class World(msgspec.Struct, frozen=True, eq=False):
    """All that is true at the beginning, and how people respond."""

    size: Size
    parameters: Parameters
    assortment: Assortment
    clock: Clock
    goods: Goods
    shelf: Shelf
    people: People
    tastes: Tastes
    response: Response

    def parts(self) -> Iterator[tuple[str, Ints]]:
        """The people in portions, each with the name of its random numbers."""
        for start in range(0, len(self.people), _PART):
            yield f"{start}", np.arange(start, min(start + _PART, len(self.people)))


def make(size: Size, changed: Parameters | None = None) -> World:
    """The world of this `size`; with `changed` parameters another one, to compare with.

    Raises:
        InputError: a size of which no world can be made; `field` names it.
    """
    _check(size)
    said, offered = changed or parameters.load(size.world), assortment()
    clock = Clock(size.end, size.days)
    shelves = goods.make(offered, size.items, size.seed)
    states = shelf.make(shelves, said.shelf, size.days, size.seed)
    crowd = people.make(said, offered, size.customers, size.days, size.seed)
    wants = tastes.make(said, offered, crowd, size.days, size.seed)
    response = Response(said, offered, clock, crowd, wants, shelves, states)
    return World(size, said, offered, clock, shelves, states, crowd, wants, response)


def _check(size: Size) -> None:
    fewest = len(assortment().categories)
    _within("customers", size.customers, 1, MOST_EVENTS)
    _within("items", size.items, fewest, MOST_ITEMS, f" (there are {fewest} categories, each has at least one item)")
    _within("days", size.days, 1, MOST_DAYS)
    _within("seed", size.seed, 0, 2**63 - 1)
    if size.end.tzinfo is None:
        raise InputError(f"end is {size.end}; give it a time zone", field="end")
    likely = size.customers * size.days * _EVENTS_A_DAY
    if likely > MOST_EVENTS:
        raise InputError(
            f"{size.customers} customers over {size.days} days make about {likely / 1e6:.0f} million events, at most"
            f" {MOST_EVENTS / 1e6:.0f} million fit into memory; ask for fewer customers or days",
            field="customers",
        )


def _within(field: str, value: int, low: int, high: int, why: str = "") -> None:
    if not low <= value <= high:
        raise InputError(f"{field} is {value}; it must be between {low} and {high}{why}", field=field)
