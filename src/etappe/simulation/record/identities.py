"""Who the shop thinks is there: accounts, logins, and devices, some of them shared, whose cookies come and go."""

from typing import Final

import numpy as np

from etappe.simulation.journey.arrivals import APP, STORE, WEB, Visits
from etappe.simulation.parameters import Parameters
from etappe.simulation.people.people import People
from etappe.simulation.tables import Flags, Floats, Ints, Table, firsts
from etappe.simulation.visits.history import History

BEGIN: Final = -20.0
"""Place in a visit before anything is seen."""
AT_CHECKOUT: Final = 1000.0
"""Place in a visit behind the last view."""
NEVER: Final = np.inf
LAPTOP, TELEPHONE, TABLET, APPLICATION = range(4)
KINDS: Final = ("laptop", "phone", "tablet", "app")


class Identities(Table, frozen=True):
    """One row a visit: from which place on the user is known, and by which device."""

    known_from: Floats
    """-inf: all along; NEVER: not in this visit."""
    login: Flags
    """A login (or sign-up) stands at `known_from`."""
    first: Flags
    """The person's first visit in which the user is known."""
    newcomer: Flags
    """The person did not know the shop before the first day."""
    device: Ints
    """Row of the devices; -1 in a store."""


class Devices(Table, frozen=True):
    """One row a cookie of a browser, or an app installation."""

    owner: Ints
    """A person; of a shared tablet the household's first one who used it."""
    kind: Ints
    """Place in KINDS."""


def recognise(
    chance: np.random.Generator, people: People, history: History, parameters: Parameters
) -> tuple[Identities, Devices]:
    """How the shop sees each visit, and the devices seen."""
    visits = history.visits
    known_from = _known_from(chance, people, history, parameters)
    known = known_from < NEVER
    first = np.zeros(len(visits), dtype=np.bool_)
    rows = np.flatnonzero(known)
    first[rows[firsts(visits.person[rows])]] = True
    known_from = np.where(first & (known_from < BEGIN) & ~mailed(visits, parameters), BEGIN, known_from)
    device, devices = _devices(chance, people, visits, parameters)
    newcomer = people.since[visits.person] >= 0
    login = known & (known_from >= BEGIN)
    return Identities(known_from=known_from, login=login, first=first, newcomer=newcomer, device=device), devices


def mailed(visits: Visits, parameters: Parameters) -> Flags:
    """bool[visits]: the link of a mail brought them, which says who they are."""
    return np.array([one.kind == "email" for one in parameters.touchpoints] + [False])[visits.source]


def _known_from(chance: np.random.Generator, people: People, history: History, parameters: Parameters) -> Floats:
    """float64[visits]: the place from which on the user is known. In a store nobody is by their account."""
    visits, said = history.visits, parameters.told
    which, guest = chance.random(len(visits)), chance.random(len(visits)) < said.guest_checkout
    orders = np.zeros(len(visits), dtype=np.bool_)
    orders[history.lines.visit[history.lines.bought]] = True
    by_mail = mailed(visits, parameters)
    always = (which < said.stays_logged_in) | visits.reorder | by_mail | (visits.channel == APP)
    anonymous = np.where(orders & ~guest, AT_CHECKOUT, NEVER)
    place = np.where(always, -np.inf, np.where(which < said.stays_logged_in + said.logs_in, BEGIN, anonymous))
    return np.where(people.member[visits.person] & (visits.channel != STORE), place, NEVER)


def _devices(
    chance: np.random.Generator, people: People, visits: Visits, parameters: Parameters
) -> tuple[Ints, Devices]:
    """The device of each visit: an app stays, a browser now and then forgets who it is."""
    said, person, count = parameters.visits, visits.person, len(visits)
    on_tablet = people.tablet[person] & (chance.random(count) < said.tablet)
    mobile = np.where(chance.random(count) < said.phone, TELEPHONE, LAPTOP)
    kind = np.where(visits.channel == APP, APPLICATION, np.where(on_tablet, TABLET, mobile))
    owner = np.where(kind == TABLET, people.household[person], person)
    machine = owner * len(KINDS) + kind
    forgets = (chance.random(count) < parameters.told.new_cookie) & (visits.channel == WEB)
    online = np.flatnonzero(visits.channel != STORE)
    order = online[np.lexsort((visits.day[online], machine[online]))]
    new = firsts(machine[order]) | forgets[order]
    device = np.full(count, -1)
    device[order] = np.cumsum(new) - 1
    opening = order[new]
    return device, Devices(owner=person[opening], kind=kind[opening])
