"""The record: every event in numbers, by whom as far as the shop can tell, and what is true of it."""

import numpy as np

from etappe.simulation.clock import Clock
from etappe.simulation.goods.shelf import Shelf
from etappe.simulation.people.people import People
from etappe.simulation.record import moments as of
from etappe.simulation.record.identities import Identities
from etappe.simulation.record.moments import Moments
from etappe.simulation.tables import Flags, Floats, Ints, Table, firsts
from etappe.simulation.visits.history import History

NONE = -1
_BY_SERVER = (of.REFUND, of.MAIL_CLICK, of.STORE_VISIT, of.DELIVERY, of.COMPLAINT, of.RETURN, of.SURVEY)
"""Events that no browser or app sends."""
_OF_ORDER = (of.PURCHASE, of.REFUND, of.GIFT, of.DELIVERY, of.COMPLAINT, of.RETURN)


class Record(Table, frozen=True):
    """One row an event."""

    time: Ints
    """Microseconds since 1970, by a true clock."""
    code: Ints
    person: Ints
    """Who it really was; NONE for crawlers and staff."""
    stage: Ints
    """The stage in which they were; NONE for crawlers and staff."""
    user: Ints
    """The person whose account is known, or NONE."""
    device: Ints
    item: Ints
    quantity: Ints
    cents: Ints
    order: Ints
    channel: Ints
    said: Ints
    ref: Ints
    other: Ints


def of_visits(told: Moments, history: History, seen: Identities, people: People, shelf: Shelf, clock: Clock) -> Record:
    """The events of visits, and of what follows from them."""
    visits, visit, code = history.visits, told.visit, told.code
    person = visits.person[visit]
    known = people.member[person] & (seen.known_from[visit] <= told.place)
    priced = np.isin(code, of.PRICED)
    cents = np.zeros(len(told), dtype=np.int64)
    cents[priced] = shelf.cents.at(told.item[priced], visits.day[visit[priced]]).astype(np.int64)
    return Record(
        time=clock.moment(told.day),
        code=code,
        person=person,
        stage=visits.stage[visit],
        user=np.where(known, person, NONE),
        device=np.where(np.isin(code, _BY_SERVER), NONE, seen.device[visit]),
        item=told.item,
        quantity=told.quantity,
        cents=cents,
        order=np.where(np.isin(code, _OF_ORDER), _orders(history)[visit], NONE),
        channel=np.where(told.channel == of.NONE, visits.channel[visit], told.channel),
        said=told.said,
        ref=told.ref,
        other=told.other,
    )


def beside(clock: Clock, code: int, person: Ints, stage: Ints, day: Floats, **columns: Ints | int) -> Record:
    """Events of one kind that belong to no visit; columns that are not named are empty, the account is known."""
    count = len(person)
    empty = {"user": person, "device": NONE, "item": NONE, "quantity": 0, "cents": 0, "order": NONE, "channel": 0}
    empty |= {"said": 0, "ref": NONE, "other": NONE}
    filled = {name: np.broadcast_to(np.asarray(columns.get(name, value)), count) for name, value in empty.items()}
    return Record(time=clock.moment(day), code=np.full(count, code), person=person, stage=stage, **filled)


def order_count(history: History) -> int:
    """How many orders there are."""
    return len(np.unique(history.lines.visit[history.lines.bought]))


def _orders(history: History) -> Ints:
    """int64[visits]: the number of each visit's order, NONE where nothing is bought."""
    bought = history.lines.visit[history.lines.bought]
    number = np.full(len(history.visits), NONE)
    opening: Flags = firsts(bought)
    number[bought[opening]] = np.arange(int(opening.sum()))
    return number
