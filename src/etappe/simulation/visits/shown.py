"""The lists the shop showed in the time of the story, by a rule with known chances, and how people responded."""

from typing import Final

import numpy as np

from etappe.simulation.chance import Wheels
from etappe.simulation.journey.arrivals import NONE, Visits
from etappe.simulation.parameters import Parameters
from etappe.simulation.response import EVERYTHING, Response
from etappe.simulation.steps import Steps
from etappe.simulation.tables import Flags, Floats, Ints, Table, before, firsts
from etappe.simulation.visits.interest import Interest

LIST: Final = 5
"""Items of the list on the home page."""
_LAST: Final = 0.6
"""Chance with which each item of a list is of the category the visitor was at last; else of any, all alike."""
TRIES: Final = 24


class Shown(Table, frozen=True):
    """One row an item shown in a list, by visit and position."""

    visit: Ints
    position: Ints
    item: Ints
    propensity: Floats
    """The chance with which it was drawn for this position, given those before it."""
    seen: Ints
    """How often it was shown to the person before in the same stay in a stage."""
    clicked: Flags
    bought: Flags
    """Buys it because of this, at once or later (maybe behind the end of the story)."""


class Wanted(Table, frozen=True):
    """One row a purchase that follows from something shown."""

    visit: Ints
    """The visit in which it was shown."""
    item: Ints
    later: Floats
    """Days until it is bought; 0 for at once."""


class ShopWindow:
    """The rule by which the shop filled its list, as it was before Etappe."""

    def __init__(self, response: Response) -> None:
        goods, shelf = response.goods, response.shelf
        self._categories = int(goods.category[-1]) + 1
        self._goods, self._shelf = goods, shelf
        starts = np.searchsorted(goods.category, np.arange(self._categories + 1))
        self._wheels = Wheels(goods.attraction, starts)
        everything = np.bincount(goods.category, goods.attraction)[goods.category]
        self._weight = goods.attraction / everything
        self._of_category = _in_stock(response, goods.category, self._weight)
        self._of_all = _in_stock(response, np.zeros_like(goods.category), self._weight)

    def fill(self, chance: np.random.Generator, last: Ints, day: Floats) -> tuple[Ints, Floats]:
        """int64[n, LIST] and float64[n, LIST]: items (NONE where none was found) and their propensities.

        `last` [n] is the category that each visitor was at last, or NONE.
        """
        item, likely = np.full((len(last), LIST), NONE), np.zeros((len(last), LIST))
        used = np.zeros(len(last))
        for position in range(LIST):
            drawn = self._draw(chance, last, day, item[:, :position])
            alone = np.where(drawn == NONE, 0.0, self.chance(last, day, np.maximum(drawn, 0)))
            item[:, position], likely[:, position] = drawn, alone / (1.0 - used)
            used += alone
        return item, likely

    def chance(self, last: Ints, day: Floats, item: Ints) -> Floats:
        """float64[n]: the chance of an item that is in stock to be drawn for the first position."""
        category = self._goods.category[item]
        known, any_of = np.where(last == NONE, 0.0, _LAST), np.maximum(last, 0)
        of_any = (1 - known) / self._categories
        share = known * (last == category) + of_any
        first = np.zeros(len(last), dtype=np.int64)
        drawn = known * self._of_category.at(any_of, day) + of_any * self._of_all.at(first, day)
        return np.asarray(share * self._weight[item] / drawn)

    def _draw(self, chance: np.random.Generator, last: Ints, day: Floats, listed: Ints) -> Ints:
        """int64[n]: an item that is in stock and not `listed` [n, positions] already."""
        found = np.full(len(last), NONE)
        for _ in range(TRIES):
            rows = np.flatnonzero(found == NONE)
            if not len(rows):
                break
            of_last = (last[rows] != NONE) & (chance.random(len(rows)) < _LAST)
            category = np.where(of_last, last[rows], chance.integers(self._categories, size=len(rows)))
            item = self._wheels.spin(category, chance.random(len(rows)))
            fits = self._shelf.available.at(item, day[rows]) & ~(listed[rows] == item[:, None]).any(axis=1)
            found[rows[fits]] = item[fits]
        return found


