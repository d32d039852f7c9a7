"""The story of a world: all that happens to everybody, and how it is told."""

from typing import Final

import msgspec
import numpy as np

from etappe.progress import Progress, silent
from etappe.simulation.chance import stream
from etappe.simulation.journey.arrivals import NONE, Visits
from etappe.simulation.journey.journeys import Journeys, Traveller
from etappe.simulation.journey.stays import Stays
from etappe.simulation.journey.touches import Touches
from etappe.simulation.record import afterwards, care, happenings, identities, mishaps, outside, record, unwanted
from etappe.simulation.record import moments as of
from etappe.simulation.record.identities import Devices
from etappe.simulation.record.mishaps import Told
from etappe.simulation.record.moments import Moments
from etappe.simulation.record.record import Record
from etappe.simulation.steps import Steps
from etappe.simulation.tables import Flags, Floats, Ints, Table, firsts
from etappe.simulation.visits.history import Historian
from etappe.simulation.visits.interest import Interest
from etappe.simulation.visits.shown import ShopWindow, Shown
from etappe.simulation.world import World

WHAT: Final = "simulating"


class Met(Table, frozen=True):
    """One row a visit: what of it is still asked about when the story is over. See `Visits`."""

    person: Ints
    day: Floats
    stage: Ints
    channel: Ints
    piece: Ints
    seen: Ints
    clicked: Flags
    device: Ints
    user: Ints
    """The person whose account is known when the home page is shown, or NONE."""


class Story(msgspec.Struct, frozen=True, eq=False):
    """Stays, touches and visits by person and time; `shown` by visit and position; `record` by time, and as `told`."""

    world: World
    stays: Stays
    touches: Touches
    visits: Met
    shown: Shown
    record: Record
    told: Told
    devices: Devices
    clock_errors: Ints
    """Microseconds by which each device's clock is wrong."""

    def shown_in(self, start: int, end: int) -> tuple[Shown, Ints]:
        """What was shown in the visits [start, end): the items of their lists, and the visits that had a piece."""
        first, last = np.searchsorted(self.shown.visit, (start, end))
        rows = start + np.flatnonzero(self.visits.piece[start:end] != NONE)
        return self.shown.at(np.arange(first, last)), rows

    @property
    def responses(self) -> int:
        """How many items and pieces were shown in lists and places of the home page."""
        return len(self.shown) + int((self.visits.piece != NONE).sum())


class _Part(msgspec.Struct, frozen=True, eq=False):
    journeys: Journeys
    visits: Met
    shown: Shown
    record: Record
    devices: Devices
    orders: int


def tell(world: World, progress: Progress = silent) -> Story:
    """The whole story of a world: the same for the same world, event by event."""
    teller = _Teller(world)
    parts: list[_Part] = []
    people = len(world.people)
    for name, persons in world.parts():
        progress(WHAT, int(persons[0]), people)
        parts.append(_renumbered(teller.part(name, persons), parts))
    story = _joined(world, parts)
    progress(WHAT, people, people)
    return story


class _Teller:
    def __init__(self, world: World) -> None:
        said = world.parameters
        self._world = world
        self._traveller = Traveller(said, world.clock, world.people, world.response)
        interest = Interest(world.response, said.response)
        window = ShopWindow(world.response)
        self._historian = Historian(said, world.clock, interest, window, self._traveller.arrivals)
        self._teller = happenings.Teller(said, world.people)

    def part(self, name: str, persons: Ints) -> _Part:
        """The story of some people."""
        world, seed = self._world, self._world.size.seed
        journeys = self._traveller.travel(stream(seed, f"journeys/{name}"), persons)
        history = self._historian.live(stream(seed, f"visits/{name}"), persons, journeys)
        chance = stream(seed, f"record/{name}")
        seen, devices = identities.recognise(chance, world.people, history, world.parameters)
        told = self._teller.tell(chance, history, seen)
        later = [afterwards.follow(chance, history, world.people, world.parameters)]
        said = world.parameters.care
        cared = stream(seed, f"care/{name}")
        if said is not None:
            later.append(care.follow(cared, history, seen, world.people, said))
            later.append(care.returned(later[0]))
        recorded = record.of_visits(
            Moments.joined([told, *later]), history, seen, world.people, world.shelf, world.clock
        )
        beside = [
            *outside.events(chance, journeys.touches, journeys.stays, world.people, world.parameters, world.clock)
        ]
        if said is not None:
            beside += [care.calls(cared, beside[-1], said)]
            beside += care.messages(cared, journeys.stays, world.people, said, world.clock)
        subscribed = outside.subscriptions(persons, world.people, world.clock)
        whole = Record.joined([recorded, subscribed, *beside])
        inside = whole.at((whole.time >= world.clock.start) & (whole.time < world.clock.end))
        known = seen.known_from < happenings.HOME
        user = np.where(world.people.member[history.visits.person] & known, history.visits.person, NONE)
        met = _met(history.visits, seen.device, user)
        return _Part(journeys, met, history.shown, inside, devices, record.order_count(history))


