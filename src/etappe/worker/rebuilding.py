"""Rebuilding: customers' records from the log, whole, whatever Redis has of them.

A record is read first, then the streams are archived, then the log is read: so the log holds every event that the
record has, and it is in the new base of whoever it belongs to by now. Then the record is read again: what has come into
the tail since stays in it, unless the log had it already. The new base takes the place of the old one only where
nothing else has changed: nothing was folded meanwhile and nobody merged into it.

The records that linked browsers have of their own are marked and rebuilt in the same way, from what they sent.
"""

import time
from collections.abc import Callable, Container, Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar

import msgspec
import polars as pl

from etappe import faults
from etappe.customers import tails
from etappe.customers.packed.aging import aged
from etappe.customers.packed.base import pack
from etappe.ids import Subject, browser_of, is_browser
from etappe.log import Log
from etappe.progress import Progress, silent
from etappe.settings import Settings, Showing
from etappe.store.identities import erasure, graph
from etappe.store.identities.applying import drop_held
from etappe.store.identities.erasure import Erasure
from etappe.store.logged import history
from etappe.store.logged.history import Past
from etappe.store.records import customers
from etappe.store.records.customers import CustomerRecord, Replacement
from etappe.store.server import connection
from etappe.store.server.connection import SyncRedis
from etappe.worker import own_records
from etappe.worker.archiving.archive import archive
from etappe.worker.folding import BATCH

ATTEMPTS: Final = 5
HASH_BYTES: Final = 8
T = TypeVar("T")
_MEMBERS: Final = {"subject": pl.Binary, "customer": pl.Binary}


def rebuild_dirty(client: SyncRedis, log: Log, settings: Settings) -> int:
    """Rebuilds the customers and browsers' own records that are marked for it; returns how many customers."""
    found = graph.dirty(client)
    if not found:
        return 0
    built = rebuild(client, log, list(found), settings)
    _rebuild_own(client, log, [subject for subject in found if is_browser(subject)], settings)
    faults.point("rebuilding.before_clean")
    graph.clean(client, found)
    faults.point("rebuilding.after_clean")
    return built


def rebuild(
    client: SyncRedis, log: Log, subjects: Iterable[Subject], settings: Settings, progress: Progress = silent
) -> int:
    """Builds the records of the customers of `subjects` anew from the log; returns how many.

    Customers who are so active that nothing can be put in their place are marked, for the worker to try again.
    """
    waiting = _customers(client, subjects)
    total = len(waiting)
    for _ in range(ATTEMPTS):
        records = {one.subject: one for one in _read(client, waiting)}
        archive(client, log)
        members = _members(client, waiting)
        erased = erasure.pending(client)
        pasts = history.of(log, members, settings.learning.half_life_days, erased)
        refused = _put_all(client, records, pasts, members, settings, progress)
        waiting = _customers(client, [*refused, *_erased_since(client, erased, records)])
        if not waiting:
            break
    graph.mark_dirty(client, waiting)
    return total - len(waiting)


def _rebuild_own(client: SyncRedis, log: Log, waiting: list[Subject], settings: Settings) -> None:
    """Builds browsers' own records anew, those that there are; `rebuild` says how."""
    for _ in range(ATTEMPTS):
        records = {one.subject: one for one in _read(client, waiting) if one.found}
        if not records:
            return
        archive(client, log)
        secret = connection.known_secret(client, log.folder.parent)
        pasts = own_records.pasts(client, log, secret, _among(records), settings)
        waiting = _put_all(client, records, pasts, _members(client, []), settings, silent)
    graph.mark_dirty(client, waiting)


def _among(records: Container[Subject]) -> Callable[[Subject], bool]:
    return lambda browser: browser_of(browser) in records


def _customers(client: SyncRedis, subjects: Iterable[Subject]) -> list[Subject]:
    """Whose the subjects are; a browser's own record is no customer of the log's and left as it is."""
    wanted = [subject for subject in subjects if not is_browser(subject)]
    return list(dict.fromkeys(graph.roots(client, wanted).values()))


def _erased_since(client: SyncRedis, known: list[Erasure], records: Iterable[Subject]) -> list[Subject]:
    """Those of `records` that were erased while they were built."""
    receipts = {one.receipt for one in known}
    gone = {subject for one in erasure.pending(client) if one.receipt not in receipts for subject in one.subjects}
    return [subject for subject in records if subject in gone]


def _read(client: SyncRedis, subjects: list[Subject]) -> Iterator[CustomerRecord]:
    for some in _batched(subjects, BATCH):
        yield from customers.read_blocking(client, some)


def _members(client: SyncRedis, roots: list[Subject]) -> pl.DataFrame:
    """The subjects (Binary) of each customer (Binary)."""
    rows: list[tuple[Subject, Subject]] = [(root, root) for root in roots]
    for some in _batched(roots, BATCH):
        for root, group in graph.groups(client, some).items():
            rows += [(subject, root) for subject in group if subject != root]
    return pl.DataFrame(rows, schema=_MEMBERS, orient="row")


def _put_all(
    client: SyncRedis,
    records: dict[Subject, CustomerRecord],
    pasts: Iterable[Past],
    members: pl.DataFrame,
    settings: Settings,
    progress: Progress,
) -> list[Subject]:
    """Puts new records in the place of `records`; returns the customers of which that was refused."""
    left = dict(records)
    refused: list[Subject] = []
    for batch in _batched(pasts, BATCH):
        now = customers.read_blocking(client, [one.subject for one in batch])
        made = [
            _rebuilt(left.pop(one.subject), later, one, members, settings.showing)
            for one, later in zip(batch, now, strict=True)
        ]
        refused += [one.subject for one, new in zip(batch, made, strict=True) if new is None]
        refused += _replace(client, [new for new in made if new is not None])
        progress("building customers' records", len(records) - len(left), len(records))
    nothing = [Replacement(one, b"", one.place.waiting) for one in left.values() if one.found]
    return refused + _replace(client, nothing)


def _replace(client: SyncRedis, made: list[Replacement]) -> list[Subject]:
    faults.point("rebuilding.before_replace")
    refused = customers.replace(client, made)
    faults.point("rebuilding.after_replace")
    still = set(refused)
    drop_held(client, [subject for one in made if one.read.subject not in still for subject in one.holds])
    return refused


def _batched(values: Iterable[T], size: int) -> Iterator[list[T]]:
    waiting = iter(values)
    while some := list(islice(waiting, size)):
        yield some


def _rebuilt(
    before: CustomerRecord, now: CustomerRecord, past: Past, members: pl.DataFrame, showing: Showing
) -> Replacement | None:
    """The base from `past` for a record as it was `before` the log was read and is `now`; None where it was folded."""
    if now.base[4:8] != before.base[4:8] or not now.tail.startswith(before.tail):
        return None
    generation = (int.from_bytes(now.base[4:8], "little") + 1) % 2**32
    packed = pack(msgspec.structs.replace(aged(past.base, time.time(), showing), generation=generation))
    later = tails.events_of(now.tail[len(before.tail) :])
    archived = past.archived if later else set()
    kept = b"".join(one for one in later if one[:HASH_BYTES] not in archived)
    holds: tuple[Subject, ...] = ()
    if now.place.waiting:
        mine = set(members.filter(pl.col("customer") == past.subject)["subject"])
        holds = tuple(subject for subject in now.place.waiting if subject in mine)
    return Replacement(now, packed, holds, kept)
