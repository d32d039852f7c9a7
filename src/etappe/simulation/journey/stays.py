"""Stays in a stage: a semi-Markov process, one stay after the other."""

import numpy as np

from etappe.simulation.clock import Clock
from etappe.simulation.parameters import AWARENESS, Parameters
from etappe.simulation.people.people import People
from etappe.simulation.tables import Flags, Floats, Ints, Table

OPEN = -1
_SHORTEST = 0.2
"""Days; no stay is shorter."""


class Stays(Table, frozen=True):
    """One row a stay of a person in a stage."""

    person: Ints
    stage: Ints
    start: Floats
    """Day; before the first day for those who were in it already."""
    end: Floats
    """Day; behind the last day where it goes on."""
    low: Floats
    length: Floats
    """What of it lies in the story: from `low` on, `length` days."""
    logit: Floats
    """Of the chance to move on, all touches and clicks included; nan where the story ends before."""
    onward: Flags
    """Moved on."""
    next: Ints
    """The stage that follows, or OPEN."""


def first(chance: np.random.Generator, parameters: Parameters, people: People, persons: Ints) -> tuple[Ints, Floats]:
    """Stage in which each of `persons` is first met, and the share of that stay which was over by then.

    Newcomers begin in awareness; of the others some are in each stage.
    """
    shares = parameters.by_stage("at_first")
    stage = chance.choice(len(shares), len(persons), p=shares / shares.sum())
    new = people.since[persons] >= 0
    return np.where(new, AWARENESS, stage), np.where(new, 0.0, chance.random(len(persons)))


def stay(
    chance: np.random.Generator,
    parameters: Parameters,
    people: People,
    clock: Clock,
    days: int,
    person: Ints,
    stage: Ints,
    start: Floats,
    over: Floats,
) -> Stays:
    """The stay of each `person` in `stage` from `start` on, of which the share `over` is over by then.

    It ends at an hour at which the person is about: what is decided is bought then.
    """
    median, spread = parameters.by_stage("dwell")[stage], parameters.by_stage("spread")[stage]
    dwell = np.maximum(median * people.pace[person] * np.exp(chance.normal(0, spread)), _SHORTEST)
    begin = start - over * dwell
    end = suited(chance, clock, people.habit[person], begin + dwell, begin + _SHORTEST / 2, np.inf)
    low = np.maximum(start, 0.0)
    return Stays(
        person=person,
        stage=stage,
        start=begin,
        end=end,
        low=low,
        length=np.maximum(np.minimum(end, days) - low, 0.0),
        logit=np.full(len(person), np.nan),
        onward=np.zeros(len(person), dtype=np.bool_),
        next=np.full(len(person), OPEN),
    )


def suited(
    chance: np.random.Generator, clock: Clock, habit: Ints, day: Floats, low: Floats, high: Floats | float
) -> Floats:
    """float64[n]: the same date (or workday) at an hour of the person's `habit`, where that is inside [low, high)."""
    then = clock.at_hour(habit, clock.workday(habit, day), chance.random(len(day)))
    return np.where((then >= low) & (then < high), then, day)


def following(chance: np.random.Generator, parameters: Parameters, stage: Ints, moves: Floats) -> tuple[Flags, Ints]:
    """Whether each moves on, by its chance `moves`, and the stage that follows."""
    onward = chance.random(len(stage)) < moves
    otherwise = np.cumsum(parameters.otherwise(), axis=1)[stage]
    elsewhere = (chance.random(len(stage))[:, None] >= otherwise).sum(axis=1)
    return onward, np.where(onward, parameters.onward()[stage], np.minimum(elsewhere, len(otherwise[0]) - 1))
