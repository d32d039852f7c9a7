"""What goes into the cart, what comes along with it, and what of it is bought."""

import numpy as np

from etappe.simulation.browsing import Views
from etappe.simulation.chance import stream
from etappe.simulation.goods import Goods
from etappe.simulation.tables import Flags, Floats, Ints, Table, ranks
from etappe.simulation.visits import Visits

MOST_LINES = 5
_CART_KEEN, _CART_IDLE = 0.2, 0.02
"""Chance that a view leads to the cart, in the mood to buy and otherwise."""
_SECOND_LOOK = 1.8
"""How much likelier that is where the person looks at the item again."""
_WISHED = 3.0
"""How much likelier that is where the person comes back to an item from the wish list."""
_CHECKOUT = 0.62
"""Chance that a cart filled in the mood to buy is paid for; others never are."""
_NEAR = 0.5
"""Where in the visit, after the view, a cart event stands; see `happenings`."""


class Lines(Table, frozen=True):
    """One row a line of a cart: an item once a visit, sorted by visit and place."""

    visit: Ints
    item: Ints
    place: Floats
    quantity: Ints
    bought: Flags
    companion: Flags
    """Came along with the line before as its complement, after a view of its own."""


def fill(visits: Visits, views: Views, goods: Goods, seed: int) -> Lines:
    """The carts of all `visits`."""
    chance = stream(seed, "baskets")
    chosen = views.at(_chosen(chance, visits, views))
    lines = Lines(
        visit=chosen.visit,
        item=chosen.item,
        place=chosen.place + _NEAR,
        quantity=_quantities(chance, goods, chosen.item),
        bought=(visits.keen & (chance.random(len(visits)) < _CHECKOUT))[chosen.visit],
        companion=np.zeros(len(chosen), dtype=np.bool_),
    )
    lines = tidied(Lines.joined([lines, _companions(chance, lines, goods)]))
    return lines.at(~_owned(lines, visits, goods))


def tidied(lines: Lines) -> Lines:
    """The lines in order, each item once a visit, at most MOST_LINES a visit."""
    lines = lines.at(np.lexsort((lines.place, lines.visit)))
    once = lines.at(_first_of(lines.visit, lines.item))
    return once.at(ranks(once.visit) < MOST_LINES)


def again(visits: Visits, views: Views, goods: Goods, seed: int) -> Lines:
    """The carts of visits made to buy again: every view is a line that is bought."""
    chance = stream(seed, "baskets/again")
    return tidied(
        Lines(
            visit=views.visit,
            item=views.item,
            place=views.place + _NEAR,
            quantity=_quantities(chance, goods, views.item),
            bought=visits.reorder[views.visit],
            companion=np.zeros(len(views), dtype=np.bool_),
        )
    )


def _chosen(chance: np.random.Generator, visits: Visits, views: Views) -> Flags:
    """bool[views]: the view led to the cart."""
    first = np.zeros(len(views), dtype=np.bool_)
    first[_first_of(visits.person[views.visit], views.item)] = True
    likely = np.where(visits.keen[views.visit], _CART_KEEN, _CART_IDLE)
    likely = np.where(first, likely, likely * _SECOND_LOOK)
    return chance.random(len(views)) < np.where(views.returning, likely * _WISHED, likely)


def _companions(chance: np.random.Generator, lines: Lines, goods: Goods) -> Lines:
    """The complements that come along with bought `lines`."""
    along = lines.at(lines.bought & (chance.random(len(lines)) < goods.chance[lines.item]))
    item = goods.partner[along.item]
    return Lines(
        visit=along.visit,
        item=item,
        place=along.place + _NEAR / 2,
        quantity=_quantities(chance, goods, item),
        bought=along.bought,
        companion=np.ones(len(along), dtype=np.bool_),
    )


def _quantities(chance: np.random.Generator, goods: Goods, item: Ints) -> Ints:
    """int64[n]: pieces of each item, 1 plus a Poisson number with the category's mean."""
    return 1 + chance.poisson(goods.pack[item] - 1)


def _owned(lines: Lines, visits: Visits, goods: Goods) -> Flags:
    """bool[lines]: the person bought this very item before, and it lasts."""
    bought = np.flatnonzero(lines.bought & np.isinf(goods.cycle[lines.item]))
    owned = np.zeros(len(lines), dtype=np.bool_)
    owned[bought] = True
    owned[bought[_first_of(visits.person[lines.visit[bought]], lines.item[bought])]] = False
    return owned


def _first_of(group: Ints, item: Ints) -> Ints:
    """int64: the rows at which a pair of group and item appears for the first time, ascending."""
    span = int(item.max(initial=0)) + 1
    return np.sort(np.unique(group * span + item, return_index=True)[1])
