"""All that happens in the shop to some people: visits out of interest and visits to buy, put together."""

from typing import Final, TypeVar

import msgspec
import numpy as np

from etappe.simulation.clock import Clock
from etappe.simulation.journey.arrivals import APART, NONE, Arrivals, Visits
from etappe.simulation.journey.journeys import Journeys
from etappe.simulation.journey.stays import suited
from etappe.simulation.parameters import Parameters
from etappe.simulation.steps import Steps
from etappe.simulation.tables import Ints, firsts
from etappe.simulation.visits import baskets, reorders, shown, views
from etappe.simulation.visits.baskets import Baskets, Lines
from etappe.simulation.visits.interest import Interest
from etappe.simulation.visits.reorders import Needs
from etappe.simulation.visits.shown import ShopWindow, Shown, Wanted
from etappe.simulation.visits.views import Views

_Part = TypeVar("_Part", Views, Lines, Shown)
FROM_LIST: Final = -0.5
"""Place in a visit from which on stands what is looked at from the list on the home page: before all else."""
_BEHIND: Final = 0.25
"""What is bought because of the piece there is looked at so much later."""


class History(msgspec.Struct, frozen=True, eq=False):
    """Visits by person and day; `views`, `lines` and `shown` name them by row and are sorted by visit and place."""

    visits: Visits
    views: Views
    lines: Lines
    shown: Shown


class Historian:
    """Lets people do in the shop what they do."""

    def __init__(
        self, parameters: Parameters, clock: Clock, interest: Interest, window: ShopWindow, arrivals: Arrivals
    ) -> None:
        self._parameters, self._clock = parameters, clock
        self._interest, self._window, self._arrivals = interest, window, arrivals
        self._baskets = Baskets(parameters, interest.response)

    def live(self, chance: np.random.Generator, persons: Ints, journeys: Journeys) -> History:
        """The history of `persons`, whose `journeys` these are."""
        first, wanted = self._browse(chance, journeys.visits)
        stays = journeys.stays
        stage = Steps(stays.person, stays.start, stays.stage)
        whole = _together(first, self._to_buy(chance, journeys, self._later(first.visits, wanted)))
        needs = Needs.joined([reorders.habits(chance, persons, self._interest, self._parameters.reorders), _met(whole)])
        due = reorders.due_again(
            chance, needs, stage, self._interest.response, self._parameters.reorders, self._clock.days
        )
        whole = _together(whole, self._to_buy(chance, journeys, due))
        lines = baskets.new_to_their_buyer(whole.lines, whole.visits, self._interest.response.goods)
        return msgspec.structs.replace(whole, lines=lines)

    def _browse(self, chance: np.random.Generator, visits: Visits) -> tuple[History, Wanted]:
        """What happens in the visits of the journeys, and what was wanted because it was shown."""
        intent = views.intents(chance, visits, self._interest, self._parameters)
        looked = views.look(chance, visits, intent, self._interest, self._parameters)
        filled = self._baskets.fill(chance, visits, looked)
        window = shown.show(chance, visits, intent, self._window, self._interest.response)
        wanted = shown.follow(chance, visits, window, self._interest, self._parameters)
        at_once = wanted.at(wanted.later == 0)
        at_once = at_once.at(self._interest.response.shelf.available.at(at_once.item, visits.day[at_once.visit]))
        at_once = at_once.at(np.argsort(at_once.visit, kind="stable"))
        opened = window.at(window.clicked)
        beside = at_once.at(~np.isin(_pairs(at_once.visit, at_once.item), _pairs(opened.visit, opened.item)))
        seen = Views.joined([_listed(opened.visit, opened.item), _listed(beside.visit, beside.item, _BEHIND)])
        bought = self._baskets.again(chance, visits, _listed(at_once.visit, at_once.item))
        both = baskets.tidied(Lines.joined([bought, filled]), self._parameters.visits.most_lines)
        return History(visits, _sorted(Views.joined([seen, looked])), both, window), wanted

    def _later(self, visits: Visits, wanted: Wanted) -> Needs:
        later = wanted.at(wanted.later > 0)
        day = visits.day[later.visit] + later.later
        needs = Needs(person=visits.person[later.visit], item=later.item, day=day)
        needs = needs.at((day < self._clock.days) & self._interest.response.shelf.available.at(later.item, day))
        return needs.at(np.lexsort((needs.day, needs.person)))

    def _to_buy(self, chance: np.random.Generator, journeys: Journeys, needs: Needs) -> tuple[Visits, Views, Lines]:
        """The visits in which `needs` are met, and what is looked at there: nothing else."""
        together = self._parameters.reorders.together_days
        alone = firsts(needs.person) | (np.diff(needs.day, prepend=-np.inf) > together)
        visit, rows = np.cumsum(alone) - 1, np.flatnonzero(alone)
        person, people = needs.person[rows], self._interest.response.people
        end = float(self._clock.days)
        day = suited(chance, self._clock, people.habit[person], needs.day[rows], np.zeros(len(rows)), end)
        there = self._interest.response.shelf.available.at(needs.item, day[visit])
        needs, (kept, visit) = needs.at(there), np.unique(visit[there], return_inverse=True)
        person, day = person[kept], day[kept]
        stays = Steps(journeys.stays.person, journeys.stays.start, np.arange(len(journeys.stays)))
        visits = self._arrivals.begun(
            chance, journeys.stays, stays.at(person, day), day, np.full(len(day), NONE), people
        )
        first = needs.item[firsts(visit)]
        visits = msgspec.structs.replace(visits, reorder=np.ones(len(day), dtype=np.bool_), item=first)
        looked = Views.plain(visit, needs.item)
        return visits, looked, self._baskets.again(chance, visits, looked)


