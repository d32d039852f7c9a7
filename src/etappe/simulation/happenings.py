"""Visits as events in time: what stands where in a visit, and how long it takes to get there."""

from collections.abc import Iterator
from typing import Final

import msgspec
import numpy as np

from etappe.events.vocabulary import CODES
from etappe.simulation.baskets import Lines
from etappe.simulation.chance import stream
from etappe.simulation.history import History
from etappe.simulation.identities import CHECKOUT, Identities
from etappe.simulation.rhythm import SECOND
from etappe.simulation.tables import Flags, Floats, Ints, Table, firsts, ranks
from etappe.simulation.visits import EMAIL, STORE, Visits

NO_ITEM: Final = -1
VIEW, CART, PURCHASE = CODES["view_item"], CODES["add_to_cart"], CODES["purchase"]
WISH, IGNORE, SEARCH = CODES["add_to_wishlist"], CODES["ignore"], CODES["search"]
LOGIN, SIGN_UP, TRAITS, CLICK = CODES["login"], CODES["sign_up"], CODES["set_traits"], CODES["email_click"]

_IGNORES, _SEARCHES = 0.0015, 0.3
"""Share of views after which the item is never wanted again; of visits that begin with a search."""
_FIRST, _AT_SEARCH, _BEFORE, _AFTER = -10.0, -1.0, -0.1, 0.1
"""Places in a visit: what opens it, the search, just before and just after something else."""
_SECONDS = {VIEW: 30, CART: 14, PURCHASE: 110, WISH: 6, IGNORE: 4, SEARCH: 10, LOGIN: 15, SIGN_UP: 70}
"""Median time (s) before an event of each kind since the one before; what is not named follows at once."""
_SPREAD = 0.7
"""Log spread of these times."""


class Moments(Table, frozen=True):
    """One row an event. `place` orders the events of a visit."""

    visit: Ints
    place: Floats
    code: Ints
    """`vocabulary.CODES`."""
    item: Ints
    """Row of the goods, or NO_ITEM."""
    quantity: Ints
    """0 for none."""
    time: Ints
    """Microseconds since 1970."""


def happen(history: History, identities: Identities, end: int, seed: int) -> Moments:
    """All events before `end` (microseconds since 1970), by time."""
    chance = stream(seed, "happenings")
    parts = list(_parts(chance, history, identities))
    moments = Moments.joined([part.at(_witnessed(part, history.visits)) for part in parts])
    moments = moments.at(np.lexsort((moments.place, moments.visit)))
    moments = msgspec.structs.replace(moments, time=_times(chance, moments, history.visits))
    moments = moments.at(np.argsort(moments.time, kind="stable"))
    return moments.at(moments.time < end)


def _parts(chance: np.random.Generator, history: History, identities: Identities) -> Iterator[Moments]:
    """The events of each kind in turn; times are filled in later."""
    visits, views, lines = history.visits, history.views, history.lines
    along, bought = lines.at(lines.companion), lines.at(lines.bought)
    yield _moments(VIEW, views.visit, views.place, views.item)
    yield _moments(VIEW, along.visit, along.place + _BEFORE, along.item)
    yield _moments(CART, lines.visit, lines.place, lines.item, lines.quantity)
    yield _moments(PURCHASE, bought.visit, CHECKOUT + 1 + _order_places(bought), bought.item, bought.quantity)
    ignored = (chance.random(len(views)) < _IGNORES) & ~visits.reorder[views.visit] & ~views.wished & ~views.returning
    for code, chosen in ((WISH, views.at(views.wished)), (IGNORE, views.at(ignored))):
        yield _moments(code, chosen.visit, chosen.place + _AFTER, chosen.item)
    yield _searches(chance, history)
    yield from _recognitions(visits, identities)


def _recognitions(visits: Visits, identities: Identities) -> Iterator[Moments]:
    """E-mails followed, logins, sign-ups, and the traits that the shop learns when it first knows someone."""
    clicks = np.flatnonzero(visits.channel == EMAIL)
    yield _moments(CLICK, clicks, np.full(len(clicks), _FIRST))
    sign_up = identities.login & identities.first & identities.newcomer
    for code, flags in ((SIGN_UP, sign_up), (LOGIN, identities.login & ~sign_up), (TRAITS, identities.first)):
        rows = np.flatnonzero(flags)
        place = np.maximum(identities.known_from[rows], _FIRST) + (_AFTER if code == TRAITS else 0.0)
        yield _moments(code, rows, place)


def _searches(chance: np.random.Generator, history: History) -> Moments:
    """Some visits begin with a search for the kind of thing that is then looked at first."""
    opening = history.views.at(firsts(history.views.visit))
    opening = opening.at((chance.random(len(opening)) < _SEARCHES) & (history.visits.channel[opening.visit] != EMAIL))
    return _moments(SEARCH, opening.visit, np.full(len(opening), _AT_SEARCH), opening.item)


def _order_places(bought: Lines) -> Floats:
    """float64[lines]: 0, 1, 2 ... inside each order."""
    return ranks(bought.visit).astype(np.float64)


def _moments(code: int, visit: Ints, place: Floats, item: Ints | None = None, quantity: Ints | None = None) -> Moments:
    count = len(visit)
    return Moments(
        visit=visit,
        place=place,
        code=np.full(count, code),
        item=np.full(count, NO_ITEM) if item is None else item,
        quantity=np.zeros(count, dtype=np.int64) if quantity is None else quantity,
        time=np.zeros(count, dtype=np.int64),
    )


def _witnessed(moments: Moments, visits: Visits) -> Flags:
    """bool[moments]: the shop records it. In a store it sees what is bought and, by the loyalty card, by whom."""
    seen_in_store = np.isin(moments.code, (PURCHASE, TRAITS))
    witnessed: Flags = seen_in_store | (visits.channel[moments.visit] != STORE)
    return witnessed


def _times(chance: np.random.Generator, moments: Moments, visits: Visits) -> Ints:
    """int64[moments]: when each happens. The lines of an order happen at once."""
    medians = np.zeros(max(CODES.values()) + 1)
    medians[list(_SECONDS)] = list(_SECONDS.values())
    opening = firsts(moments.visit)
    next_line = (moments.code == PURCHASE) & np.append(False, moments.code[:-1] == PURCHASE)
    seconds = medians[moments.code] * np.exp(chance.normal(0, _SPREAD, len(moments)))
    gaps = (np.where(opening | next_line, 0.0, seconds) * SECOND / 1000).astype(np.int64) * 1000
    elapsed = np.cumsum(gaps)
    before = elapsed[np.arange(len(moments)) - ranks(moments.visit)]
    times: Ints = visits.start[moments.visit] + elapsed - before
    return times
