"""What happens outside of visits: mails sent and opened, calls to service, and what people say of consent."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from etappe.simulation.chance import stream
from etappe.simulation.clock import Clock
from etappe.simulation.journey.stays import Stays
from etappe.simulation.journey.touches import OPENED, OPENED_SPREAD, Touches, morning
from etappe.simulation.parameters import AWARENESS, Parameters
from etappe.simulation.people.people import People
from etappe.simulation.record import moments as of
from etappe.simulation.record import properties
from etappe.simulation.record.record import Record, beside
from etappe.simulation.steps import Steps
from etappe.simulation.tables import Floats, Ints

_SECOND: Final = 1 / 86400
_FETCHED: Final = 40 * _SECOND
"""A mail proxy fetches pictures within this time."""
_CLICKED: Final = 20 * _SECOND
"""From opening to following a link."""


def events(
    chance: np.random.Generator,
    touches: Touches,
    stays: Stays,
    people: People,
    parameters: Parameters,
    clock: Clock,
) -> Iterator[Record]:
    """Mails and calls. A mail is opened somewhat before its link is followed; proxies open at once."""
    kinds = np.array([one.kind for one in parameters.touchpoints])
    names = np.array([one.name for one in parameters.touchpoints])
    rows = np.flatnonzero((kinds == "email")[touches.touchpoint])
    every = np.array([one.every_days or np.inf for one in parameters.touchpoints])
    sent = (of.SENT, properties.SENT) if parameters.care is None else (of.EMAIL_SEND, properties.MAIL)
    yield from _mails(chance, touches, rows, stays, people, every, clock, sent)
    rows = np.flatnonzero((kinds == "service")[touches.touchpoint] & people.member[touches.person])
    good = (names == "service-good")[touches.touchpoint[rows]].astype(np.int64)
    told = properties.SERVICE if parameters.care is None else properties.HANDLED
    yield beside(
        clock, of.SERVICE, touches.person[rows], stays.stage[touches.stay[rows]], touches.day[rows], channel=of.PHONE,
        said=told, ref=good, other=chance.integers(len(properties.TOPICS), size=len(rows)),
    )  # fmt: skip


def _mails(
    chance: np.random.Generator,
    touches: Touches,
    rows: Ints,
    stays: Stays,
    people: People,
    every: Floats,
    clock: Clock,
    named: tuple[int, int],
) -> Iterator[Record]:
    """Sent, opened, and by whom. What goes out `every` [touchpoints] so many days was sent to all at once.

    `named` is the code of a mail that is sent, and what it says.
    """
    person, stage, day = touches.person[rows], stays.stage[touches.stay[rows]], touches.day[rows]
    point, opened, clicked = touches.touchpoint[rows], touches.opened[rows], touches.worked[rows]
    read = day - _CLICKED * (1 + chance.random(len(rows)))
    alone = read - OPENED * np.exp(chance.normal(0, OPENED_SPREAD, len(rows)))
    issued = day - np.remainder(day - morning(clock), every[point])
    sent = np.maximum(np.where(np.isinf(every[point]), alone, issued), np.maximum(people.since[person], 0.0))
    read = np.maximum(read, sent)
    proxied = people.proxied[person]
    fetched = sent + _FETCHED * chance.random(len(rows))
    looked = opened & (~proxied | clicked)  # behind a proxy only who clicks is seen to have opened
    for code, said, when, which in (
        (*named, sent, np.ones(len(rows), dtype=np.bool_)),
        (of.OPEN, properties.PROXY, fetched, proxied),
        (of.OPEN, properties.MAIL, read, looked),
    ):
        yield beside(
            clock, code, person[which], stage[which], when[which], channel=of.EMAIL, said=said, ref=rows[which],
            other=point[which],
        )  # fmt: skip


def subscriptions(persons: Ints, people: People, clock: Clock) -> Record:
    """Newcomers among `persons` who want the newsletter leave their address when they come, before they sign up."""
    person = persons[people.newsletter[persons] & (people.since[persons] >= 0)]
    stage = np.full(len(person), AWARENESS)
    return beside(clock, of.SUBSCRIBE, person, stage, people.since[person], said=properties.NEWSLETTER)


def consents(
    seed: int, known: Ints, since: Floats, stage: Steps[np.int64], parameters: Parameters, clock: Clock
) -> Record:
    """What customers say of personalisation: `known` [n] since these days; a few refuse, at once or later."""
    chance, said = stream(seed, "consents"), parameters.mishaps
    which = chance.random(len(known))
    rest = clock.days - since
    denied = which < said.denied
    withdrawn = ~denied & (which < said.denied + said.withdrawn)
    leaves = since + rest * chance.random(len(known)) * 0.8
    again = withdrawn & (chance.random(len(known)) < 0.5)  # noqa: PLR2004 - half of them, as the world's file says
    returns = leaves + (clock.days - leaves) * chance.random(len(known))
    person = np.concatenate((known[denied], known[withdrawn], known[again]))
    day = np.concatenate((since[denied] + 2 * _SECOND, leaves[withdrawn], returns[again]))
    agreed = np.concatenate(
        (np.zeros(int(denied.sum() + withdrawn.sum()), np.int64), np.ones(int(again.sum()), np.int64))
    )
    return beside(clock, of.CONSENT, person, stage.at(person, day), day, said=properties.CONSENT, ref=agreed)
