"""What follows a purchase or a visit: ratings, reviews, refunds, gifts, things shared."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from etappe.simulation.journey.arrivals import STORE
from etappe.simulation.parameters import LOYALTY, RETENTION, Parameters
from etappe.simulation.people.people import People
from etappe.simulation.record import moments as of
from etappe.simulation.record import properties
from etappe.simulation.record.identities import AT_CHECKOUT
from etappe.simulation.record.moments import Moments, moments
from etappe.simulation.tables import Floats, Ints
from etappe.simulation.visits.history import History

_BOUGHT: Final = AT_CHECKOUT + 3
"""Place of purchases: who was known then is known now."""
_RATED, _REFUNDED = 8.0, 10.0
"""Median days until a purchase is rated, or goes back."""
_REVIEWED: Final = 0.5
_STARS: Final = np.array([[0.06, 0.06, 0.13, 0.33, 0.42], [0.03, 0.04, 0.1, 0.33, 0.5]])
"""How many of 1 to 5 stars people give who are not loyal, and who are."""


def follow(chance: np.random.Generator, history: History, people: People, parameters: Parameters) -> Moments:
    """All that follows, in no order."""
    return Moments.joined(list(_parts(chance, history, people, parameters)))


def _parts(chance: np.random.Generator, history: History, people: People, parameters: Parameters) -> Iterator[Moments]:
    visits, said = history.visits, parameters.told
    lines = history.lines.at(history.lines.bought)
    online = visits.channel != STORE
    day = visits.day[lines.visit]
    likely = said.rates * people.member[visits.person[lines.visit]]
    rows = np.flatnonzero((chance.random(len(lines)) < likely) & online[lines.visit])
    stars = _stars(chance, visits.stage[lines.visit[rows]])
    visit, item, when = lines.visit[rows], lines.item[rows], day[rows] + _delays(chance, _RATED, len(rows))
    yield moments(of.RATE, visit, _BOUGHT, item=item, day=when, said=properties.RATING, ref=stars)
    wrote = np.flatnonzero(chance.random(len(rows)) < _REVIEWED)
    yield moments(
        of.REVIEW, visit[wrote], _BOUGHT, item=item[wrote], day=when[wrote] + 1e-3, said=properties.RATING,
        ref=stars[wrote],
    )  # fmt: skip
    rows = np.flatnonzero(chance.random(len(lines)) < said.refunds)
    when = day[rows] + _delays(chance, _REFUNDED, len(rows))
    yield moments(of.REFUND, lines.visit[rows], _BOUGHT, item=lines.item[rows], day=when, quantity=lines.quantity[rows])
    rows = np.flatnonzero((chance.random(len(lines)) < said.gift) & online[lines.visit])
    yield moments(of.GIFT, lines.visit[rows], _BOUGHT, item=lines.item[rows], day=day[rows] + 0.02)
    likely = np.where(visits.stage == LOYALTY, said.shares, np.where(visits.stage == RETENTION, said.shares / 3, 0.0))
    views = history.views
    rows = np.flatnonzero((chance.random(len(views)) < likely[views.visit] / 3) & online[views.visit])
    yield moments(of.SHARE, views.visit[rows], _BOUGHT, item=views.item[rows], day=visits.day[views.visit[rows]] + 0.01)


def _delays(chance: np.random.Generator, median: float, count: int) -> Floats:
    return np.asarray(median * np.exp(chance.normal(0, 0.5, count)))


def _stars(chance: np.random.Generator, stage: Ints) -> Ints:
    """int64[n]: 1 to 5."""
    up_to = np.cumsum(_STARS, axis=1)[(stage == LOYALTY).astype(np.int64)]
    drawn: Ints = (chance.random(len(stage))[:, None] >= up_to).sum(axis=1) + 1
    return np.minimum(drawn, len(_STARS[0]))