def _met(visits: Visits, device: Ints, user: Ints) -> Met:
    return Met(
        person=visits.person, day=visits.day, stage=visits.stage, channel=visits.channel, piece=visits.piece,
        seen=visits.seen, clicked=visits.clicked, device=device, user=user,
    )  # fmt: skip


def _renumbered(part: _Part, before: list[_Part]) -> _Part:
    """The part with rows of visits, touches, devices and orders counted on from the parts before, and narrowed."""
    visits = sum(len(one.visits) for one in before)
    touches = sum(len(one.journeys.touches) for one in before)
    stays = sum(len(one.journeys.stays) for one in before)
    devices = sum(len(one.devices) for one in before)
    orders = sum(one.orders for one in before)
    old = part.record
    by_visit = np.isin(old.said, happenings.BY_VISIT)
    by_touch = np.isin(old.said, happenings.BY_TOUCH)
    new = msgspec.structs.replace(
        old,
        ref=old.ref + np.where(by_visit, visits, np.where(by_touch, touches, 0)),
        device=_counted_on(old.device, devices),
        order=_counted_on(old.order, orders),
    )
    moved = msgspec.structs.replace(part.journeys.touches, stay=part.journeys.touches.stay + stays)
    return _Part(
        Journeys(part.journeys.stays.narrowed(), moved.narrowed(), part.journeys.visits.at(np.arange(0))),
        msgspec.structs.replace(part.visits, device=_counted_on(part.visits.device, devices)).narrowed(),
        msgspec.structs.replace(part.shown, visit=part.shown.visit + visits).narrowed(),
        new.narrowed(),
        part.devices,
        part.orders,
    )


def _counted_on(number: Ints, before: int) -> Ints:
    return np.where(number == NONE, NONE, number + before)


def _joined(world: World, parts: list[_Part]) -> Story:
    size, mishap = world.size, world.parameters.mishaps
    devices = Devices.joined([part.devices for part in parts])
    views = sum(int((part.record.code == of.VIEW).sum()) for part in parts)
    others, used = unwanted.events(size.seed, views, world.shelf.launch, len(devices), world.clock, mishap)
    stays = Stays.joined([part.journeys.stays for part in parts])
    consents = _consents(world, parts, stays)
    touches = Touches.joined([part.journeys.touches for part in parts])
    visits, shown = Met.joined([part.visits for part in parts]), Shown.joined([part.shown for part in parts])
    records = [*(part.record for part in parts), others.narrowed(), consents.narrowed()]
    parts.clear()  # the record is by far the largest, and is not to be held twice
    whole = _by_time(records, world)
    nobodys = Devices(owner=np.full(used, NONE), kind=np.full(used, identities.LAPTOP))
    devices = Devices.joined([devices, nobodys])
    errors = mishaps.clocks(size.seed, len(devices), mishap)
    whole = mishaps.forget_devices(size.seed, whole, mishap)
    return Story(
        world=world,
        stays=stays,
        touches=touches,
        visits=visits,
        shown=shown,
        record=whole,
        told=mishaps.tell(size.seed, whole, errors, mishap),
        devices=devices,
        clock_errors=errors,
    )


def _by_time(records: list[Record], world: World) -> Record:
    """All records, which are let go of, as one by time; only what is inside of the story."""
    whole = Record.joined(records)
    records.clear()
    inside = np.flatnonzero((whole.time >= world.clock.start) & (whole.time < world.clock.end))
    return whole.at(inside[np.argsort(whole.time[inside], kind="stable")])


def _consents(world: World, parts: list[_Part], stays: Stays) -> Record:
    """What customers say of consent, from when they are first known."""
    known = [part.record.at(part.record.code == of.TRAITS) for part in parts]
    person = np.concatenate([one.person for one in known]).astype(np.int64)
    day = world.clock.day(np.concatenate([one.time for one in known]).astype(np.int64))
    order = np.lexsort((day, person))
    order = order[firsts(person[order])]
    stage = Steps(stays.person.astype(np.int64), stays.start, stays.stage.astype(np.int64))
    return outside.consents(world.size.seed, person[order], day[order], stage, world.parameters, world.clock)
