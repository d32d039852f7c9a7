"""Folding: long tails into their bases, and whole histories from the log into new ones."""

import logging
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import msgspec
import numpy as np
import polars as pl

from etappe.customers.base import pack, unpack
from etappe.customers.records import CARRIES_BLOCKS, decode_tail
from etappe.customers.state import extend, split_blocks
from etappe.errors import DataError
from etappe.ids import Subject
from etappe.progress import Progress, silent
from etappe.settings import Settings
from etappe.store import customers, history
from etappe.store.connection import SyncRedis
from etappe.store.customers import CustomerRecord, Replacement
from etappe.store.history import Past
from etappe.store.log import Log
from etappe.worker.archive import archive

SECONDS_PER_DAY: Final = 86_400
BATCH: Final = 500
ATTEMPTS: Final = 3
"""Readings of the log after which what a base has more is taken for lost, and the log for the truth."""
_log = logging.getLogger("etappe.folding")


def fold_long_tails(client: SyncRedis, settings: Settings) -> int:
    """Folds every tail that waits for it; returns how many were folded. Several workers may do so at once."""
    waiting = customers.waiting(client)
    folded = 0
    for start in range(0, len(waiting), BATCH):
        found = customers.read_blocking(client, waiting[start : start + BATCH])
        customers.forget_waiting(client, [one.subject for one in found if not one.tail])
        replacements = [made for one in found if one.tail and (made := _folded(one, settings))]
        folded += len(replacements) - len(customers.replace(client, replacements, _ttl(settings)))
    return folded


def rebuild(client: SyncRedis, log: Log, subjects: pl.Series, settings: Settings, progress: Progress = silent) -> int:
    """Builds the bases of `subjects` (Binary) anew from the log; returns how many.

    What waits in a tail and is not in the log yet stays in the tail. Where a base has events folded in that the log
    lacks, because they were accepted after it was read, the streams are archived and the customer is built again.
    """
    waiting, built = subjects, 0
    for left in range(ATTEMPTS, 0, -1):
        behind: list[Subject] = []
        for batch in _batches(history.of(log, waiting, settings.learning.half_life_days)):
            found = _put(client, batch, settings, whole=left > 1)
            behind += found
            built += len(batch) - len(found)
            progress("building customers' records", built, len(subjects))
        if not behind:
            break
        archive(client, log)
        waiting = pl.Series(behind, dtype=pl.Binary)
    return built


def _batches(past: Iterator[Past]) -> Iterator[list[Past]]:
    while batch := list(islice(past, BATCH)):
        yield batch


def _folded(record: CustomerRecord, settings: Settings) -> Replacement | None:
    """The record with its tail folded in; None, with a warning, where it is damaged: the others do not wait for it."""
    try:
        events, said = split_blocks(decode_tail(record.tail))
        base = extend(unpack(record.base), events, said, settings.learning.half_life_days)
    except DataError as error:
        _log.warning("the record of customer %s is left as it is: %s", record.subject.hex(), error)
        return None
    return Replacement(record, pack(base))


def _put(client: SyncRedis, batch: Sequence[Past], settings: Settings, *, whole: bool) -> list[Subject]:
    """Puts new bases in place, trying those again whose customer was active meanwhile.

    Returns the customers left as they are since a base has events that its past lacks, none where not `whole`.
    """
    waiting = {past.subject: past for past in batch}
    behind: list[Subject] = []
    while waiting:
        found = customers.read_blocking(client, list(waiting))
        late = {record.subject for record in found if whole and _has_more(record, waiting[record.subject])}
        behind += late
        replacements = [_rebuilt(one, waiting[one.subject]) for one in found if one.subject not in late]
        refused = set(customers.replace(client, replacements, _ttl(settings)))
        waiting = {subject: past for subject, past in waiting.items() if subject in refused}
    return behind


def _has_more(record: CustomerRecord, past: Past) -> bool:
    try:
        return not np.isin(unpack(record.base).ring, past.events).all()
    except DataError:
        return False


def _rebuilt(record: CustomerRecord, past: Past) -> Replacement:
    generation = (int.from_bytes(record.base[4:8], "little") + 1) % 2**32
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
