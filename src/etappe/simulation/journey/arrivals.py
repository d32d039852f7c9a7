"""Visits: who comes when, why, by which channel, and the piece of content they are met with."""

from typing import Final

import msgspec
import numpy as np

from etappe.events.vocabulary import CHANNELS
from etappe.simulation.chance import Wheels
from etappe.simulation.clock import Clock
from etappe.simulation.journey.stays import Stays, suited
from etappe.simulation.journey.touches import Touches, Touchpoints
from etappe.simulation.parameters import Parameters, named_by_stage
from etappe.simulation.people import people as persons
from etappe.simulation.people.people import People
from etappe.simulation.response import Response
from etappe.simulation.tables import Flags, Floats, Ints, Table, before, firsts

WEB, APP, STORE = (CHANNELS.index(name) for name in ("web", "app", "store"))
NONE: Final = -1
APART: Final = 2 / 24
"""Days: a visit that begins so soon after another one of the same person does not take place."""
_PREFERRED: Final = 3.0
"""How much more likely a store is visited, an app used, by who prefers it."""
_LASTS: Final = 0.015
"""Days from the beginning of a visit that ends a decision to the purchase, about."""


class Visits(Table, frozen=True):
    """One row a visit, sorted by person and day."""

    person: Ints
    day: Floats
    stay: Ints
    stage: Ints
    mood: Ints
    """The stage as which the person behaves."""
    source: Ints
    """The touchpoint that brought them, or NONE."""
    touch: Ints
    """Row of the touch that did, or NONE."""
    channel: Ints
    """Place in `vocabulary.CHANNELS`."""
    keen: Flags
    """Ends a decision with a purchase."""
    reorder: Flags
    """Made to buy again what was used up."""
    item: Ints
    """The item the visit is made for, or NONE."""
    home: Flags
    """Begins on the home page, which shows a list, and a piece."""
    piece: Ints
    """Shown there, or NONE."""
    seen: Ints
    """How often the piece was shown to them before in the same stay."""
    clicked: Flags
    """They clicked on the piece."""


class Arrivals:
    """Draws visits."""

    def __init__(self, parameters: Parameters, clock: Clock, points: Touchpoints, response: Response) -> None:
        said = parameters.visits
        self._clock, self._points, self._response, self._said = clock, points, response, said
        self._rate, self._store = parameters.by_stage("visits"), named_by_stage(said.store)
        self._moods = Wheels.of_rows(parameters.by_stage("at_first")[None, :])

    def draw(self, chance: np.random.Generator, stays: Stays, touches: Touches, people: People) -> Visits:
        """The visits during the `stays`, sorted by stay and day: by themselves, and brought by `touches`."""
        count = chance.poisson(self._rate[stays.stage] * people.activity[stays.person] * stays.length)
        own = np.repeat(np.arange(len(stays)), count)
        came = self._arriving(chance, stays, people)
        touch = np.flatnonzero(touches.worked & (self._points.brings | self._points.store)[touches.touchpoint])
        brought = touches.at(touch)
        anywhere = stays.low[own] + chance.random(len(own)) * stays.length[own]
        stay = np.concatenate((own, came, brought.stay))
        day = np.concatenate((anywhere, stays.low[came], brought.day))
        touch = np.concatenate((np.full(len(own) + len(came), NONE), touch))
        source = np.concatenate((np.full(len(own) + len(came), NONE), brought.touchpoint))
        habit = people.habit[stays.person[stay]]
        about = (source != NONE) | self._clock.about(habit, day, chance.random(len(stay)))
        low = stays.low[stay]
        day = np.where(source == NONE, suited(chance, self._clock, habit, day, low, low + stays.length[stay]), day)
        order = np.flatnonzero(about)
        order = order[np.lexsort((day[order], stay[order]))]
        order = order[firsts(stay[order]) | (np.diff(day[order], prepend=-1.0) >= APART)]
        visits = self.begun(chance, stays, stay[order], day[order], source[order], people)
        return self._met(chance, msgspec.structs.replace(visits, touch=touch[order]))

    def _arriving(self, chance: np.random.Generator, stays: Stays, people: People) -> Ints:
        """Rows of the `stays` that begin with a visit, by which the shop and a newcomer get to know each other."""
        if not self._said.arrive:
            return np.zeros(0, dtype=np.int64)
        new = (people.since[stays.person] >= 0) & (stays.start == people.since[stays.person])
        return np.flatnonzero(new & (chance.random(len(stays)) < self._said.arrive))

    def ending(self, chance: np.random.Generator, stays: Stays, rows: Ints, people: People) -> Visits:
        """The visits with which a decision ends in a purchase."""
        day = np.maximum(stays.end[rows] - _LASTS, stays.low[rows])
        visits = self.begun(chance, stays, rows, day, np.full(len(rows), NONE), people)
        return msgspec.structs.replace(visits, mood=visits.stage, keen=np.ones(len(rows), dtype=np.bool_))

    def begun(
        self, chance: np.random.Generator, stays: Stays, stay: Ints, day: Floats, source: Ints, people: People
    ) -> Visits:
        """Visits on their way: channel and mood are drawn, nobody has been shown anything."""
        person, stage = stays.person[stay], stays.stage[stay]
        count = len(stay)
        other = self._moods.spin(np.zeros(count, dtype=np.int64), chance.random(count))
        return Visits(
            person=person,
            day=day,
            stay=stay,
            stage=stage,
            mood=np.where(chance.random(count) < self._said.mood, stage, other),
            source=source,
            touch=np.full(count, NONE),
            channel=self._channels(chance, person, stage, source, people),
            keen=np.zeros(count, dtype=np.bool_),
            reorder=np.zeros(count, dtype=np.bool_),
            item=np.full(count, NONE),
            home=np.zeros(count, dtype=np.bool_),
            piece=np.full(count, NONE),
            seen=np.zeros(count, dtype=np.int64),
            clicked=np.zeros(count, dtype=np.bool_),
        )

    def _channels(self, chance: np.random.Generator, person: Ints, stage: Ints, source: Ints, people: People) -> Ints:
        """Web, app or store. Strangers have the web only; who is brought by a click does not land in a store."""
        wants = people.channel[person]
        store = self._store[stage] * np.where(wants == persons.CHANNELS.index("store"), _PREFERRED, 1.0)
        store = np.where(source == NONE, store, self._points.store[source])
        goes = people.member[person] & (chance.random(len(person)) < store)
        app = np.minimum(self._said.app * np.where(wants == persons.CHANNELS.index("app"), 1.3, 0.9), 1.0)
        by_app = people.app[person] & (chance.random(len(person)) < app)
        return np.where(goes, STORE, np.where(by_app, APP, WEB))

    def _met(self, chance: np.random.Generator, visits: Visits) -> Visits:
        """Those who begin on the home page are shown a piece, any with the same chance, and may click on it."""
        home = (visits.channel != STORE) & (chance.random(len(visits)) < self._said.home)
        pieces = len(self._response.topic)
        piece = chance.integers(pieces, size=len(visits))
        seen = np.zeros(len(visits), dtype=np.int64)
        rows = np.flatnonzero(home)
        seen[rows] = before(visits.stay[rows] * pieces + piece[rows])
        likely = self._response.piece_click(visits.person, visits.stage, piece, visits.day, seen)
        clicked = home & (chance.random(len(visits)) < likely)
        return msgspec.structs.replace(
            visits, home=home, piece=np.where(home, piece, NONE), seen=np.where(home, seen, 0), clicked=clicked
        )
