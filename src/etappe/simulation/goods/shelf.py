"""What changes on the shelves in the course of the story: launches, sell-outs, prices; and what replaces what."""

import msgspec
import numpy as np

from etappe.simulation import steps
from etappe.simulation.chance import stream
from etappe.simulation.goods.goods import Goods, rounded
from etappe.simulation.parameters import ShelfParameters
from etappe.simulation.steps import Steps
from etappe.simulation.tables import Flags, Floats, Ints, Table

_BEYOND = 30
"""Days behind the end of the story that shelves are made for: what is sold out at the end comes again."""
_PRICE_CHANGE = 0.09
"""Standard deviation of the log of a lasting price change."""
_NEAR_PRICE = 0.25
"""Log distance in price at which an item replaces another one 1/e as often."""
_OTHER_STYLE = 0.6


class Substitutes(Table, frozen=True):
    """One row a pair: `other` is taken with this `strength` (a chance) by who wants `item` and finds it sold out."""

    item: Ints
    other: Ints
    strength: Floats


class Shelf(msgspec.Struct, frozen=True, eq=False):
    """The state of every item at any time; days of the story."""

    cents: Steps[np.float64]
    available: Steps[np.bool_]
    launch: Floats
    """Day on which each item came out; -1 for what was there before."""
    substitutes: Substitutes
    replaced: Ints
    """The nearest substitute of each item, itself where there is none."""
    chance: Floats
    """How likely that one is taken."""

    def price(self, item: Ints, day: Floats) -> Floats:
        """float64[n], EUR."""
        return self.cents.at(item, day) / 100.0


def make(goods: Goods, shelf: ShelfParameters, days: int, seed: int) -> Shelf:
    """The shelves over the `days` of the story."""
    chance = stream(seed, "shelf")
    products = int(goods.product[-1]) + 1
    launch = np.where(chance.random(products) < shelf.launched, chance.uniform(0.02, 0.9, products) * days, -1.0)
    cents = _cents(chance, goods, shelf, products, days)
    available = _available(chance, goods, shelf, launch[goods.product], days)
    pairs = _substitutes(goods, shelf)
    replaced, strength = np.arange(len(goods)), np.zeros(len(goods))
    nearest = pairs.at(np.unique(pairs.item, return_index=True)[1])
    replaced[nearest.item], strength[nearest.item] = nearest.other, nearest.strength
    return Shelf(cents, available, launch[goods.product], pairs, replaced, strength)


def _cents(
    chance: np.random.Generator, goods: Goods, shelf: ShelfParameters, products: int, days: int
) -> Steps[np.float64]:
    """Each item's price: changed for good at some day, lowered while it is promoted. Variants change together."""
    changes = np.flatnonzero(chance.random(products) < shelf.price_changes)
    factor = np.exp(chance.normal(0, _PRICE_CHANGE, len(changes)))
    day = chance.uniform(0, days, len(changes))
    level = steps.spells(products, changes, day, np.full(len(changes), np.inf), factor, 1.0)
    owner, start, end = _periods(chance, products, shelf.promoted_per_100_days, days + _BEYOND, shelf.promotion_days)
    lowered = steps.spells(products, owner, start, end, 1 - chance.uniform(*shelf.promotion, len(owner)), 1.0)
    owner, day = steps.merged(products, level, lowered)
    now = level.at(owner, day) * lowered.at(owner, day)
    item, row = _to_items(goods, owner)
    return Steps(item, day[row], np.round(rounded(goods.price[item] * now[row]) * 100))


def _available(
    chance: np.random.Generator, goods: Goods, shelf: ShelfParameters, launch: Floats, days: int
) -> Steps[np.bool_]:
    """Whether each item can be bought: from its launch on, unless sold out."""
    longest = 6 * shelf.sold_out_days
    owner, start, end = _periods(chance, len(goods), shelf.sold_out_per_100_days, days + _BEYOND, (0.3, longest))
    short = np.minimum(end, start + shelf.sold_out_days * np.exp(chance.normal(0, 0.6, len(owner))))
    empty = steps.spells(len(goods), owner, start, short, np.zeros(len(owner)), 1.0)
    item = np.concatenate((empty.owner, np.arange(len(goods))))
    day = np.concatenate((empty.day, launch))
    return Steps(item, day, (empty.at(item, day) > 0) & (day >= launch[item]))


def _periods(
    chance: np.random.Generator, owners: int, per_100_days: float, days: int, length: tuple[float, float]
) -> tuple[Ints, Floats, Floats]:
    """Owner, start and end of periods that do not overlap: each of an owner's lies in a part of the time of its own."""
    count = chance.poisson(per_100_days * days / 100, owners)
    owner = np.repeat(np.arange(owners), count)
    part = days / count[owner]
    place = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    lasting = np.minimum(chance.uniform(*length, len(owner)), part * 0.95)
    start = place * part + chance.random(len(owner)) * (part - lasting)
    return owner, start, start + lasting


def _to_items(goods: Goods, product: Ints) -> tuple[Ints, Ints]:
    """For rows about products (ascending): the items of each, and the row that each comes from."""
    size = np.bincount(goods.product)
    first = np.cumsum(size) - size
    count = size[product]
    row = np.repeat(np.arange(len(product)), count)
    item = np.repeat(first[product] - (np.cumsum(count) - count), count) + np.arange(len(row))
    return item, row


def _substitutes(goods: Goods, shelf: ShelfParameters) -> Substitutes:
    """The items of the same kind that are nearest in price, nearest first."""
    order = np.lexsort((goods.price, goods.kind, goods.category))
    group = goods.category[order] * (int(goods.kind.max()) + 1) + goods.kind[order]
    found = []
    for shift in range(1, 2 * shelf.substitutes + 1):
        same: Flags = group[shift:] == group[:-shift]
        for low, high in ((order[:-shift], order[shift:]), (order[shift:], order[:-shift])):
            found.append(np.stack((low[same], high[same])))
    item, other = np.concatenate(found, axis=1)
    apart = goods.product[item] != goods.product[other]
    item, other = item[apart], other[apart]
    distance = np.abs(np.log(goods.price[item] / goods.price[other]))
    strength = shelf.takes_substitute * np.exp(-distance / _NEAR_PRICE)
    strength *= np.where(goods.style[item] == goods.style[other], 1.0, _OTHER_STYLE)
    pairs = Substitutes(item=item, other=other, strength=strength)
    pairs = pairs.at(np.lexsort((pairs.other, -pairs.strength, pairs.item)))
    place = np.arange(len(pairs)) - np.searchsorted(pairs.item, pairs.item)
    return pairs.at(place < shelf.substitutes)
