"""Customers' records in Redis: read with one command, replaced by compare-and-set."""

import time
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

import msgspec
import redis

from etappe.customers.packed.base import joined, pack, unpack
from etappe.customers.state import denied
from etappe.customers.tails import events_of
from etappe.ids import PARTITIONS, Partition, Subject, browser_of, partition_of
from etappe.store import keys, scripts
from etappe.store.place.marks import Standing
from etappe.store.records import envelope
from etappe.store.records.envelope import Envelope
from etappe.store.records.roots import HEAD_BYTES, Place, place_of
from etappe.store.server.connection import SyncRedis, run_script
from etappe.store.wire import Wire, ask_all

_REPLACE_KEYS: Final = 2
_HOPS: Final = 3
"""An alias leads to its customer at once; further only where it becomes an alias itself while it is read."""


class CustomerRecord(msgspec.Struct, frozen=True):
    """A customer as stored: packed base, tail, place in the identity graph, the answer given to a request_id.

    `own` is what a browser has beside it; of a record that is such, `account` is the customer behind it. `mark` is the
    mark of the partition as it was read with them, `kept` all that there is under the subject.
    """

    subject: Subject
    base: bytes = b""
    tail: bytes = b""
    graph: bytes = b""
    mark: bytes = b""
    answer: bytes = b""
    own: Envelope = envelope.EMPTY
    account: "CustomerRecord | None" = None
    kept: Envelope = envelope.EMPTY

    @property
    def found(self) -> bool:
        """Whether Redis knows this customer."""
        return bool(self.base or self.tail)

    @property
    def place(self) -> Place:
        """What the identity graph says of this subject."""
        return place_of(self.graph)

    def browser_denies(self, *, unknown_denies: bool) -> bool:
        """Whether this record itself says that there is to be no personalisation."""
        return denied(self.base, self.tail, unknown_denies)

    def denies(self, *, unknown_denies: bool, channel: str | None = None) -> bool:
        """Whether this record or the account behind it denies personalisation, or the `channel`."""
        account = self.account
        if account is not None and denied(account.base, account.tail, unknown_denies=False, channel=channel):
            return True
        return denied(self.base, self.tail, unknown_denies, channel)


async def read(
    wire: Wire,
    subjects: Sequence[Subject],
    request_id: str | None = None,
    own: Collection[Subject] = (),
    standing: Standing | None = None,
) -> list[CustomerRecord]:
    """The customers that `subjects` belong to, in one round trip: one MGET each (its keys share a slot), sent together.

    Where a subject is an alias of somebody not asked about, or its customer's record waits to be joined with others,
    there is one more round trip (two, where both is so; more only while identities are being changed). The answer to
    `request_id` is the one given to the subject that was asked about. Of `own`, browsers that proved nothing, an alias
    gives its own record, and its customer's as `account`.

    Raises:
        StoreUnavailableError: Redis did not answer.
        GenerationError: the mark of a partition that was read does not stand.
    """
    names = [_names(one, request_id, own=one in own) for one in subjects]
    first = await _records(wire, names, subjects, own, standing)
    if not any(one.graph for one in first):  # nobody is anything in the graph
        return first
    found = first
    theirs = {one.subject: one for one in found if one.place.root is None}
    for _ in range(_HOPS):
        asked = {one.place.root: None for one in found if one.place.root is not None}
        if not asked:
            break
        if wanted := [root for root in asked if root not in theirs]:
            more = await _records(wire, [_names(root, None) for root in wanted], wanted, (), standing)
            theirs |= {one.subject: one for one in more}
        found = [_behind(one, theirs.get(one.place.root or one.subject)) for one in found]
    whole = [await _joined(wire, one) if one.place.waiting else one for one in found]
    return [_own(asked, one) if asked.subject in own else one for asked, one in zip(first, whole, strict=True)]


async def _records(
    wire: Wire,
    names: list[list[str]],
    subjects: Sequence[Subject],
    own: Collection[Subject] = (),
    standing: Standing | None = None,
) -> list[CustomerRecord]:
    replies = await ask_all(wire, [("MGET", *of_one) for of_one in names])
    records = [_record(subject, reply, own=subject in own) for subject, reply in zip(subjects, replies, strict=True)]
    if standing is not None:
        for record in records:
            standing.check(keys.mark(partition_of(record.subject)), record.mark)
    return records


def _own(asked: CustomerRecord, customer: CustomerRecord) -> CustomerRecord:
    """What a browser has for itself, where it is linked to a customer."""
    if asked.place.root is None:
        return customer
    return msgspec.structs.replace(asked, base=asked.own.base, tail=asked.own.tail, account=customer)


def _behind(alias: CustomerRecord, customer: CustomerRecord | None) -> CustomerRecord:
    return alias if customer is None else msgspec.structs.replace(customer, answer=alias.answer)


