"""What is looked at in a visit: items of the category it is about, some of others, some seen before."""

import itertools

import msgspec
import numpy as np

from etappe.simulation.assortment import Assortment
from etappe.simulation.chance import Wheels, stream
from etappe.simulation.goods import Goods
from etappe.simulation.people import People, Tastes
from etappe.simulation.tables import Flags, Floats, Ints, Table, firsts, ranks
from etappe.simulation.visits import Visits

_VIEWS, _VIEWS_SPREAD, _MOST_VIEWS = 5.0, 0.7, 40
"""Median, log spread and maximum of the views of a visit."""
_WANDER = 0.15
"""Chance that a view is of another category than the visit's."""
_AGAIN, _BACK = 0.2, 0.35
"""Chance that a view repeats one of the person's last ones; chance to stop at each on the way back to it."""
_WISHES, _RETURNS, _LATER = 0.012, 0.5, 0.05
"""Chance that a viewed item is put on the wish list; to come back to it; to stop at each view on the way there."""
_OFTEN = 2
"""An item is looked at no more often than this in one visit."""
_STYLE = 4.0
"""How much more likely an item of the preferred style is looked at than one of another style."""
_THRIFT = 0.5
"""Exponent of the price (relative to the category's) in the weights of the thrifty, negated for the others."""


class Views(Table, frozen=True):
    """One row a view of an item, in order; `place` is its place inside the visit."""

    visit: Ints
    item: Ints
    place: Floats
    wished: Flags
    """The item is put on the wish list."""
    returning: Flags
    """The person came back to an item from the wish list."""

    @classmethod
    def plain(cls, visit: Ints, item: Ints) -> "Views":
        """Views that follow on each other in each `visit` [n] and have to do with no wish list."""
        none = np.zeros(len(visit), dtype=np.bool_)
        return cls(visit=visit, item=item, place=ranks(visit).astype(np.float64), wished=none, returning=none)


class Interest:
    """Draws an item of a category for a person: attractive ones more often, by preferred style and price level."""

    def __init__(self, goods: Goods, people: People, assortment: Assortment) -> None:
        self._categories = len(assortment.categories)
        self._items = len(goods)
        self._kind = people.style * 2 + people.thrifty
        kinds = itertools.product(range(len(assortment.styles)), (False, True))
        weights = np.stack([_weights(goods, style, thrifty=thrifty) for style, thrifty in kinds])
        starts = np.searchsorted(goods.category, np.arange(self._categories))
        bounds = (np.arange(len(weights))[:, None] * self._items + starts).ravel()
        self._wheels = Wheels(weights.ravel(), np.append(bounds, weights.size))

    def draw(self, person: Ints, category: Ints, uniform: Floats) -> Ints:
        """int64[n]: the item that catches each `person`'s eye in each `category`."""
        return self._wheels.spin(self._kind[person] * self._categories + category, uniform) % self._items


def look(visits: Visits, interest: Interest, tastes: Tastes, seed: int) -> Views:
    """All views of the `visits`, sorted like them."""
    chance = stream(seed, "views")
    count = np.rint(_VIEWS * np.exp(chance.normal(0, _VIEWS_SPREAD, len(visits)))).astype(np.int64)
    visit = np.repeat(np.arange(len(visits)), np.clip(count, 1, _MOST_VIEWS))
    person = visits.person[visit]
    wandering = chance.random(len(visit)) < _WANDER
    category = np.where(wandering, tastes.draw(person, chance.random(len(visit))), visits.intent[visit])
    item = interest.draw(person, category, chance.random(len(visit)))
    views = Views.plain(visit, item[_looked_back(chance, person)])
    return _without_repeats(_with_wishes(chance, views, person))


def _weights(goods: Goods, style: int, *, thrifty: bool) -> Floats:
    """float64[items]: how likely each item of a category is looked at by people of this style and thrift."""
    count = np.bincount(goods.category)
    typical = np.exp(np.bincount(goods.category, np.log(goods.price)) / count)[goods.category]
    exponent = -_THRIFT if thrifty else _THRIFT
    return np.asarray(
        goods.attraction * np.where(goods.style == style, _STYLE, 1.0) * (goods.price / typical) ** exponent
    )


def _looked_back(chance: np.random.Generator, person: Ints) -> Ints:
    """int64[views]: the view whose item each view shows: its own, or one of the person's last but the very last."""
    own = np.arange(len(person))
    back = own - 1 - chance.geometric(_BACK, len(person))
    again: Flags = (chance.random(len(person)) < _AGAIN) & (back >= own - ranks(person))
    source = np.where(again, back, own)
    while not np.array_equal(source, source[source]):
        source = source[source]
    return source


def _with_wishes(chance: np.random.Generator, views: Views, person: Ints) -> Views:
    """Some views put the item on the wish list, and some later ones of the same person come back to it."""
    wished = chance.random(len(views)) < _WISHES
    rows = np.flatnonzero(wished)
    later = rows + chance.geometric(_LATER, len(rows))
    back = (chance.random(len(rows)) < _RETURNS) & (later < len(views))
    rows, later = rows[back], later[back]
    same = (person[later] == person[rows]) & ~wished[later]
    item, returning = views.item.copy(), np.zeros(len(views), dtype=np.bool_)
    item[later[same]] = views.item[rows[same]]
    returning[later[same]] = True
    return msgspec.structs.replace(views, item=item, wished=wished, returning=returning)


def _without_repeats(views: Views) -> Views:
    """Nobody opens the page they are on, nor one page again and again: such views do not take place."""
    reloaded = ~firsts(views.visit) & (np.diff(views.item, prepend=-1) == 0)
    order = np.lexsort((views.item, views.visit))
    often = np.zeros(len(views), dtype=np.bool_)
    often[order] = ranks(views.visit[order] * (int(views.item.max(initial=0)) + 1) + views.item[order]) >= _OFTEN
    return views.at(views.wished | views.returning | ~(reloaded | often))