def show(chance: np.random.Generator, visits: Visits, intent: Ints, window: ShopWindow, response: Response) -> Shown:
    """The lists of all visits that begin on the home page, and whether people clicked and buy."""
    rows = np.flatnonzero(visits.home)
    last = np.where(firsts(visits.person), NONE, np.concatenate(([NONE], intent[:-1])))
    item, propensity = window.fill(chance, last[rows], visits.day[rows])
    visit, position = np.repeat(rows, LIST), np.tile(np.arange(LIST), len(rows))
    there = item.ravel() != NONE
    visit, position, item, propensity = visit[there], position[there], item.ravel()[there], propensity.ravel()[there]
    seen = _seen(visits.stay[visit], item)
    person, stage, day = visits.person[visit], visits.stage[visit], visits.day[visit]
    clicked = chance.random(len(visit)) < response.item_click(person, stage, item, day, position, seen)
    bought = clicked & (chance.random(len(visit)) < response.item_buy(person, stage, item, day))
    return Shown(
        visit=visit, position=position, item=item, propensity=propensity, seen=seen, clicked=clicked, bought=bought
    )


def follow(
    chance: np.random.Generator,
    visits: Visits,
    shown: Shown,
    interest: Interest,
    parameters: Parameters,
) -> Wanted:
    """What is bought because of a list, or because of a piece: something of the piece's topic."""
    said, response = parameters.response, interest.response
    of_lists = shown.at(shown.bought)
    rows = np.flatnonzero(visits.clicked)
    likely = response.piece_buy(visits.person[rows], visits.stage[rows], visits.piece[rows])
    rows = rows[chance.random(len(rows)) < likely]
    visit = np.concatenate((of_lists.visit, rows))
    item = np.concatenate((of_lists.item, _of_topic(chance, visits.at(rows), interest)))
    later = said.delay_days * np.exp(chance.normal(0, 0.8, len(visit)))
    at_once = chance.random(len(visit)) < said.at_once
    return Wanted(visit=visit, item=item, later=np.where(at_once, 0.0, later))


def of_topic(chance: np.random.Generator, person: Ints, day: Floats, topic: Ints, interest: Interest) -> Ints:
    """int64[n]: an item that each `person` takes to, of the department `topic`, or of any."""
    category = interest.category(chance, person, day)
    for _ in range(TRIES):
        other = np.flatnonzero((topic != EVERYTHING) & (interest.response.department[category] != topic))
        category[other] = interest.category(chance, person[other], day[other])
    return interest.item(chance, person, category)


def _of_topic(chance: np.random.Generator, visits: Visits, interest: Interest) -> Ints:
    return of_topic(chance, visits.person, visits.day, interest.response.topic[visits.piece], interest)


def _seen(stay: Ints, item: Ints) -> Ints:
    """int64[n]: how often a pair of stay and item came before."""
    return before(stay * (int(item.max(initial=0)) + 1) + item)


def _in_stock(response: Response, owner: Ints, weight: Floats) -> Steps[np.float64]:
    """For each owner: the sum of the weights of its items that are in stock, over time. `owner` [items] ascends."""
    available = response.shelf.available
    first = firsts(available.owner)
    was = np.where(first, False, np.concatenate(([False], available.value[:-1])))
    change = (available.value.astype(np.float64) - was) * weight[available.owner]
    whose, day = owner[available.owner], np.where(first, -1.0, available.day)
    order = np.lexsort((day, whose))
    total = np.cumsum(change[order])
    start = firsts(whose[order])
    base = np.where(start, np.concatenate(([0.0], total[:-1])), 0.0)
    begun = np.maximum.accumulate(np.where(start, np.arange(len(total)), 0))
    return Steps(whose[order], day[order], total - base[begun])