def _listed(visit: Ints, item: Ints, behind: float = 0.0) -> Views:
    """Views of what a list led to (or, `behind` them, a piece), before those of the visit itself."""
    seen = Views.plain(visit, item)
    return msgspec.structs.replace(seen, place=FROM_LIST + behind + seen.place / 100)


def _pairs(visit: Ints, item: Ints) -> Ints:
    """int64[n]: one number for each pair."""
    return visit * (1 << 32) + item


def _met(history: History) -> Needs:
    lines = history.lines.at(history.lines.bought)
    visits = history.visits
    return Needs(person=visits.person[lines.visit], item=lines.item, day=visits.day[lines.visit])


def _together(one: History, others: tuple[Visits, Views, Lines]) -> History:
    """A history with `others` added; those that would overlap with another visit of the person do not take place."""
    added, looked, filled = others
    visits = Visits.joined([one.visits, added])
    order = np.lexsort((visits.day, visits.person))
    near = ~firsts(visits.person[order]) & (np.diff(visits.day[order], prepend=-1.0) < APART)
    near |= np.append(near[1:], False)
    kept = order[~((order >= len(one.visits)) & near)]
    number = np.full(len(visits), NONE)
    number[kept] = np.arange(len(kept))
    shift = len(one.visits)
    return History(
        visits.at(kept),
        _renumbered(Views.joined([one.views, _shifted(looked, shift)]), number),
        _renumbered(Lines.joined([one.lines, _shifted(filled, shift)]), number),
        _renumbered(one.shown, number),
    )


def _shifted(part: _Part, visits: int) -> _Part:
    return msgspec.structs.replace(part, visit=part.visit + visits)


def _renumbered(part: _Part, number: Ints) -> _Part:
    """The rows whose visit has a new `number` (not NONE), sorted by it and by place."""
    renumbered = msgspec.structs.replace(part, visit=number[part.visit])
    return _sorted(renumbered.at(renumbered.visit != NONE))


def _sorted(part: _Part) -> _Part:
    return part.at(np.lexsort((part.position if isinstance(part, Shown) else part.place, part.visit)))
