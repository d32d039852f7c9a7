"""Folding: long tails into their bases."""

import logging
import time
from typing import Final

from etappe import faults
from etappe.customers.packed.aging import aged
from etappe.customers.packed.base import DIRTY, pack, unpack
from etappe.customers.records import decode_tail
from etappe.customers.state import extend, split_blocks
from etappe.errors import DataError
from etappe.ids import is_browser
from etappe.settings import Settings
from etappe.store.identities import graph
from etappe.store.records import customers
from etappe.store.records.customers import CustomerRecord, Replacement
from etappe.store.records.envelope import HOT
from etappe.store.server.connection import SyncRedis

BATCH: Final = 500
_log = logging.getLogger("etappe.folding")


def fold_long_tails(client: SyncRedis, settings: Settings) -> int:
    """Folds every tail that waits for it; returns how many were folded. Several workers may do so at once.

    A customer whose base can no longer be sure to hold what the whole history gives is marked to be rebuilt.
    """
    waiting = customers.waiting(client)
    folded = 0
    for start in range(0, len(waiting), BATCH):
        found = customers.read_blocking(client, waiting[start : start + BATCH])
        customers.forget_waiting(client, [one.subject for one in found if not _may_be_folded(one)])
        made = [new for one in found if _may_be_folded(one) and (new := _folded(one, settings))]
        graph.mark_dirty(client, [new.read.subject for new, dirty in made if dirty])  # before, lest a crash forgets it
        faults.point("folding.before_replace")
        refused = customers.replace(client, [new for new, _ in made])
        faults.point("folding.after_replace")
        folded += len(made) - len(refused)
    return folded


def _may_be_folded(record: CustomerRecord) -> bool:
    """Whether there is something to fold, or a base of which something may have to leave."""
    return bool(record.kept.flags & HOT or (record.base and record.place.root is None))


def _folded(record: CustomerRecord, settings: Settings) -> tuple[Replacement, bool] | None:
    """The record with its tail folded in, and whether it is dirty now; None, with a warning, where it is damaged."""
    if not record.found:  # only events that went to no record
        return Replacement(record, b""), False
    try:
        now, base = time.time(), unpack(record.base)
        if record.tail:
            events, said = split_blocks(decode_tail(record.tail))
            base = extend(base, events, said, settings.learning.half_life_days, now=now)
        base = aged(base, now, settings.showing)
    except DataError as error:
        _log.warning("the record of customer %s is left as it is: %s", record.subject.hex(), error)
        return None
    dirty = bool(base.flags & DIRTY) and not is_browser(record.subject)  # the log knows no such record by itself
    return Replacement(record, pack(base)), dirty
