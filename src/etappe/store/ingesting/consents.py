"""What customers say of consent, with the times from which it counts: `withdrawal` has the rules.

The last words are read before the events are taken. What another process takes in between is told by its time alone,
by which a denial wins.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from etappe.customers.packed.base import unpack
from etappe.customers.records import decode_tail
from etappe.customers.state import split_blocks
from etappe.customers.stated import traits, withdrawal
from etappe.customers.stated.consent import MOMENTS, PERSONALISATION, PREFIX, PURPOSES, SPELLINGS, moment, purposes_of
from etappe.customers.stated.withdrawal import Word
from etappe.errors import DataError
from etappe.events import trust
from etappe.events.intake import Accepted
from etappe.events.vocabulary import SetConsent
from etappe.ids import Subject, tombstone_of
from etappe.settings import Settings
from etappe.store import keys
from etappe.store.ingesting.ingest import subject_for
from etappe.store.records import customers
from etappe.store.records.customers import CustomerRecord
from etappe.store.wire import Wire, ask_all

_MICROSECOND: Final = timedelta(microseconds=1)
_EPOCH: Final = moment(0)
_Words = dict[str, Word]


async def timed(
    wire: Wire, secret: bytes, events: Sequence[Accepted], arrived: datetime, settings: Settings
) -> list[Accepted]:
    """`events`, which arrived at `arrived`, in which each `set_consent` has the time from which it counts.

    Raises:
        StoreUnavailableError: Redis did not answer.
    """
    judged = list(events)
    spoken = [place for place, one in enumerate(events) if isinstance(one.event, SetConsent)]
    if not spoken:
        return judged
    subjects = {place: subject_for(secret, events[place].event)[0] for place in spoken}
    distinct = list(dict.fromkeys(subjects.values()))
    unproven = {subjects[place] for place in spoken if not events[place].proven}  # a linked browser's own word
    found = await customers.read(wire, distinct, own=unproven)
    records = dict(zip(distinct, found, strict=True))
    erased = await _erased(wire, secret, distinct)
    words = {record.subject: _words_in(record) for record in records.values()}
    skew = round(settings.consent.skew_minutes * 60_000_000)
    for place in spoken:
        if _micros(events[place].time) > erased[subjects[place]]:
            record = records[subjects[place]]
            known = words[record.subject]
            one = _as_believed(events[place], known, linked=record.subject != subjects[place])
            judged[place] = one if one.flag else _judged(one, _micros(arrived) + one.index, skew, known)
    return judged


async def _erased(wire: Wire, secret: bytes, subjects: Sequence[Subject]) -> dict[Subject, int]:
    """When each was erased (Unix us), -1 for never: what was said before stays before, and is refused."""
    values = await ask_all(wire, [("GET", keys.gone(subject, tombstone_of(secret, subject))) for subject in subjects])
    return {subject: int(gone) * 1000 if gone else -1 for subject, gone in zip(subjects, values, strict=True)}


def _words_in(record: CustomerRecord) -> _Words:
    """The last words in a record, by purpose; none where it cannot be read: then their times alone decide."""
    try:
        _, said = split_blocks(decode_tail(record.tail))
        known = traits.after(unpack(record.base).traits, said)
    except DataError:
        return {}
    start = len(PREFIX)
    return {name[start:]: withdrawal.word_of(trait) for name, trait in known.items() if name.startswith(PREFIX)}


def _not_believed(one: Accepted, known: _Words, *, linked: bool) -> set[str]:
    """Purposes of which an event's words do not count for the customer, who has the `known` last words.

    A stranger denies in a user_id's name what Etappe or the customer knows: a record keeps so many names, those said
    last, and made up ones would push out its traits and consent. A browser with proof that is `linked` to an account
    takes none of its denials back.
    """
    said = purposes_of(one.event.properties or {})
    if not one.proven:
        return said.keys() - known.keys() - set(PURPOSES) if one.event.user_id else set()
    denied = {purpose for purpose, word in known.items() if not word.granted}
    return {purpose for purpose, granted in said.items() if granted} & denied if one.granting and linked else set()


def _as_believed(one: Accepted, known: _Words, *, linked: bool) -> Accepted:
    """The event with the words that count; flagged, where none does."""
    purposes = _not_believed(one, known, linked=linked)
    if not purposes:
        return one
    said = one.event.properties or {}
    left = {name: value for name, value in said.items() if SPELLINGS.get(name, name) not in purposes}
    if not purposes_of(left):
        return msgspec.structs.replace(one, flag=trust.UNPROVEN)
    return msgspec.structs.replace(one, raw=None, event=msgspec.structs.replace(one.event, properties=left))


def _judged(one: Accepted, arrived: int, skew: int, known: _Words) -> Accepted:
    """The event with the times from which its words count, which are among the `known` from now on."""
    verdicts = purposes_of(one.event.properties or {})
    if one.event.timestamp is None:
        arrived = _micros(one.time)
    said = min(_micros(one.time), arrived)  # else a clock that runs ahead would outlast a withdrawal
    found: dict[bool, Word] = {}
    for granted in set(verdicts.values()):
        purposes = [purpose for purpose, verdict in verdicts.items() if verdict is granted]
        last = [known[purpose] for purpose in purposes if purpose in known]
        found[granted] = withdrawal.grant(said, last) if granted else withdrawal.denial(said, arrived, skew, last)
        for purpose in purposes:
            if purpose not in known or known[purpose].counts <= found[granted].counts:
                known[purpose] = found[granted]
    return _with_moments(one, found, verdicts) if found else one


def _with_moments(one: Accepted, found: Mapping[bool, Word], verdicts: Mapping[str, bool]) -> Accepted:
    """The time of the event is that of what it says of personalisation, else of what it denies."""
    main = found[verdicts.get(PERSONALISATION, min(found))]
    added: dict[str, Any] = {
        MOMENTS[granted]: [word.counts, word.said]
        for granted, word in found.items()
        if (word.counts, word.said) != (main.counts, main.counts)
    }
    event = one.event
    if added:
        event = msgspec.structs.replace(event, properties=(event.properties or {}) | added)
    return msgspec.structs.replace(one, event=event, time=moment(main.counts))


def _micros(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND
