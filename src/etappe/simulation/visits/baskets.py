"""What goes into the cart, what comes along with it, and what of it is bought."""

import numpy as np

from etappe.simulation.goods.goods import NONE, Goods
from etappe.simulation.journey.arrivals import STORE, Visits
from etappe.simulation.parameters import Parameters, named_by_stage
from etappe.simulation.response import Response
from etappe.simulation.tables import Flags, Floats, Ints, Table, firsts, ranks
from etappe.simulation.visits.views import Views

_NEAR = 0.5
"""Where in the visit, after the view, a cart event stands; see `record.happenings`."""


class Lines(Table, frozen=True):
    """One row a line of a cart: an item once a visit, sorted by visit and place."""

    visit: Ints
    item: Ints
    place: Floats
    quantity: Ints
    bought: Flags
    companion: Flags
    """Came along with the line before as its complement, after a view of its own."""


class Baskets:
    """Fills carts."""

    def __init__(self, parameters: Parameters, response: Response) -> None:
        self._said, self._response = parameters.visits, response
        self._cart, self._pay = parameters.by_stage("cart"), parameters.by_stage("pay")
        self._sale = named_by_stage(parameters.visits.store_sale)

    def fill(self, chance: np.random.Generator, visits: Visits, views: Views) -> Lines:
        """The carts of all `visits`."""
        paid = self._paid(chance, visits)
        chosen = views.at(self._chosen(chance, visits, views, paid))
        return self._complete(chance, visits, chosen, paid[chosen.visit])

    def again(self, chance: np.random.Generator, visits: Visits, views: Views) -> Lines:
        """The carts of visits made to buy: every view is a line that is bought."""
        return self._complete(chance, visits, views, np.ones(len(views), dtype=np.bool_))

    def _paid(self, chance: np.random.Generator, visits: Visits) -> Flags:
        """bool[visits]: what is in the cart is bought."""
        likely = np.where(visits.channel == STORE, self._sale[visits.stage], self._pay[visits.mood])
        paid: Flags = visits.keen | (chance.random(len(visits)) < likely)
        return paid

    def _chosen(self, chance: np.random.Generator, visits: Visits, views: Views, paid: Flags) -> Flags:
        """bool[views]: the view led to the cart; in a visit that ends a decision one does at least."""
        said, visit = self._said, views.visit
        first = np.zeros(len(views), dtype=np.bool_)
        first[_first_of(visits.person[visit], views.item)] = True
        likely = np.where(visits.keen[visit], said.keen_cart, self._cart[visits.mood[visit]])
        likely = np.where(first, likely, likely * said.second_look)
        likely = np.where(views.returning, likely * said.wish_lift, likely)
        likely = np.where(self._response.people.business[visits.person[visit]], likely * said.business_cart, likely)
        chosen = (chance.random(len(views)) < likely) & ~views.empty
        chosen = np.where(visits.channel[visit] == STORE, paid[visit] & ~views.empty, chosen)
        lacking = visits.keen & (np.bincount(visit, chosen, minlength=len(visits)) == 0)
        rows = np.flatnonzero(lacking[visit] & ~views.empty)
        chosen[rows[firsts(visit[rows])]] = True
        return chosen

    def _complete(self, chance: np.random.Generator, visits: Visits, chosen: Views, bought: Flags) -> Lines:
        lines = Lines(
            visit=chosen.visit,
            item=chosen.item,
            place=chosen.place + _NEAR,
            quantity=self._quantities(chance, visits.person[chosen.visit], chosen.item),
            bought=bought,
            companion=np.zeros(len(chosen), dtype=np.bool_),
        )
        along = self._companions(chance, visits, lines)
        return tidied(Lines.joined([lines, along]), self._said.most_lines)

    def _companions(self, chance: np.random.Generator, visits: Visits, lines: Lines) -> Lines:
        """The complements that come along with bought `lines`."""
        goods = self._response.goods
        takes = lines.bought & (goods.partner[lines.item] != NONE)
        along = lines.at(takes & (chance.random(len(lines)) < goods.chance[lines.item]))
        item = goods.partner[along.item]
        there = self._response.shelf.available.at(item, visits.day[along.visit])
        along, item = along.at(there), item[there]
        return Lines(
            visit=along.visit,
            item=item,
            place=along.place + _NEAR / 2,
            quantity=self._quantities(chance, visits.person[along.visit], item),
            bought=along.bought,
            companion=np.ones(len(along), dtype=np.bool_),
        )

    def _quantities(self, chance: np.random.Generator, person: Ints, item: Ints) -> Ints:
        """int64[n]: pieces of each item: 1, a Poisson number more by its category, and more for a company."""
        more = chance.poisson(self._response.goods.pack[item] - 1)
        business = self._response.people.business[person]
        many: Ints = 1 + more + np.where(business, chance.poisson(self._said.business_quantity, len(item)), 0)
        return many


def tidied(lines: Lines, most: int) -> Lines:
    """The lines in order, each item once a visit, at most `most` a visit."""
    lines = lines.at(np.lexsort((lines.place, lines.visit)))
    once = lines.at(_first_of(lines.visit, lines.item))
    return once.at(ranks(once.visit) < most)


def new_to_their_buyer(lines: Lines, visits: Visits, goods: Goods) -> Lines:
    """Without what lasts and the person bought before. Lines are by person and time."""
    bought = np.flatnonzero(lines.bought & np.isinf(goods.cycle[lines.item]))
    owned = np.zeros(len(lines), dtype=np.bool_)
    owned[bought] = True
    owned[bought[_first_of(visits.person[lines.visit[bought]], lines.item[bought])]] = False
    return lines.at(~owned)


def _first_of(group: Ints, item: Ints) -> Ints:
    """int64: the rows at which a pair of group and item appears for the first time, ascending."""
    span = int(item.max(initial=0)) + 1
    return np.sort(np.unique(group * span + item, return_index=True)[1])
