"""Taking erased customers out of the log, the streams, the files of rejected rows, and Redis' own append-only file.

The log changes by one commit, so a reader sees all of it or none. Those of whose rows something was taken out are
rebuilt from it, so that Redis has it no more either.
"""

import contextlib
import logging
import time
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

import redis

from etappe.arrays import replace_synced
from etappe.errors import DamagedFileError
from etappe.events.naming.sought import REJECTED
from etappe.ids import Subject
from etappe.log import Log
from etappe.log.compaction import Keep
from etappe.settings import Settings
from etappe.store import keys
from etappe.store.identities import erasure, exports, graph
from etappe.store.identities.erasure import Erasure, Receipt
from etappe.store.records import envelope
from etappe.store.server import connection
from etappe.store.server.connection import SyncRedis
from etappe.worker.archiving.archive import archive
from etappe.worker.erasing.keeping import Keeper, Taken
from etappe.worker.erasing.naming import Erased
from etappe.worker.rebuilding import rebuild_dirty

AHEAD_MS: Final = 24 * 3600 * 1000
"""The worker rewrites the log when an erasure is due within a day; all others that wait go with it."""
_AOF_SECONDS: Final = 120.0
_log = logging.getLogger("etappe.erasing")


def erase_due(client: SyncRedis, log: Log, rejected: Path, settings: Settings) -> int:
    """Rewrites the log where an erasure is due; returns how many customers are gone from it now."""
    waiting = erasure.pending(client)
    if not waiting or min(one.due for one in waiting) - AHEAD_MS > time.time_ns() // 1_000_000:
        return 0
    return len(erase_now(client, log, rejected, settings))


def erase_now(client: SyncRedis, log: Log, rejected: Path, settings: Settings) -> list[Receipt]:
    """Rewrites the log without all who wait for it; the receipts say when.

    Whatever breaks it off, it can be begun again: who is erased stays on the list until all is done.

    Raises:
        DamagedFileError: a file could not be rewritten. All else is done, and nobody is called done with.
    """
    waiting = erasure.pending(client)
    if not waiting:
        return []
    erased = Erased(waiting)
    archive(client, log)
    secret = connection.known_secret(client, log.folder.parent)
    keeper = Keeper(waiting, erased, secret, lambda subjects: _mark(client, subjects))
    unread = _rewrite(log, keeper.keep)
    _note(client, waiting, keeper.taken, settings)
    _mark(client, keeper.touched)  # a worker that did not know of the commit yet may have cleared the marks
    with log.archiving():  # which adds to the files of rejected rows
        _note(client, waiting, _scrub(rejected, erased), settings)
    exports.drop(client, lambda export: bool(erased.named_in(export)))
    if unread is not None:
        raise unread
    rebuild_dirty(client, log, settings)
    archive(client, log)
    done = [erasure.finished(client, one, settings) for one in waiting]
    _compact_redis(client)
    return done


def _rewrite(log: Log, keep: Keep) -> DamagedFileError | None:
    """Rewrites the log; what of it is damaged may still hold the erased, so they are not done with."""
    try:
        log.rewrite(keep)
    except DamagedFileError as error:
        return error
    return None


def _mark(client: SyncRedis, subjects: Collection[Subject]) -> None:
    """Marks customers and browsers to be rebuilt, if Redis has a record of them; what has lapsed stays away."""
    roots = sorted(set(graph.roots(client, list(subjects)).values()))
    pipe = client.pipeline(transaction=False)
    for root in roots:
        pipe.getrange(keys.record(root), 0, envelope.HEADER_BYTES - 1)
    headers = zip(roots, pipe.execute(), strict=True)
    graph.mark_dirty(client, [root for root, header in headers if envelope.has_record(header)])


def _scrub(folder: Path, erased: Erased) -> Taken:
    """Takes rejected rows that name an erased customer out of their files."""
    taken: Taken = Counter()
    for path in sorted(folder.glob("*.jsonl")) if folder.exists() else ():
        lines = path.read_bytes().splitlines(keepends=True)
        named = [erased.named_in(line) for line in lines]
        kept = [line for line, receipts in zip(lines, named, strict=True) if not receipts]
        taken.update((receipt, REJECTED) for receipts in named for receipt in receipts)
        if len(kept) < len(lines):
            _log.info("%d rejected rows of erased customers removed from %s", len(lines) - len(kept), path.name)
            replace_synced(path, b"".join(kept))
    return taken


def _note(client: SyncRedis, waiting: list[Erasure], taken: Taken, settings: Settings) -> None:
    for one in waiting:
        mine = {sort: count for (receipt, sort), count in taken.items() if receipt == one.receipt}
        erasure.note(client, one, mine, settings)


def _compact_redis(client: SyncRedis) -> None:
    """Has Redis write its append-only file anew, so that deleted values are not in it any more."""
    deadline = time.monotonic() + _AOF_SECONDS
    done = _wait(client, deadline)  # one under way may have begun before the values were deleted
    with contextlib.suppress(redis.ResponseError):  # managed servers forbid it
        client.bgrewriteaof()
        done = done and _wait(client, deadline)
    if not done:
        _log.warning("Redis still writes its append-only file anew; erased values may be in it until that is done")


def _wait(client: SyncRedis, deadline: float) -> bool:
    """Whether the append-only file is not being written anew, at the latest at `deadline`."""
    while time.monotonic() < deadline:
        info: dict[str, Any] = client.info("persistence")
        if not info.get("aof_rewrite_in_progress") and not info.get("aof_rewrite_scheduled"):
            return True
        time.sleep(0.05)
    return False
