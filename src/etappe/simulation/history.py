"""All that happens in the shop: visits out of interest and visits to buy again, put together."""

from typing import TypeVar

import msgspec
import numpy as np

from etappe.simulation import baskets, browsing, reorders
from etappe.simulation.baskets import Lines
from etappe.simulation.browsing import Interest, Views
from etappe.simulation.chance import stream
from etappe.simulation.goods import Goods
from etappe.simulation.people import People, Tastes
from etappe.simulation.rhythm import Rhythm
from etappe.simulation.tables import Flags, Ints
from etappe.simulation.visits import Visits
from etappe.simulation.visits import browsing as browsing_visits

_Part = TypeVar("_Part", Views, Lines)

_DECIDED = 0.45
"""Share of visits that come back to something on the wish list in the mood to buy, whatever else they are for."""


class History(msgspec.Struct, frozen=True):
    """Visits by person and start; `views` and `lines` name them by row and are sorted by visit and place."""

    visits: Visits
    views: Views
    lines: Lines


def live(people: People, goods: Goods, interest: Interest, rhythm: Rhythm, seed: int) -> History:
    """The history of all `people` over the whole time."""
    tastes = Tastes(people)
    first = _browse(people, goods, interest, tastes, rhythm, seed)
    needs = reorders.running_out(first.visits, first.lines, people, interest, goods, rhythm, seed)
    visits, views = reorders.visits_for(needs, people, goods, rhythm, seed)
    return _together(first, History(visits, views, baskets.again(visits, views, goods, seed)))


def _browse(people: People, goods: Goods, interest: Interest, tastes: Tastes, rhythm: Rhythm, seed: int) -> History:
    visits = browsing_visits(people, tastes, rhythm, seed)
    views = browsing.look(visits, interest, tastes, seed)
    visits = msgspec.structs.replace(visits, keen=visits.keen | _decided(visits, views, seed))
    return History(visits, views, baskets.fill(visits, views, goods, seed))


def _decided(visits: Visits, views: Views, seed: int) -> Flags:
    """bool[visits]: the person came to buy what was on the wish list."""
    returns = np.bincount(views.visit, views.returning, minlength=len(visits)) > 0
    return returns & (stream(seed, "wishes").random(len(visits)) < _DECIDED)


def _together(one: History, other: History) -> History:
    """Both histories; visits of `other` that would overlap with one of the same person do not take place."""
    visits = Visits.joined([one.visits, other.visits])
    order = np.lexsort((visits.start, visits.person))
    kept = np.delete(order, reorders.too_near(visits.at(order)))
    number = np.full(len(visits), -1)
    number[kept] = np.arange(len(kept))
    shift = len(one.visits)
    return History(
        visits.at(kept),
        _renumbered(Views.joined([one.views, _shifted(other.views, shift)]), number),
        _renumbered(Lines.joined([one.lines, _shifted(other.lines, shift)]), number),
    )


def _shifted(part: _Part, visits: int) -> _Part:
    return msgspec.structs.replace(part, visit=part.visit + visits)


def _renumbered(part: _Part, number: Ints) -> _Part:
    """The rows whose visit has a new `number` (not -1), sorted by it and by place."""
    renumbered = msgspec.structs.replace(part, visit=number[part.visit])
    order = np.lexsort((renumbered.place, renumbered.visit))
    return renumbered.at(order[renumbered.visit[order] >= 0])