async def _joined(wire: Wire, record: CustomerRecord) -> CustomerRecord:
    """The record with the bases of what was merged into it, until the worker has rebuilt it from the log."""
    values = await ask_all(wire, [("GET", keys.record(subject)) for subject in record.place.waiting])
    bases = [envelope.opened(value).base for value in values]
    if not all(bases):  # rebuilt meanwhile: the record itself holds now what was in them
        (now,) = await _records(wire, [_names(record.subject, None)], [record.subject])
        record = msgspec.structs.replace(now, answer=record.answer)
    return _with_others(record, [base for base in bases if base])


def _with_others(record: CustomerRecord, others: Sequence[bytes]) -> CustomerRecord:
    """The record joined with bases that were folded apart; repeats of their events in the tail are left out."""
    if not others:
        return record
    bases = [unpack(base) for base in others]
    held = {event.tobytes() for base in bases for event in base.ring}
    tail = b"".join(event for event in events_of(record.tail) if event[:8] not in held)
    whole = joined([unpack(record.base), *bases] if record.base else bases)
    return msgspec.structs.replace(record, base=pack(whole), tail=tail)


def read_blocking(client: SyncRedis, subjects: Sequence[Subject]) -> list[CustomerRecord]:
    """As `read`, for the worker."""
    pipe = client.pipeline(transaction=False)
    for subject in subjects:
        pipe.mget(_names(subject, None))
    return [_record(subject, reply) for subject, reply in zip(subjects, pipe.execute(), strict=True)]


def read_resolved(client: SyncRedis, subject: Subject) -> CustomerRecord:
    """The customer that a subject belongs to, as `read` gives it, for commands."""
    record = read_blocking(client, [subject])[0]
    for _ in range(_HOPS):
        if record.place.root is not None:
            record = read_blocking(client, [record.place.root])[0]
    others = read_blocking(client, record.place.waiting)
    return _with_others(record, [one.base for one in others if one.base])


class Replacement(msgspec.Struct, frozen=True):
    """A new base for a customer whose record was `read`; it takes the place of the tail as read, too.

    `holds` are the subjects whose bases waited to be joined and are in the new one, `kept` the records of the tail as
    read that are not. Hashes of events that went to no record stay known.
    """

    read: CustomerRecord
    base: bytes
    holds: tuple[Subject, ...] = ()
    kept: bytes = b""


def replace(client: SyncRedis, replacements: Iterable[Replacement]) -> list[Subject]:
    """Puts new bases in place; returns the customers whose record had changed meanwhile, to be tried again.

    New events are no such change: they stay in the tail.
    """
    wanted = list(replacements)
    if not wanted:
        return []
    pipe = client.pipeline(transaction=False)
    for one in wanted:
        pipe.evalsha(scripts.REPLACE.digest, _REPLACE_KEYS, *_replace_arguments(one))
    replies = pipe.execute(raise_on_error=False)
    refused: list[Subject] = []
    for one, reply in zip(wanted, replies, strict=True):
        done = reply if isinstance(reply, int) else _again(client, one, reply)
        if not done:
            refused.append(one.read.subject)
    return refused


def waiting(client: SyncRedis) -> list[Subject]:
    """Customers whose tail is long enough to be folded."""
    pipe = client.pipeline(transaction=False)
    for partition in range(PARTITIONS):
        pipe.smembers(keys.long_tails(Partition(partition)))
    return [Subject(subject) for members in pipe.execute() for subject in members]


def forget_waiting(client: SyncRedis, subjects: Iterable[Subject]) -> None:
    """Takes customers whose tail is gone, with their record, off those that wait to be folded."""
    pipe = client.pipeline(transaction=False)
    for subject in subjects:
        pipe.srem(keys.long_tails(partition_of(subject)), subject)
    pipe.execute()


def _replace_arguments(one: Replacement) -> list[Any]:
    subject, kept, now = one.read.subject, one.read.kept, time.time()
    names = [keys.record(subject), keys.long_tails(partition_of(subject))]
    arguments = [kept.base[4:8], kept.stored, one.base, kept.seen_by_now(), subject, b"".join(one.holds)]
    head = one.read.graph[:HEAD_BYTES]
    return [*names, *arguments, head, one.kept, envelope.SPOKEN, envelope.day_of(now), int(now) // 60]


def _again(client: SyncRedis, one: Replacement, error: Exception) -> int:
    if not isinstance(error, redis.exceptions.NoScriptError):
        raise error
    arguments = _replace_arguments(one)
    return int(run_script(client, scripts.REPLACE, arguments[:_REPLACE_KEYS], arguments[_REPLACE_KEYS:]))


def _names(subject: Subject, request_id: str | None, *, own: bool = False) -> list[str]:
    names = [keys.record(subject), keys.mark(partition_of(subject))]
    names += [keys.answer(subject, request_id)] if request_id else []
    return [*names, keys.record(browser_of(subject))] if own else names


def _record(subject: Subject, values: Sequence[Any], *, own: bool = False) -> CustomerRecord:
    value, *rest = values
    beside = envelope.opened(rest.pop()) if own else envelope.EMPTY
    mark, *answer = [one or b"" for one in rest]
    kept = envelope.opened(value)
    told = answer[0] if answer else b""
    return CustomerRecord(subject, kept.base, kept.tail, kept.graph, mark, told, own=beside, kept=kept)
