"""What is looked at in a visit: items of the category it is about, some of others, some seen before."""

import msgspec
import numpy as np

from etappe.simulation.journey.arrivals import NONE, STORE, Visits
from etappe.simulation.parameters import Parameters, named_by_stage
from etappe.simulation.tables import Flags, Floats, Ints, Table, firsts, ranks
from etappe.simulation.visits.interest import Interest

_BACK, _LATER = 0.35, 0.05
"""Chance to stop at each view on the way back to one of the last; on the way to what is on the wish list."""
_OFTEN = 2
"""An item is looked at no more often than this in one visit."""


class Views(Table, frozen=True):
    """One row a view of an item, in order; `place` is its place inside the visit."""

    visit: Ints
    item: Ints
    place: Floats
    wished: Flags
    """The item is put on the wish list."""
    returning: Flags
    """The person came back to an item from the wish list."""
    empty: Flags
    """The item was sold out."""

    @classmethod
    def plain(cls, visit: Ints, item: Ints) -> "Views":
        """Views that follow on each other in each `visit` [n], of what is in stock."""
        none = np.zeros(len(visit), dtype=np.bool_)
        place = ranks(visit).astype(np.float64)
        return cls(visit=visit, item=item, place=place, wished=none, returning=none, empty=none)


def intents(chance: np.random.Generator, visits: Visits, interest: Interest, parameters: Parameters) -> Ints:
    """int64[visits]: the category each visit is about: one the person wants, or that of the visit before."""
    drawn = interest.category(chance, visits.person, visits.day)
    same = named_by_stage(parameters.visits.same_category)[visits.mood]
    fresh = firsts(visits.person) | (chance.random(len(visits)) >= same)
    return drawn[np.maximum.accumulate(np.where(fresh, np.arange(len(visits)), 0))]


def look(
    chance: np.random.Generator, visits: Visits, intent: Ints, interest: Interest, parameters: Parameters
) -> Views:
    """All views of the `visits`, sorted like them."""
    said = parameters.visits
    business = interest.response.people.business[visits.person]
    median = parameters.by_stage("views")[visits.mood] * np.where(business, said.business_views, 1.0)
    many = np.rint(median * np.exp(chance.normal(0, said.views_spread, len(visits)))).astype(np.int64)
    sold = 1 + chance.poisson(said.store_lines - 1, len(visits))
    count = np.where(visits.channel == STORE, sold, np.clip(many, 1, said.most_views))
    visit = np.repeat(np.arange(len(visits)), count)
    person, day = visits.person[visit], visits.day[visit]
    wandering = chance.random(len(visit)) < said.wander
    category = np.where(wandering, interest.category(chance, person, day), intent[visit])
    item = interest.item(chance, person, category)
    views = Views.plain(visit, item[_looked_back(chance, person, said.look_back)])
    wish = parameters.by_stage("wish")[visits.mood[visit]] * (visits.channel[visit] != STORE)
    views = _with_wishes(chance, views, person, wish, said.wish_return)
    return _without_repeats(_in_stock(chance, views, day, interest))


def _looked_back(chance: np.random.Generator, person: Ints, again: float) -> Ints:
    """int64[views]: the view whose item each view shows: its own, or one of the person's last but the very last."""
    own = np.arange(len(person))
    back = own - 1 - chance.geometric(_BACK, len(person))
    repeats: Flags = (chance.random(len(person)) < again) & (back >= own - ranks(person))
    source = np.where(repeats, back, own)
    while not np.array_equal(source, source[source]):
        source = source[source]
    return source


def _with_wishes(chance: np.random.Generator, views: Views, person: Ints, wish: Floats, comes_back: float) -> Views:
    """Some views put the item on the wish list, and some later ones of the same person come back to it."""
    wished = chance.random(len(views)) < wish
    rows = np.flatnonzero(wished)
    later = rows + chance.geometric(_LATER, len(rows))
    back = (chance.random(len(rows)) < comes_back) & (later < len(views))
    rows, later = rows[back], later[back]
    same = (person[later] == person[rows]) & ~wished[later]
    item, returning = views.item.copy(), np.zeros(len(views), dtype=np.bool_)
    item[later[same]] = views.item[rows[same]]
    returning[later[same]] = True
    return msgspec.structs.replace(views, item=item, wished=wished, returning=returning)


def _in_stock(chance: np.random.Generator, views: Views, day: Floats, interest: Interest) -> Views:
    """What is sold out is replaced by something near it, or seen all the same; what is not out yet is not seen."""
    shelf = interest.response.shelf
    missing = ~shelf.available.at(views.item, day)
    takes = missing & (chance.random(len(views)) < shelf.chance[views.item])
    item = np.where(takes, shelf.replaced[views.item], views.item)
    empty = np.zeros(len(views), dtype=np.bool_)
    empty[missing] = ~shelf.available.at(item[missing], day[missing])
    out = day >= shelf.launch[item]
    return msgspec.structs.replace(views, item=item, wished=views.wished & ~empty, empty=empty).at(out)


def _without_repeats(views: Views) -> Views:
    """Nobody opens the page they are on, nor one page again and again: such views do not take place."""
    order = np.lexsort((views.item, views.visit))
    often = np.zeros(len(views), dtype=np.bool_)
    often[order] = ranks(views.visit[order] * (int(views.item.max(initial=0)) + 1) + views.item[order]) >= _OFTEN
    views = views.at(views.wished | views.returning | ~often)
    reloaded = ~firsts(views.visit) & (np.diff(views.item, prepend=NONE) == 0)
    return views.at(views.wished | views.returning | ~reloaded)
