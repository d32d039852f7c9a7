"""Who comes when, through which channel, for which category, and whether in the mood to buy."""

from typing import Final

import numpy as np

from etappe.events.vocabulary import CHANNELS
from etappe.simulation.chance import stream
from etappe.simulation.people import People, Tastes
from etappe.simulation.rhythm import HOUR, Rhythm
from etappe.simulation.tables import Flags, Floats, Ints, Table, firsts

WEB, APP, EMAIL, STORE = (CHANNELS.index(name) for name in ("web", "app", "email", "store"))
APART: Final = 2 * HOUR
"""Two visits of one person begin at least this far apart, so that they never overlap."""
_SAME_INTENT = 0.35
"""Chance that a visit goes on with what the one before was about."""
_KEEN = 0.13
"""Share of visits in the mood to buy."""
_APP_SHARE, _EMAIL_SHARE, _STORE_SHARE = 0.7, 0.1, 0.025
"""Share of visits by app among those who have it; of e-mails followed and store visits among customers' visits."""


class Visits(Table, frozen=True):
    """One row a visit, sorted by person and start."""

    person: Ints
    start: Ints
    """Microseconds since 1970."""
    intent: Ints
    """The category the visit is about."""
    keen: Flags
    channel: Ints
    """Place in `vocabulary.CHANNELS`; an e-mail visit goes on to the web after its first click."""
    reorder: Flags
    """Made to buy again what was used up."""

    def sorted(self) -> "Visits":
        """The same visits by person and start."""
        return self.at(np.lexsort((self.start, self.person)))


def browsing(people: People, tastes: Tastes, rhythm: Rhythm, seed: int) -> Visits:
    """All visits that people make out of interest."""
    chance = stream(seed, "visits")
    person, start = _arrivals(chance, people, rhythm)
    channel = channels(chance, people, person)
    return Visits(
        person=person,
        start=start,
        intent=_intents(chance, tastes, person),
        keen=(chance.random(len(person)) < _KEEN) | (channel == STORE),
        channel=channel,
        reorder=np.zeros(len(person), dtype=np.bool_),
    )


def expected(people: People, days: int) -> Floats:
    """float64[people]: mean number of visits in `days` days."""
    return people.visits * np.minimum(days - people.since, days)


def channels(chance: np.random.Generator, people: People, person: Ints) -> Ints:
    """int64[visits]: the channel of a visit of each `person`. Strangers have the web only."""
    which, app = chance.random(len(person)), chance.random(len(person)) < _APP_SHARE
    usual = np.where(people.app[person] & app, APP, WEB)
    channel = np.where(which < _STORE_SHARE, STORE, np.where(which < _STORE_SHARE + _EMAIL_SHARE, EMAIL, usual))
    return np.where(people.member[person], channel, WEB)


def _arrivals(chance: np.random.Generator, people: People, rhythm: Rhythm) -> tuple[Ints, Ints]:
    """Person and start of each visit, sorted; every customer comes at least once, a stranger maybe never."""
    count = chance.poisson(expected(people, rhythm.days))
    person = np.repeat(np.arange(len(people)), np.maximum(count, people.member))
    start = rhythm.moments_after(people.since[person], chance.random(len(person)))
    order = np.lexsort((start, person))
    person, start = person[order], start[order]
    apart = firsts(person) | (np.diff(start, prepend=0) >= APART)
    return person[apart], start[apart]


def _intents(chance: np.random.Generator, tastes: Tastes, person: Ints) -> Ints:
    """int64[visits]: a category by the person's taste, or the one of the visit before."""
    drawn = tastes.draw(person, chance.random(len(person)))
    fresh = firsts(person) | (chance.random(len(person)) >= _SAME_INTENT)
    return drawn[np.maximum.accumulate(np.where(fresh, np.arange(len(person)), 0))]
