"""What touches people during a stay in a stage: ads, searches, mails, stores, service, friends."""

from typing import Final

import numpy as np

from etappe.simulation.clock import DAY, HOUR, Clock
from etappe.simulation.journey.stays import Stays, suited
from etappe.simulation.parameters import Parameters
from etappe.simulation.people.people import People
from etappe.simulation.tables import Flags, Floats, Ints, Table, ranks

VISITING: Final = ("ad", "organic", "social", "email", "referral")
"""Kinds of touchpoints that bring people to the shop."""
_MORNING: Final = 8 * HOUR
"""Newsletters go out at eight in the morning (UTC)."""
OPENED: Final = 0.08
OPENED_SPREAD: Final = 0.8
"""Median days until somebody opens a mail, and log spread."""


class Touches(Table, frozen=True):
    """One row a touch: an ad clicked, a mail sent, a call made."""

    person: Ints
    stay: Ints
    """Row of the stays."""
    touchpoint: Ints
    """Place in the world's list."""
    day: Floats
    opened: Flags
    """Of mails; all others are."""
    worked: Flags
    """It changes something: of mails only those that were clicked."""
    gain: Floats
    """By how much it raised the chance to move on at the end of the stay, its kind's whole effect shared equally among
    those of the kind; 0 where the story ends before."""


class Touchpoints:
    """Draws what touches people, and says what that changes."""

    def __init__(self, parameters: Parameters, clock: Clock) -> None:
        points = parameters.touchpoints
        self._rate, self._open, self._click, self.effect = (
            np.array([getattr(one, field) for one in points]) for field in ("rate", "open", "click", "effect")
        )
        self._follows = np.array([one.follows for one in points])
        self._mail = np.array([one.kind == "email" for one in points])
        self._fading = parameters.touch.fading
        self._clock, self._morning = clock, morning(clock)
        self._issues = [(place, one.every_days) for place, one in enumerate(points) if one.every_days is not None]
        self.brings = np.array([one.kind in VISITING for one in points])
        """bool[touchpoints]: somebody touched so comes to the shop."""
        self.store = np.array([one.kind == "store" for one in points])

    def draw(self, chance: np.random.Generator, stays: Stays, people: People) -> Touches:
        """All touches during the `stays`, in no order."""
        count, first = self._counts(chance, stays, people)
        stay, point = np.divmod(np.repeat(np.arange(count.size), count.ravel()), count.shape[1])
        issue = ranks(stay * count.shape[1] + point)
        every = np.zeros(len(self._rate))
        for place, days in self._issues:
            every[place] = days
        low, habit = stays.low[stay], people.habit[stays.person[stay]]
        anywhere = low + chance.random(len(stay)) * stays.length[stay]
        anywhere = suited(chance, self._clock, habit, anywhere, low, low + stays.length[stay])
        issued = first[stay] + issue * every[point]
        left = (stays.low + stays.length)[stay] - issued
        read = issued + np.minimum(OPENED * np.exp(chance.normal(0, OPENED_SPREAD, len(stay))), 0.99 * left)
        day = np.where(every[point] > 0, read, anywhere)
        stage = stays.stage[stay]
        opened = ~self._mail[point] | (chance.random(len(stay)) < self._open[point, stage])
        clicked = ~self._mail[point] | (chance.random(len(stay)) < self._click[point, stage])
        worked = opened & clicked
        gain = np.zeros(len(stay))
        person = stays.person[stay]
        return Touches(person=person, stay=stay, touchpoint=point, day=day, opened=opened, worked=worked, gain=gain)

    def counted(self, touches: Touches, stays: int) -> Ints:
        """int64[stays, touchpoints]: how often each worked."""
        width = len(self._rate)
        worked = touches.stay[touches.worked] * width + touches.touchpoint[touches.worked]
        return np.bincount(worked, minlength=stays * width).reshape(stays, width)

    def added(self, count: Ints, stage: Ints) -> Floats:
        """float64[stays, touchpoints]: what `count` touches of each add to the logit of moving on: each less."""
        return np.asarray(self.effect.T[stage] * (1 - self._fading**count) / (1 - self._fading))

    def _counts(self, chance: np.random.Generator, stays: Stays, people: People) -> tuple[Ints, Floats]:
        """int64[stays, touchpoints]; and float64[stays]: the day of the first newsletter."""
        resolve = people.resolve[stays.person][:, None]
        rate = self._rate.T[stays.stage] * np.exp(self._follows * resolve) * stays.length[:, None]
        count = chance.poisson(rate)
        first = np.zeros(len(stays))
        for place, days in self._issues:
            before = np.ceil((stays.low - self._morning) / days)
            first = before * days + self._morning
            count[:, place] = np.maximum(0, np.ceil((stays.low + stays.length - self._morning) / days) - before)
        subscribed = people.newsletter[stays.person][:, None] | ~self._mail
        return np.where(subscribed, count, 0), first


def morning(clock: Clock) -> float:
    """The day of the story, with its fraction, on which a newsletter can go out first."""
    return (_MORNING - clock.start) % DAY / DAY
