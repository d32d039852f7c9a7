"""The journeys of people through the story, stay by stay: what touches them, when they come, where they go on to."""

import msgspec
import numpy as np

from etappe.simulation.clock import Clock
from etappe.simulation.journey import stays as stage_stays
from etappe.simulation.journey.arrivals import NONE, Arrivals, Visits
from etappe.simulation.journey.stays import Stays
from etappe.simulation.journey.touches import Touches, Touchpoints
from etappe.simulation.parameters import DECISION, Parameters
from etappe.simulation.people.people import People
from etappe.simulation.response import Response, logistic
from etappe.simulation.tables import Floats, Ints, sums


class Journeys(msgspec.Struct, frozen=True, eq=False):
    """What happened to some people: stays by person and start; touches; visits by person and day."""

    stays: Stays
    touches: Touches
    visits: Visits


class Traveller:
    """Leads people from stay to stay."""

    def __init__(self, parameters: Parameters, clock: Clock, people: People, response: Response) -> None:
        self._parameters, self._clock, self._people, self._response = parameters, clock, people, response
        self._advance = parameters.by_stage("advance")
        self._points = Touchpoints(parameters, clock)
        self.arrivals = Arrivals(parameters, clock, self._points, response)

    def travel(self, chance: np.random.Generator, persons: Ints) -> Journeys:
        """The journeys of `persons` (ascending) over the whole story."""
        people, days = self._people, self._clock.days
        stage, over = stage_stays.first(chance, self._parameters, people, persons)
        person, start = persons, np.maximum(people.since[persons], 0.0)
        parts: list[Journeys] = []
        begun = touched = 0
        while len(person):
            here = stage_stays.stay(chance, self._parameters, people, self._clock, days, person, stage, start, over)
            part = self._through(chance, here)
            parts.append(_shifted(part, begun, touched))
            begun, touched = begun + len(here), touched + len(part.touches)
            on = part.stays.at(part.stays.next != stage_stays.OPEN)
            person, stage, start, over = on.person, on.next, on.end, np.zeros(len(on))
        return _in_order(parts)

    def _through(self, chance: np.random.Generator, stays: Stays) -> Journeys:
        """One stay of each person, with all that happens in it, and how it ends."""
        touches = self._points.draw(chance, stays, self._people)
        visits = self.arrivals.draw(chance, stays, touches, self._people)
        count = self._points.counted(touches, len(stays))
        added = self._points.added(count, stays.stage)
        logit = self._advance[stays.stage] + self._people.resolve[stays.person]
        logit += added.sum(axis=1) + self._lifted(visits, len(stays))
        onward, following = stage_stays.following(chance, self._parameters, stays.stage, logistic(logit))
        inside = stays.end < self._clock.days
        stays = msgspec.structs.replace(
            stays,
            logit=np.where(inside, logit, np.nan),
            onward=onward & inside,
            next=np.where(inside, following, stage_stays.OPEN),
        )
        touches = msgspec.structs.replace(touches, gain=_gains(touches, stays, logit, added, count))
        bought = np.flatnonzero(stays.onward & (stays.stage == DECISION))
        ending = self.arrivals.ending(chance, stays, bought, self._people)
        return Journeys(stays, touches, Visits.joined([visits, ending]))

    def _lifted(self, visits: Visits, stays: int) -> Floats:
        """float64[stays]: what clicks on pieces add to the logit of moving on."""
        clicks = visits.at(visits.clicked)
        return sums(clicks.stay, self._response.lift(clicks.stage, clicks.piece), stays)


def _gains(touches: Touches, stays: Stays, logit: Floats, added: Floats, count: Ints) -> Floats:
    """float64[touches]: by how much each raised the chance to move on."""
    stay, point = touches.stay, touches.touchpoint
    without = logistic(logit[stay] - added[stay, point])
    gain = (logistic(logit[stay]) - without) / np.maximum(count[stay, point], 1)
    return np.where(touches.worked & ~np.isnan(stays.logit[stay]), gain, 0.0)


def _shifted(part: Journeys, stays: int, touches: int) -> Journeys:
    visits = part.visits
    touch = np.where(visits.touch == NONE, NONE, visits.touch + touches)
    return Journeys(
        part.stays,
        msgspec.structs.replace(part.touches, stay=part.touches.stay + stays),
        msgspec.structs.replace(visits, stay=visits.stay + stays, touch=touch),
    )


def _in_order(parts: list[Journeys]) -> Journeys:
    stays = Stays.joined([part.stays for part in parts])
    touches = Touches.joined([part.touches for part in parts])
    visits = Visits.joined([part.visits for part in parts])
    order = np.lexsort((stays.start, stays.person))
    stay = _numbers(order)
    touches = msgspec.structs.replace(touches, stay=stay[touches.stay])
    by_time = np.lexsort((touches.day, touches.stay))
    touch = np.where(visits.touch == NONE, NONE, np.append(_numbers(by_time), NONE)[visits.touch])
    visits = msgspec.structs.replace(visits, stay=stay[visits.stay], touch=touch)
    return Journeys(stays.at(order), touches.at(by_time), visits.at(np.lexsort((visits.day, visits.person))))


def _numbers(order: Ints) -> Ints:
    """int64[n]: the place of each row in `order`."""
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.arange(len(order))
    return number
