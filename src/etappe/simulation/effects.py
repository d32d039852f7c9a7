"""What touches brought: how many more people moved on because of them, and how many more purchases there were in all.

Both are expectations, not a second simulation: what a touch changed is the chance at the end of the stay in which it
happened (its gain), and what that is worth is how many more purchases follow, until the end of the story, for who moves
on than for who goes elsewhere.
"""

from typing import Final

import numpy as np

from etappe.simulation.parameters import DECISION, STAGES
from etappe.simulation.story import Story
from etappe.simulation.tables import Floats, Ints, sums

_GROUPS: Final = 4
"""Groups of people by resolve: who is resolute would come again anyway."""
_EDGES: Final = np.array([0.0, 2, 4, 7, 11, 16, 23, 32, 45, 64, 90, 128, 181, 256, 362, 512, 724, 1024, 2048, 4096])
"""Days that are left, in between which purchases to come are averaged."""


def brought(story: Story) -> tuple[Floats, Floats]:
    """float64[touchpoints], twice: how many more moved on because of each touchpoint, and how many more bought.

    The first is exact in expectation, given all else that happened: without the touchpoint's touches in a stay the
    chance at its end would have been lower by their gains. The second counts the purchases that end a decision, until
    the end of the story; it is of the first order, and estimated from the story itself (`ToCome`). A touch in retention
    may bring purchases by sending people back to consider: those are all that is counted, not what they buy again.
    """
    touches, stays = story.touches, story.stays
    parameters = story.world.parameters
    count = len(parameters.touchpoints)
    gaining = np.flatnonzero(touches.gain)
    stay, point, gain = touches.stay[gaining], touches.touchpoint[gaining], touches.gain[gaining]
    stage = stays.stage[stay].astype(np.int64)
    left = story.world.clock.days - stays.end[stay]
    to_come = ToCome(story).after(stays.person[stay].astype(np.int64), left)
    onward = np.take_along_axis(to_come, parameters.onward()[stage][:, None], axis=1)[:, 0] + (stage == DECISION)
    otherwise = (parameters.otherwise()[stage] * to_come).sum(axis=1)
    return sums(point, gain, count), sums(point, gain * (onward - otherwise), count)


class ToCome:
    """Mean number of purchases to come, by the stage that is entered, the days that are left, and resolve."""

    def __init__(self, story: Story) -> None:
        stays, days = story.stays, story.world.clock.days
        resolve = story.world.people.resolve
        self._group = np.searchsorted(np.quantile(resolve, np.arange(1, _GROUPS) / _GROUPS), resolve)
        fresh = np.flatnonzero(stays.start >= 0)
        left, coming = days - stays.start[fresh], _coming(story)[fresh]
        key = self._group[stays.person[fresh]] * len(STAGES) + stays.stage[fresh]
        bins = len(_EDGES)
        cell = key * bins + np.searchsorted(_EDGES, left, side="right") - 1
        size = _GROUPS * len(STAGES) * bins
        number = np.bincount(cell, minlength=size)
        self._number = number.reshape(-1, bins)
        self._left = (sums(cell, left, size) / np.maximum(number, 1)).reshape(-1, bins)
        self._coming = (sums(cell, coming, size) / np.maximum(number, 1)).reshape(-1, bins)

    def after(self, person: Ints, left: Floats) -> Floats:
        """float64[n, stages]: for each `person` who enters each stage when so many days are `left`."""
        found = np.zeros((len(person), len(STAGES)))
        for group in range(_GROUPS):
            rows = np.flatnonzero(self._group[person] == group)
            for stage in range(len(STAGES)):
                found[rows, stage] = self._line(group * len(STAGES) + stage, left[rows])
        return found

    def _line(self, key: int, left: Floats) -> Floats:
        there = self._number[key] > 0
        days = np.concatenate(([0.0], self._left[key][there]))
        return np.interp(left, days, np.concatenate(([0.0], self._coming[key][there])))


def _coming(story: Story) -> Floats:
    """float64[stays]: the purchases of the person with which a decision ends, this stay's or later ones'."""
    stays = story.stays
    bought = (stays.onward & (stays.stage == DECISION)).astype(np.float64)
    so_far = np.cumsum(bought)
    last = np.searchsorted(stays.person, stays.person, side="right") - 1
    return np.asarray(so_far[last] - so_far + bought)
