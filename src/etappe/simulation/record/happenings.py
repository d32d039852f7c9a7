"""Visits as events in time: what stands where in a visit, and how long it takes to get there."""

from collections.abc import Iterator
from typing import Final

import msgspec
import numpy as np

from etappe.events.vocabulary import CODES
from etappe.simulation.clock import DAY, SECOND
from etappe.simulation.journey.arrivals import STORE, Visits
from etappe.simulation.parameters import Parameters, named_by_stage
from etappe.simulation.people.people import People
from etappe.simulation.record import moments as of
from etappe.simulation.record import properties
from etappe.simulation.record.identities import AT_CHECKOUT, BEGIN, NEVER, Identities
from etappe.simulation.record.moments import Moments, moments
from etappe.simulation.tables import Flags, Floats, Ints, firsts, ranks
from etappe.simulation.visits.baskets import Lines
from etappe.simulation.visits.history import FROM_LIST, History

HOME: Final = -12.0
"""Place in a visit of the list on the home page."""
BY_VISIT: Final = (properties.PIECE, properties.LIST, properties.SELECT)
BY_TOUCH: Final = (properties.MAIL, properties.SENT, properties.PROXY)
"""Properties that speak of a visit, or of a touch, by its row."""
_ARRIVES, _PIECE, _AT_SEARCH = -30.0, -11.0, -1.0
"""Places in a visit: what brings somebody, the piece on the home page, the search."""
_BEFORE, _AFTER, _LATER = -0.1, 0.1, 0.3
_UNCARTS: Final = 0.08
"""Share of lines that are not bought and taken out of the cart again."""
_SECONDS: Final = {
    of.VIEW: 30, of.CART: 14, of.PURCHASE: 60, of.WISH: 6, of.IGNORE: 4, of.SEARCH: 10, of.LOGIN: 15, of.SIGN_UP: 70,
    of.CLICK: 8, of.SELECT: 6, of.UNCART: 40, of.CHECKOUT: 25, of.PAYMENT: 50, of.SHARE: 20,
}  # fmt: skip
"""Median time (s) before an event of each kind since the one before; what is not named follows at once."""
_SPREAD: Final = 0.7
"""Log spread of these times."""


