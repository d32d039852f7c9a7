"""Visits to buy again what was used up: each customer keeps to one item a replenishable category, in its own cycle."""

import numpy as np

from etappe.simulation.parameters import ReorderParameters, named_by_stage
from etappe.simulation.response import Response
from etappe.simulation.steps import Steps
from etappe.simulation.tables import Floats, Ints, Table
from etappe.simulation.visits.interest import Interest


class Needs(Table, frozen=True):
    """One row each time something is to be bought on a `day` of the story (negative before it)."""

    person: Ints
    item: Ints
    day: Floats


def habits(chance: np.random.Generator, persons: Ints, interest: Interest, said: ReorderParameters) -> Needs:
    """What those of `persons` who are customers of old bought last before the first day, somewhere in its cycle."""
    response = interest.response
    people, goods = response.people, response.goods
    cycles = np.full(response.tastes.share.shape[1], np.inf)
    cycles[goods.category] = goods.cycle
    old = (people.member & (people.since < 0))[persons]
    taste = response.tastes.share[persons]
    likely = np.where(np.isfinite(cycles), said.habit * taste, 0.0) * old[:, None]
    row, category = np.nonzero(chance.random(taste.shape) < likely)
    item = interest.item(chance, persons[row], category)
    return Needs(person=persons[row], item=item, day=-chance.random(len(row)) * goods.cycle[item])


def due_again(
    chance: np.random.Generator,
    bought: Needs,
    stage: Steps[np.int64],
    response: Response,
    said: ReorderParameters,
    days: int,
) -> Needs:
    """All that is bought again in the story because it was `bought` and is used up, by person and day.

    Whether somebody then comes back to this shop depends on their stage.
    """
    comes = named_by_stage(said.by_stage)
    cycles = response.goods.cycle
    used_up = bought.at(np.isfinite(cycles[bought.item]) & response.people.member[bought.person])
    wave = _one_a_category(used_up, response.goods.category)
    waves = [wave.at(np.arange(0))]
    while len(wave):
        keeps = chance.random(len(wave)) < said.keeps
        cycle = cycles[wave.item] * np.exp(chance.normal(0, said.jitter, len(wave)))
        wave = Needs(person=wave.person, item=wave.item, day=wave.day + cycle).at(keeps & (wave.day + cycle < days))
        here = chance.random(len(wave)) < comes[stage.at(wave.person, wave.day)]
        waves.append(wave.at((wave.day >= 0) & here & response.shelf.available.at(wave.item, wave.day)))
    due = Needs.joined(waves)
    return due.at(np.lexsort((due.day, due.person)))


def _one_a_category(needs: Needs, category: Ints) -> Needs:
    """The first need of each person in each category: what they then keep to."""
    span = int(category.max()) + 1
    needs = needs.at(np.lexsort((needs.day, needs.person)))
    return needs.at(np.unique(needs.person * span + category[needs.item], return_index=True)[1])
