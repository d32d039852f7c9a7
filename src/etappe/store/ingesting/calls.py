"""One call of the ingest script: what it gets of the events of a partition, and which of them they are.

What a customer gets is one argument, event behind event, and so is the row of each event:

0  kind    u1   NOBODYS, CHECKED, COUNTED, UNPROVEN, FLAGGED, ALIAS
1  spare   u1
2  records u2   the event's record and its blocks
4  minute  u4   in which it counts, where COUNTED
8  subject (16 bytes, where ALIAS); as of when nobody was erased that is not known of (i8, Unix ms, where CHECKED);
   record and blocks

It begins with the customer (16 bytes) and whether one of the events has another subject (u1).
"""

import struct
import time
from collections.abc import Iterator
from typing import Any, Final

from etappe.customers import records
from etappe.events import traffic
from etappe.events.intake import Accepted, completed, nobodys
from etappe.events.vocabulary import CODES
from etappe.ids import PARTITIONS, Partition, Subject
from etappe.settings import Settings
from etappe.store import keys
from etappe.store.ingesting import rows
from etappe.store.records import envelope
from etappe.units import MIB

MOST_EVENTS: Final = 500
"""Events of one call, and so of one entry of a stream."""
MOST_BYTES: Final = MIB
"""After so many bytes a call takes no more events."""
NOBODYS: Final = 1
"""Kind: it is nobody's, or may not be told whose."""
CHECKED: Final = 2
"""Kind: whether its subject was erased since it happened was asked."""
COUNTED: Final = 4
"""Kind: it counts towards events a minute."""
UNPROVEN: Final = 8
"""Kind: it was not proved whose it is. These count apart, so that they cause no flag of others."""
FLAGGED: Final = 16
"""Kind: it goes to no record."""
ALIAS: Final = 32
"""Kind: its subject is another than the customer's, and stands behind."""
_MOST_COUNTED: Final = 65_534
"""Events a minute that can be told from more."""
_HEAD: Final = struct.Struct("<BBHI")
_SETTINGS: Final = struct.Struct("<IIHB?")
_AS_OF: Final = struct.Struct("<q")
_OF_A_MINUTE: Final = 60_000_000
_OF_PARTITION: Final = tuple(
    (keys.mark(partition), keys.stream(partition), keys.long_tails(partition), keys.erased(partition))
    for partition in map(Partition, range(PARTITIONS))
)


class Told:
    """What the script gets of one event, made once however often it is sent."""

    __slots__ = ("kind", "microseconds", "minute", "record", "row", "size")

    def __init__(self, accepted: Accepted, subject: Subject, *, is_customer: bool) -> None:
        event = accepted.event
        nobody = accepted.private or not is_customer
        flag = accepted.flag or traffic.flag_of(event) or ""
        counts = not nobody and traffic.counts_for_rate(event)
        kept = nobodys(accepted) if accepted.private else accepted
        self.kind = (
            (NOBODYS if nobody else 0)
            | (COUNTED if counts else 0)
            | (0 if accepted.proven else UNPROVEN)
            | (FLAGGED if flag else 0)
        )
        self.record = records.encode(event, accepted.event_id, accepted.time)
        self.microseconds = records.time_of(self.record)
        self.minute = self.microseconds // _OF_A_MINUTE if counts else 0
        self.row = rows.pack(completed(kept), b"" if nobody else subject, flag.encode(), kept.raw or b"")
        self.size = len(self.record) + len(self.row)

    def packed(self, alias: bytes, as_of: int | None) -> bytes:
        """What the customer's argument has of it, as of the event of an `alias` where it is one's."""
        kind = self.kind | (0 if as_of is None else CHECKED) | (ALIAS if alias else 0)
        head = _HEAD.pack(kind, 0, len(self.record) // records.WIDTH, self.minute)
        return head + alias + (b"" if as_of is None else _AS_OF.pack(as_of)) + self.record


class Sent:
    """An event on its way to the record of a customer.

    `as_of` is when somebody of the customer's partition was last erased, as of the moment at which its tombstone was
    asked; None where it was not.
    """

    __slots__ = ("as_of", "subject", "told")

    def __init__(self, subject: Subject, told: Told) -> None:
        self.subject = subject
        self.told = told
        self.as_of: int | None = None


class Call:
    """The events of one partition that go in one call."""

    def __init__(self) -> None:
        self._customers: dict[Subject, list[Sent]] = {}
        self._events = 0
        self._bytes = 0

    @property
    def full(self) -> bool:
        """Whether it takes no more."""
        return self._events >= MOST_EVENTS or self._bytes >= MOST_BYTES

    def add(self, customer: Subject, sent: Sent) -> None:
        """Takes an event of a customer."""
        events = self._customers.get(customer)
        if events is None:
            self._customers[customer] = [sent]
        else:
            events.append(sent)
        self._events += 1
        self._bytes += sent.told.size

    def events(self) -> Iterator[Sent]:
        """The events in the order in which the script answers."""
        for of_one in self._customers.values():
            yield from of_one

    def names(self, partition: Partition) -> list[str]:
        """The keys the script works on."""
        names = [*_OF_PARTITION[partition], *map(keys.record, self._customers)]
        return names + [keys.members(one) for one, events in self._customers.items() if _under_alias(one, events)]

    def arguments(self, least: str, settings: bytes) -> list[Any]:
        """What the script gets; `least` is the least mark, `settings` those as `settings_now` packs them."""
        told = [_packed(customer, events) for customer, events in self._customers.items()]
        return [least, settings, len(told), *told, *(one.told.row for one in self.events())]


def settings_now(settings: Settings) -> bytes:
    """What the script gets of the settings, with the day it is, and what records of events end with that go to none."""
    head = _SETTINGS.pack(
        settings.store.tail_limit * records.WIDTH,
        min(settings.traffic.events_per_minute, _MOST_COUNTED),
        envelope.day_of(time.time()),
        CODES["set_consent"],
        settings.consent.unknown == "deny",
    )
    return head + envelope.SEEN_END


def _packed(customer: Subject, events: list[Sent]) -> bytes:
    aliases = b"\1" if _under_alias(customer, events) else b"\0"
    told = [one.told.packed(b"" if one.subject == customer else one.subject, one.as_of) for one in events]
    return b"".join((customer, aliases, *told))


def _under_alias(customer: Subject, events: list[Sent]) -> bool:
    return any(one.subject != customer for one in events)
