"""Erasure: gone at once from everything that is read, from log and streams when the worker has rewritten them.

What stays is a tombstone, another keyed hash of each erased subject: events from before it are refused, and a restored
backup or a rebuilt Redis is held against it. Until the log is rewritten, Redis also keeps whom it still holds.
"""

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from etappe.errors import StoreUnavailableError
from etappe.events.identities import Identity
from etappe.ids import Subject
from etappe.settings import Settings
from etappe.store import keys
from etappe.store.decided import answers
from etappe.store.identities import exports, graph, tombstones
from etappe.store.identities.graph import Steps
from etappe.store.identities.tombstones import Tombstone
from etappe.store.server.connection import SyncRedis


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody whom the log still holds: their subjects, what they stand for, since when and until when (Unix ms)."""

    receipt: str
    since: int
    due: int
    subjects: list[Subject]
    identities: list[Identity]


class Redacted(msgspec.Struct, frozen=True, kw_only=True):
    """What was taken out of others' records because it named an erased customer.

    `identities` where ids stand, whole `payloads` that named them where payloads do, tokens in `texts`, and `rejected`
    rows, which are removed.
    """

    identities: int = 0
    payloads: int = 0
    texts: int = 0
    rejected: int = 0


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of an erasure: nothing of the person. `rewritten` is when log and streams were free of them."""

    receipt: str
    erased: datetime
    identities: int
    rewritten_by: datetime
    rewritten: datetime | None = None
    redacted: Redacted = Redacted()


_ERASURE = msgspec.json.Decoder(Erasure)
_RECEIPT = msgspec.json.Decoder(Receipt)


def erase(client: SyncRedis, secret: bytes, identity: Identity, subject: Subject, settings: Settings) -> Receipt:
    """Erases the customer of an identity, known or not; in force when it returns.

    Raises:
        StoreUnavailableError: identities are being changed all the time; ask again.
    """
    with graph.changing(client, settings) as change:
        held = change.read([subject])
        mine = held.group(subject) if subject in held.nodes else {}
        now = _clock(client)
        due = now + int(timedelta(days=settings.erasure.days).total_seconds() * 1000)
        named = [node.identity for node in mine.values()] or [identity]
        erasure = Erasure(
            receipt=secrets.token_hex(8), since=now, due=due, subjects=list(mine) or [subject], identities=named
        )
        client.hset(keys.ERASURES, erasure.receipt, msgspec.json.encode(erasure))
        stones = [tombstones.of(secret, one, now, erasure.receipt) for one in erasure.subjects]
        steps = Steps(erased=erasure.subjects, tombstones=[stone.mark for stone in stones], since=now)
        rows = [tombstones.change(stone) for stone in stones]
        try:
            change.journal(rows, steps, now)
        except StoreUnavailableError:  # nothing was begun, so nothing may be hidden or rewritten either
            client.hdel(keys.ERASURES, erasure.receipt)
            raise
    answers.forget(client, erasure.subjects)  # they say what was recommended
    exports.forget(client, erasure.subjects, erasure.identities)
    return _keep(client, _receipt_of(erasure), settings)


def pending(client: SyncRedis) -> list[Erasure]:
    """Whom the log still holds though they are erased, oldest first."""
    found = [_ERASURE.decode(value) for value in client.hvals(keys.ERASURES)]
    return sorted(found, key=lambda one: (one.since, one.receipt))


def finished(client: SyncRedis, erasure: Erasure, settings: Settings) -> Receipt:
    """Notes that log and streams are free of an erased customer.

    The receipt says so first: where Redis is full or this is broken off, all is done once more, and nothing is missing.
    """
    told = receipt(client, erasure.receipt) or _receipt_of(erasure)
    done = _keep(client, msgspec.structs.replace(told, rewritten=datetime.now(UTC)), settings)
    client.hdel(keys.ERASURES, erasure.receipt)
    return done


def note(client: SyncRedis, erasure: Erasure, redacted: Mapping[str, int], settings: Settings) -> None:
    """Notes in the receipt what was taken out of others' records for an erasure, by the fields of `Redacted`.

    Rewriting that broke off is begun again, and finds no more than what it had not taken out: the larger number counts.
    """
    told = receipt(client, erasure.receipt) or _receipt_of(erasure)
    before: dict[str, int] = msgspec.structs.asdict(told.redacted)
    counts = {name: max(count, redacted.get(name, 0)) for name, count in before.items()}
    _keep(client, msgspec.structs.replace(told, redacted=Redacted(**counts)), settings)


def resume(client: SyncRedis, waiting: list[Erasure], stones: Iterable[Tombstone], settings: Settings) -> None:
    """Puts those for whom the log still has to be rewritten on the list, and the receipts of all in their place.

    Only what is not there is written. Of the others the log is free now: more is not known of when it came to be.
    """
    for one in waiting:
        if client.hsetnx(keys.ERASURES, one.receipt, msgspec.json.encode(one)):
            _keep(client, _receipt_of(one), settings)
    listed = {one.receipt for one in pending(client)}
    counts = Counter((stone.receipt, stone.since) for stone in stones if stone.receipt not in listed)
    for (number, since), count in counts.items():
        if not client.exists(keys.receipt(number)):
            erased = datetime.fromtimestamp(since / 1000, UTC)
            by, now = erased + timedelta(days=settings.erasure.days), datetime.now(UTC)
            told = Receipt(receipt=number, erased=erased, identities=count, rewritten_by=by, rewritten=now)
            _keep(client, told, settings)


def receipt(client: SyncRedis, number: str) -> Receipt | None:
    """What became of an erasure; None where there is no such receipt."""
    value = client.get(keys.receipt(number))
    return _RECEIPT.decode(value) if value else None


def _clock(client: SyncRedis) -> int:
    """Unix ms by the clock of Redis, which says of every event when it came in."""
    seconds, micro = client.time()
    return int(seconds) * 1000 + int(micro) // 1000


def _receipt_of(erasure: Erasure) -> Receipt:
    erased, due = (datetime.fromtimestamp(moment / 1000, UTC) for moment in (erasure.since, erasure.due))
    return Receipt(receipt=erasure.receipt, erased=erased, identities=len(erasure.subjects), rewritten_by=due)


def _keep(client: SyncRedis, told: Receipt, settings: Settings) -> Receipt:
    client.set(keys.receipt(told.receipt), msgspec.json.encode(told), ex=timedelta(days=settings.store.customer_days))
    return told
