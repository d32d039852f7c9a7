"""What a shop's other systems do and ask: parcels, complaints, goods that come back, surveys, messages.

Worlds without a table `care` have none of it. It draws from random streams of its own.
"""

from collections.abc import Iterator
from typing import Final

import msgspec
import numpy as np

from etappe.simulation.clock import Clock
from etappe.simulation.journey.arrivals import STORE
from etappe.simulation.journey.stays import Stays, suited
from etappe.simulation.parameters.told import Care
from etappe.simulation.people.people import People
from etappe.simulation.record import moments as of
from etappe.simulation.record import properties
from etappe.simulation.record.identities import AT_CHECKOUT, Identities
from etappe.simulation.record.moments import Moments, moments
from etappe.simulation.record.record import Record, beside
from etappe.simulation.tables import Floats, Ints, firsts
from etappe.simulation.visits.history import History

_BOUGHT: Final = AT_CHECKOUT + 3
"""Place of purchases: of whom is known then is known what becomes of the order."""
_SPREAD: Final = 0.4
"""Log spread of the time that a parcel, an answer, a complaint takes."""
_HOUR: Final = 3_600_000_000
_CALM, _ANGRY, _FELT = 4.3, 1.8, 0.8
"""Means and spread of what callers say of a call that went well, and of one that did not."""


def follow(chance: np.random.Generator, history: History, seen: Identities, people: People, said: Care) -> Moments:
    """What becomes of the orders of known customers, in no order."""
    return Moments.joined(list(_of_orders(chance, history, seen, people, said)))


def _of_orders(
    chance: np.random.Generator, history: History, seen: Identities, people: People, said: Care
) -> Iterator[Moments]:
    visits = history.visits
    lines = history.lines.at(history.lines.bought)
    order = lines.visit[firsts(lines.visit)]
    known = people.member[visits.person[order]] & (seen.known_from[order] <= _BOUGHT)
    order = order[known & (visits.channel[order] != STORE)]
    late = chance.random(len(order)) < said.late
    arrived = visits.day[order] + _delays(chance, said.delivery_days, len(order)) + late * said.late_days
    yield moments(of.DELIVERY, order, _BOUGHT, day=arrived, said=properties.DELIVERED, ref=late.astype(np.int64))
    complains = chance.random(len(order)) < np.where(late, said.complains_late, said.complains)
    rows = np.flatnonzero(complains)
    when = arrived[rows] + _delays(chance, said.complaint_days, len(rows))
    topic = np.where(late[rows], 0, chance.integers(1, len(properties.TOPICS), len(rows)))
    yield moments(of.COMPLAINT, order[rows], _BOUGHT, day=when, said=properties.COMPLAINED, ref=topic)
    rows = np.flatnonzero(chance.random(len(order)) < said.answers)
    when = np.maximum(arrived[rows] + _delays(chance, said.answer_days, len(rows)), arrived[rows])
    mean = np.array(said.recommends)[visits.stage[order[rows]]] - said.late_costs * late[rows]
    mean = mean - said.complaint_costs * complains[rows]
    yield moments(
        of.SURVEY, order[rows], _BOUGHT, day=when, said=properties.RECOMMENDS, ref=_scores(chance, mean, said.spread)
    )


def returned(later: Moments) -> Moments:
    """What is refunded of what happens `later` has come back a day before."""
    back = later.at(later.code == of.REFUND)
    return msgspec.structs.replace(
        back, code=np.full(len(back), of.RETURN), day=back.day - 1.0, quantity=np.zeros(len(back), np.int64)
    )


def calls(chance: np.random.Generator, service: Record, said: Care) -> Record:
    """What those say who were asked how a call with service was: 1 (badly) to 5, an hour after it."""
    rows = np.flatnonzero(chance.random(len(service)) < said.answers)
    asked = service.at(rows)
    felt = np.rint(chance.normal(np.where(asked.ref > 0, _CALM, _ANGRY), _FELT))
    return msgspec.structs.replace(
        asked,
        time=asked.time + _HOUR,
        code=np.full(len(asked), of.SURVEY),
        said=np.full(len(asked), properties.FELT),
        ref=np.clip(felt, 1, 5).astype(np.int64),
    )


def messages(chance: np.random.Generator, stays: Stays, people: People, said: Care, clock: Clock) -> Iterator[Record]:
    """What another system sends to telephones: pushes to those with the app, else short messages; some are opened.

    They change nothing: who moves on because of a message, the story does not know.
    """
    count = chance.poisson(said.messages * stays.length) * people.member[stays.person]
    rows = np.repeat(np.arange(len(stays)), count)
    person, stage = stays.person[rows], stays.stage[rows]
    low, high = stays.low[rows], stays.low[rows] + stays.length[rows]
    day = suited(chance, clock, people.habit[person], low + chance.random(len(rows)) * (high - low), low, high)
    opened = chance.random(len(rows)) < np.array(said.opens)[stage]
    followed = opened & (chance.random(len(rows)) < said.follows)
    read = day + _delays(chance, said.read_days, len(rows))
    channel = np.where(people.app[person], of.PUSH, of.SMS)
    campaign = chance.integers(len(properties.MESSAGES), size=len(rows))
    for code, when, which in (
        (of.MESSAGE_SEND, day, np.ones(len(rows), dtype=np.bool_)),
        (of.MESSAGE_OPEN, read, opened),
        (of.MESSAGE_CLICK, read + 30 / 86400, followed),
    ):
        yield beside(
            clock, code, person[which], stage[which], when[which], channel=channel[which], said=properties.MESSAGE,
            ref=campaign[which],
        )  # fmt: skip


def _delays(chance: np.random.Generator, median: float, count: int) -> Floats:
    return np.asarray(median * np.exp(chance.normal(0, _SPREAD, count)))


def _scores(chance: np.random.Generator, mean: Floats, spread: float) -> Ints:
    """int64[n]: 0 to 10."""
    return np.clip(np.rint(chance.normal(mean, spread)), 0, 10).astype(np.int64)
