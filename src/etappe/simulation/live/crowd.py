"""The people of a story after its end: which stage they are in, and who comes next."""

from typing import Final

import numpy as np

from etappe.simulation.journey import stays
from etappe.simulation.parameters import DECISION
from etappe.simulation.response import logistic
from etappe.simulation.story import Story
from etappe.simulation.tables import Ints

_FAR: Final = 10**9
"""Days: no end of the story cuts a stay short any more."""


class Crowd:
    """Everybody, in the stage that the story left them in. `now` is in days since the end of the story."""

    def __init__(self, story: Story, chance: np.random.Generator) -> None:
        self._world, self._chance = story.world, chance
        self._parameters, self._people = story.world.parameters, story.world.people
        last = np.searchsorted(story.stays.person, np.arange(len(self._people)), side="right") - 1
        self.now = 0.0
        self.stage = story.stays.stage[last].astype(np.int64)
        self._until = story.stays.end[last] - story.world.clock.days
        self._added = np.zeros(len(last))
        self._seen: dict[int, dict[str, int]] = {}
        self._buying: list[int] = []
        self._visits = self._parameters.by_stage("visits")
        self._advance = self._parameters.by_stage("advance")

    @property
    def visits_a_day(self) -> float:
        """How many visits of all people there are in a day, as they are now."""
        return float(self._rates().sum())

    def pass_time(self, days: float) -> None:
        """Time passes, and people move on whose stay in a stage is over."""
        self.now += days
        over = np.flatnonzero(self._until <= self.now)
        while len(over):
            self._move(over)
            over = over[self._until[over] <= self.now]

    def next_visitor(self) -> tuple[int, bool]:
        """Who comes next, and whether to buy what they have decided on."""
        if self._buying:
            return self._buying.pop(0), True
        rates = self._rates()
        return int(self._chance.choice(len(rates), p=rates / rates.sum())), False

    def saw(self, person: int, what: str) -> int:
        """Notes that somebody was shown `what`; how often they were before, in the same stay in a stage."""
        seen = self._seen.setdefault(person, {})
        before = seen.get(what, 0)
        seen[what] = before + 1
        return before

    def lift(self, person: int, logit: float) -> None:
        """Something raised (or lowered) somebody's chance to move on."""
        self._added[person] += logit

    def _rates(self) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        rates: np.ndarray[tuple[int], np.dtype[np.float64]] = self._visits[self.stage] * self._people.activity
        return rates

    def _move(self, rows: Ints) -> None:
        stage = self.stage[rows]
        logit = self._advance[stage] + self._people.resolve[rows] + self._added[rows]
        onward, following = stays.following(self._chance, self._parameters, stage, logistic(logit))
        self._buying += rows[onward & (stage == DECISION)].tolist()
        start, over = self._until[rows], np.zeros(len(rows))
        stay = stays.stay(
            self._chance, self._parameters, self._people, self._world.clock, _FAR, rows, following, start, over
        )
        self.stage[rows], self._until[rows], self._added[rows] = following, stay.end, 0.0
        for person in rows.tolist():
            self._seen.pop(person, None)
