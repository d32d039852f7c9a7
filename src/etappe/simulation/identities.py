"""Who the shop thinks is there: accounts, logins, and cookies that come and go."""

from typing import Final

import numpy as np

from etappe.simulation.chance import stream
from etappe.simulation.history import History
from etappe.simulation.people import People
from etappe.simulation.tables import Flags, Floats, Ints, Table, firsts, ranks
from etappe.simulation.visits import APP, STORE, WEB, Visits

BEGIN: Final = -2.0
"""Place in a visit before the first view."""
CHECKOUT: Final = 1000.0
"""Place in a visit behind the last view."""
NEVER: Final = np.inf

_STAYS_LOGGED_IN = 0.5
_LOGS_IN = 0.15
"""Shares of a customer's web visits: logged in from the start; logging in then. The others are anonymous."""
_GUEST = 0.15
"""Share of anonymous visits with an order in which a customer still does not log in."""
_NEW_COOKIE = 0.06
"""Chance that a browser has forgotten its cookie since the last visit."""


class Identities(Table, frozen=True):
    """One row a visit: from which place on the user is known, and by which cookie or device."""

    known_from: Floats
    """-inf: all along; NEVER: not in this visit."""
    login: Flags
    """A login (or sign-up) stands at `known_from`."""
    first: Flags
    """The person's first visit in which the user is known."""
    newcomer: Flags
    """The person did not know the shop before the first day."""
    device: Ints
    """Number of the cookie or app installation; -1 in a store."""


class Devices(Table, frozen=True):
    """One row a cookie or app installation: whose it is."""

    person: Ints


def recognise(people: People, history: History, seed: int) -> tuple[Identities, Devices]:
    """How the shop sees each visit, and the devices seen."""
    chance = stream(seed, "identities")
    visits = history.visits
    known_from = _known_from(chance, people, history)
    known = known_from < NEVER
    first = np.zeros(len(visits), dtype=np.bool_)
    rows = np.flatnonzero(known)
    first[rows[firsts(visits.person[rows])]] = True
    online = (visits.channel == WEB) | (visits.channel == APP)
    known_from = np.where(first & online & (known_from < BEGIN), BEGIN, known_from)
    device, devices = _devices(chance, visits)
    newcomer = people.since[visits.person] >= 0
    login = known & online & (known_from >= BEGIN)
    return Identities(known_from=known_from, login=login, first=first, newcomer=newcomer, device=device), devices


def _known_from(chance: np.random.Generator, people: People, history: History) -> Floats:
    """float64[visits]: the place from which on the user is known."""
    visits = history.visits
    which, guest = chance.random(len(visits)), chance.random(len(visits)) < _GUEST
    orders = np.zeros(len(visits), dtype=np.bool_)
    orders[history.lines.visit[history.lines.bought]] = True
    always = (which < _STAYS_LOGGED_IN) | visits.reorder | (visits.channel != WEB)
    anonymous = np.where(orders & ~guest, CHECKOUT, NEVER)
    place = np.where(always, -np.inf, np.where(which < _STAYS_LOGGED_IN + _LOGS_IN, BEGIN, anonymous))
    return _once_at_least(np.where(people.member[visits.person], place, NEVER), people, visits)


def _once_at_least(place: Floats, people: People, visits: Visits) -> Floats:
    """Customers whom the shop would never know log in at their last visit."""
    ever = np.bincount(visits.person, place < NEVER, minlength=len(people)) > 0
    last = np.append(firsts(visits.person)[1:], True)
    return np.where(last & people.member[visits.person] & ~ever[visits.person], BEGIN, place)


def _devices(chance: np.random.Generator, visits: Visits) -> tuple[Ints, Devices]:
    """The device of each visit: an app stays, a browser now and then forgets who it is."""
    forgets = chance.random(len(visits)) < _NEW_COOKIE
    ever = np.cumsum(forgets, dtype=np.int64)
    turn = ever - ever[np.arange(len(visits)) - ranks(visits.person)]
    app = visits.channel == APP
    key = (visits.person * (int(turn.max(initial=0)) + 1) + np.where(app, 0, turn)) * 2 + app
    online = visits.channel != STORE
    keys, device = np.unique(key[online], return_inverse=True)
    numbers = np.full(len(visits), -1)
    numbers[online] = device
    person = np.zeros(len(keys), dtype=np.int64)
    person[device] = visits.person[online]
    return numbers, Devices(person=person)