class Teller:
    """Tells visits as moments."""

    def __init__(self, parameters: Parameters, people: People) -> None:
        self._parameters, self._people = parameters, people
        self._kind = np.array([one.kind for one in parameters.touchpoints])
        self._search = parameters.by_stage("search")
        self._hesitates = named_by_stage(parameters.visits.hesitates)

    def tell(self, chance: np.random.Generator, history: History, seen: Identities) -> Moments:
        """All that happens in visits, by visit and place."""
        parts = list(self._parts(chance, history, seen))
        told = Moments.joined([part.at(_witnessed(part, history.visits)) for part in parts])
        told = told.at(np.lexsort((told.place, told.visit)))
        return msgspec.structs.replace(told, day=_days(chance, told, history.visits))

    def _parts(self, chance: np.random.Generator, history: History, seen: Identities) -> Iterator[Moments]:
        yield from self._arrivals(history.visits)
        yield from self._at_home(history)
        yield from self._looking(chance, history)
        yield from self._buying(chance, history)
        yield from self._recognitions(history.visits, seen)

    def _arrivals(self, visits: Visits) -> Iterator[Moments]:
        """Ads and mails that were followed; stores that were entered by who is known there."""
        source = visits.source
        kind = np.where(source >= 0, self._kind[source], "")
        rows = np.flatnonzero(kind == "ad")
        yield moments(of.AD, rows, _ARRIVES, channel=of.ADS, said=properties.CAMPAIGN, ref=source[rows])
        rows = np.flatnonzero(kind == "email")
        yield moments(
            of.MAIL_CLICK, rows, _ARRIVES, channel=of.EMAIL, said=properties.MAIL, ref=visits.touch[rows],
            other=source[rows],
        )  # fmt: skip
        rows = np.flatnonzero((visits.channel == STORE) & self._people.card[visits.person])
        yield moments(of.STORE_VISIT, rows, _ARRIVES, said=properties.CARD, ref=visits.person[rows])

    def _at_home(self, history: History) -> Iterator[Moments]:
        """The list and the piece on the home page, and clicks on them."""
        visits, shown = history.visits, history.shown
        rows = np.flatnonzero(visits.home)
        yield moments(of.LIST, rows, HOME, said=properties.LIST, ref=rows)
        yield moments(of.IMPRESSION, rows, _PIECE, said=properties.PIECE, ref=rows, other=visits.piece[rows])
        rows = np.flatnonzero(visits.clicked)
        yield moments(of.CLICK, rows, _PIECE + _AFTER, said=properties.PIECE, ref=rows, other=visits.piece[rows])
        opened = shown.at(shown.clicked)
        place = FROM_LIST - 0.005 + ranks(opened.visit) / 100  # just before the views that they lead to
        yield moments(
            of.SELECT, opened.visit, place, item=opened.item, said=properties.SELECT, ref=opened.visit,
            other=opened.position,
        )  # fmt: skip

    def _looking(self, chance: np.random.Generator, history: History) -> Iterator[Moments]:
        """Views, wishes, refusals, and searches for the kind of thing that is then looked at first."""
        visits, views = history.visits, history.views
        opening = firsts(views.visit)
        source = np.where(opening, visits.source[views.visit], -1)
        told = (source >= 0) & np.isin(self._kind[source], ("organic", "social", "referral"))
        said, ref = np.where(told, properties.CAMPAIGN, 0), np.where(told, source, -1)
        yield moments(of.VIEW, views.visit, views.place, item=views.item, said=said, ref=ref)
        wished = views.at(views.wished)
        yield moments(of.WISH, wished.visit, wished.place + _AFTER, item=wished.item)
        plain = ~visits.reorder[views.visit] & ~views.wished & ~views.returning
        ignored = views.at((chance.random(len(views)) < self._parameters.told.ignores) & plain)
        yield moments(of.IGNORE, ignored.visit, ignored.place + _AFTER, item=ignored.item)
        first = views.at(opening)
        searched = (chance.random(len(first)) < self._search[visits.mood[first.visit]]) & (first.place >= 0)
        first = first.at(searched)
        yield moments(of.SEARCH, first.visit, _AT_SEARCH, item=first.item, said=properties.SEARCH)

    def _buying(self, chance: np.random.Generator, history: History) -> Iterator[Moments]:
        """Carts, checkouts, orders."""
        lines = history.lines
        along, bought = lines.at(lines.companion), lines.at(lines.bought)
        yield moments(of.VIEW, along.visit, along.place + _BEFORE, item=along.item)
        yield moments(of.CART, lines.visit, lines.place, item=lines.item, quantity=lines.quantity)
        back = lines.at(~lines.bought & (chance.random(len(lines)) < _UNCARTS))
        yield moments(of.UNCART, back.visit, back.place + _LATER, item=back.item, quantity=back.quantity)
        place = (AT_CHECKOUT + 3 + ranks(bought.visit)).astype(np.float64)
        buyers = self._buyers(history.visits, bought)
        yield moments(of.PURCHASE, bought.visit, place, item=bought.item, quantity=bought.quantity, **buyers)
        order = bought.visit[firsts(bought.visit)]
        told = order[chance.random(len(order)) < self._parameters.visits.checkout_steps]
        yield moments(of.CHECKOUT, told, AT_CHECKOUT - 2)
        yield moments(of.PAYMENT, told, AT_CHECKOUT + 2)
        filled = lines.at(~lines.bought & firsts(lines.visit))
        left = filled.visit[chance.random(len(filled)) < self._hesitates[history.visits.mood[filled.visit]]]
        yield moments(of.CHECKOUT, left, AT_CHECKOUT - 2)

    def _buyers(self, visits: Visits, bought: Lines) -> dict[str, Ints]:
        """What a store's sale says of its buyer: the card, the address of the receipt, or nothing."""
        person, people = visits.person[bought.visit], self._people
        store = visits.channel[bought.visit] == STORE
        by_mail = store & ~people.card[person] & people.newsletter[person]
        said = np.where(by_mail, properties.RECEIPT, 0)
        return {"said": np.where(store & people.card[person], properties.CARD, said), "ref": person}

    def _recognitions(self, visits: Visits, seen: Identities) -> Iterator[Moments]:
        """Logins, sign-ups, and what the shop learns when it first knows somebody."""
        sign_up = seen.login & seen.first & seen.newcomer
        for code, flags in ((of.SIGN_UP, sign_up), (of.LOGIN, seen.login & ~sign_up)):
            rows = np.flatnonzero(flags)
            person = visits.person[rows]
            brought = (self._people.referrer[person] >= 0) & (code == of.SIGN_UP)
            said = np.where(brought, properties.REFERRED, 0)
            yield moments(code, rows, seen.known_from[rows], said=said, ref=person)
        rows = np.flatnonzero(seen.first & (seen.known_from < NEVER))
        place = np.maximum(seen.known_from[rows], BEGIN) + _AFTER
        yield moments(of.TRAITS, rows, place, said=properties.TRAITS, ref=visits.person[rows])
        old = self._people.since[visits.person[rows]] < 0  # newcomers subscribe when they come, see `outside`
        rows = rows[old & self._people.newsletter[visits.person[rows]]]
        place = np.maximum(seen.known_from[rows], BEGIN) + 2 * _AFTER
        yield moments(of.SUBSCRIBE, rows, place, said=properties.NEWSLETTER)


def _witnessed(told: Moments, visits: Visits) -> Flags:
    """bool[n]: the shop records it. In a store it sees what is bought, and who comes in by their card."""
    in_store = np.isin(told.code, (of.PURCHASE, of.STORE_VISIT))
    witnessed: Flags = in_store | (visits.channel[told.visit] != STORE)
    return witnessed


def _days(chance: np.random.Generator, told: Moments, visits: Visits) -> Floats:
    """float64[n]: when each happens. The lines of an order happen at once."""
    medians = np.zeros(max(CODES.values()) + 1)
    medians[list(_SECONDS)] = list(_SECONDS.values())
    next_line = (told.code == of.PURCHASE) & np.append(False, told.code[:-1] == of.PURCHASE)
    seconds = medians[told.code] * np.exp(chance.normal(0, _SPREAD, len(told)))
    gaps = np.where(firsts(told.visit) | next_line, 0.0, seconds)
    elapsed = np.cumsum(gaps)
    before = elapsed[np.arange(len(told)) - ranks(told.visit)]
    return np.asarray(visits.day[told.visit] + (elapsed - before) * (SECOND / DAY))
