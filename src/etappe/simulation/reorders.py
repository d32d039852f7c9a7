"""Visits to buy again what was used up: each customer keeps to one item a replenishable category, in its own cycle."""

import numpy as np

from etappe.simulation.baskets import Lines
from etappe.simulation.browsing import Interest, Views
from etappe.simulation.chance import stream
from etappe.simulation.goods import Goods
from etappe.simulation.people import People
from etappe.simulation.rhythm import Rhythm
from etappe.simulation.tables import Floats, Ints, Table, firsts
from etappe.simulation.visits import APART, Visits, channels

_HABIT = 0.5
"""Chance that a customer of old already buys regularly in a category, for each unit of their taste for it."""
_KEEPS = 0.72
"""Chance to buy again at all each time it is used up."""
_JITTER = 0.15
"""Log spread of a cycle's length."""
_TOGETHER_DAYS = 3.0
"""What falls due within this time is bought in one visit."""


class Needs(Table, frozen=True):
    """One row each time something is bought that will be used up; `day` of the simulation, negative before it."""

    person: Ints
    item: Ints
    day: Floats


def running_out(
    visits: Visits, lines: Lines, people: People, interest: Interest, goods: Goods, rhythm: Rhythm, seed: int
) -> Needs:
    """All purchases that are due again during the simulation, sorted by person and day."""
    chance = stream(seed, "reorders")
    origins = Needs.joined([_habits(chance, people, interest, goods), _bought(visits, lines, people, goods, rhythm)])
    needs = _due_again(chance, _one_a_category(origins, goods), goods, rhythm.days)
    return needs.at(np.lexsort((needs.day, needs.person)))


def visits_for(needs: Needs, people: People, goods: Goods, rhythm: Rhythm, seed: int) -> tuple[Visits, Views]:
    """The visits in which `needs` are met, and what is looked at there: nothing else."""
    chance = stream(seed, "reorders/visits")
    alone = firsts(needs.person) | (np.diff(needs.day, prepend=-np.inf) > _TOGETHER_DAYS)
    visit = np.cumsum(alone) - 1
    person = needs.person[alone]
    visits = Visits(
        person=person,
        start=rhythm.moments_on(needs.day[alone], chance.random(len(person))),
        intent=goods.category[needs.item[alone]],
        keen=np.ones(len(person), dtype=np.bool_),
        channel=channels(chance, people, person),
        reorder=np.ones(len(person), dtype=np.bool_),
    )
    return visits, Views.plain(visit, needs.item)


def too_near(visits: Visits) -> Ints:
    """int64: rows of sorted `visits` that are reorders and overlap with another visit of the same person."""
    same = ~firsts(visits.person)
    near = same & (np.diff(visits.start, prepend=0) < APART)
    return np.flatnonzero(visits.reorder & (near | np.append(near[1:], False)))


def _habits(chance: np.random.Generator, people: People, interest: Interest, goods: Goods) -> Needs:
    """What customers of old bought last before the first day, at a random point of its cycle."""
    categories = people.taste.shape[1]
    cycles = np.full(categories, np.inf)
    cycles[goods.category] = goods.cycle
    old = people.member & (people.since < 0)
    likely = np.where(np.isfinite(cycles), _HABIT * people.taste, 0.0) * old[:, None]
    person, category = np.nonzero(chance.random(people.taste.shape) < likely)
    item = interest.draw(person, category, chance.random(len(person)))
    return Needs(person=person, item=item, day=-chance.random(len(person)) * goods.cycle[item])


def _bought(visits: Visits, lines: Lines, people: People, goods: Goods, rhythm: Rhythm) -> Needs:
    person = visits.person[lines.visit]
    used_up = lines.bought & np.isfinite(goods.cycle[lines.item]) & people.member[person]
    rows = lines.at(used_up)
    return Needs(person=person[used_up], item=rows.item, day=rhythm.day_of(visits.start[rows.visit]))


def _one_a_category(needs: Needs, goods: Goods) -> Needs:
    """The first need of each person in each category: what they then keep to."""
    span = int(goods.category.max()) + 1
    return needs.at(np.unique(needs.person * span + goods.category[needs.item], return_index=True)[1])


def _due_again(chance: np.random.Generator, origins: Needs, goods: Goods, days: int) -> Needs:
    """The chains that grow from `origins`, without them: wave by wave, until all are given up or beyond the end."""
    waves = [origins.at(np.arange(0))]
    wave = origins
    while len(wave):
        keeps = chance.random(len(wave)) < _KEEPS
        cycle = goods.cycle[wave.item] * np.exp(chance.normal(0, _JITTER, len(wave)))
        later = Needs(person=wave.person, item=wave.item, day=wave.day + cycle)
        wave = later.at(keeps & (later.day < days))
        waves.append(wave.at(wave.day >= 0))
    return Needs.joined(waves)
