"""Folding: long tails into their bases, and whole histories from the log into new ones."""

from collections.abc import Sequence
from typing import Final

import msgspec
import polars as pl

from etappe.customers.base import pack, unpack
from etappe.customers.records import CARRIES_BLOCKS, decode_tail
from etappe.customers.state import extend, split_blocks
from etappe.progress import Progress, silent
from etappe.settings import Settings
from etappe.store import customers, history
from etappe.store.connection import SyncRedis
from etappe.store.customers import CustomerRecord, Replacement
from etappe.store.history import Past
from etappe.store.log import Log

SECONDS_PER_DAY: Final = 86_400
BATCH: Final = 500


def fold_long_tails(client: SyncRedis, settings: Settings) -> int:
    """Folds every tail that waits for it; returns how many were folded. Several workers may do so at once."""
    waiting = customers.waiting(client)
    for start in range(0, len(waiting), BATCH):
        found = customers.read_blocking(client, waiting[start : start + BATCH])
        customers.replace(client, [_folded(one, settings) for one in found], _ttl(settings))
    return len(waiting)


def rebuild(client: SyncRedis, log: Log, subjects: pl.Series, settings: Settings, progress: Progress = silent) -> int:
    """Builds the bases of `subjects` (Binary) anew from the log; returns how many.

    What waits in a tail and is not in the log yet stays in the tail.
    """
    past = history.of(log, subjects)
    done = 0
    batch: list[Past] = []
    for one in history.bases(past, settings.learning.half_life_days):
        batch.append(one)
        if len(batch) == BATCH:
            done += _put(client, batch, settings)
            progress("building customers' records", done, len(subjects))
            batch = []
    done += _put(client, batch, settings)
    progress("building customers' records", done, len(subjects))
    return done


def _folded(record: CustomerRecord, settings: Settings) -> Replacement:
    events, said = split_blocks(decode_tail(record.tail))
    base = extend(unpack(record.base), events, said, settings.learning.half_life_days)
    return Replacement(record, pack(base))


def _put(client: SyncRedis, batch: Sequence[Past], settings: Settings) -> int:
    """Puts new bases in place, trying those again whose customer was active meanwhile."""
    waiting = {past.subject: past for past in batch}
    while waiting:
        found = customers.read_blocking(client, list(waiting))
        replacements = [_rebuilt(record, waiting[record.subject]) for record in found]
        refused = set(customers.replace(client, replacements, _ttl(settings)))
        waiting = {subject: past for subject, past in waiting.items() if subject in refused}
    return len(batch)


def _rebuilt(record: CustomerRecord, past: Past) -> Replacement:
    generation = unpack(record.base).generation + 1
    packed = pack(msgspec.structs.replace(past.base, generation=generation))
    return Replacement(record, packed, _not_in(record.tail, past.archived))


def _not_in(tail: bytes, archived: set[bytes]) -> bytes:
    """The records of a tail (with their blocks) whose events are not among those archived."""
    records = decode_tail(tail)
    kept: list[bytes] = []
    index = 0
    while index < len(records):
        carries = int(records["code"][index]) in CARRIES_BLOCKS
        end = index + 1 + (int(records["quantity"][index]) if carries else 0)
        if records["event"][index : index + 1].tobytes() not in archived:
            kept.append(records[index:end].tobytes())
        index = end
    return b"".join(kept)


def _ttl(settings: Settings) -> int:
    return settings.store.customer_days * SECONDS_PER_DAY
