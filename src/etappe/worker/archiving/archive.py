"""From the streams into the log: read, write Parquet, commit, and only then trim what was read."""

import contextlib
import logging
from collections.abc import Iterable
from typing import Final

import polars as pl
import redis

from etappe import faults
from etappe.errors import EtappeError, StoreFullError
from etappe.log import Log, Transaction, schema
from etappe.store.identities import logged_tombstones, tombstones
from etappe.store.identities.remembered import Remembered
from etappe.store.place import generation, marks
from etappe.store.server import connection
from etappe.store.server.connection import SyncRedis
from etappe.worker.archiving import entries, rejected, streams
from etappe.worker.archiving.entries import SOURCE, Entry, Rejected
from etappe.worker.archiving.streams import PER_STREAM, Waiting

_log = logging.getLogger("etappe.archive")
_SAME_ROW: Final = {
    "event": ["event_id", "received", "subject", "order_id", "time"],
    "identity": ["epoch", "time"],
    "config": ["position"],
    "decision": ["decision"],
}
"""The columns by which a row of the log is known to come from a given entry."""


def archive(client: SyncRedis, log: Log) -> int:
    """Moves everything that waits in the streams into the log; returns how many entries that were.

    What cannot be read is set aside in `rejected/stream.jsonl` in the data folder.
    """
    total = 0
    with log.archiving():
        more = True
        while more:
            moved, more = _archive_once(client, log)
            total += moved
    return total


def _archive_once(client: SyncRedis, log: Log) -> tuple[int, bool]:
    """One commit of what all streams hold, up to some thousand entries each: how many, and whether some had more.

    Running it again adds nothing. What comes in meanwhile is left to the next round, so that this one ends.
    """
    faults.point("archive.before_read")
    state = log.state()
    waiting = streams.read(client, state.streams, state.counts, PER_STREAM)
    if not waiting:
        return 0, False
    added = _commit(client, log, waiting, state.streams)
    faults.point("archive.before_trim")
    streams.trim(client, waiting)
    faults.point("archive.before_mark")
    _mark(client, log, waiting)
    faults.point("archive.after_trim")
    return added, any(one.more for one in waiting)


def _mark(client: SyncRedis, log: Log, waiting: list[Waiting]) -> None:
    """Says in Redis how far the log has come, so that a log that loses it again is found out.

    Where a full Redis takes no write the marks stay behind, which tells nothing wrong.
    """
    mine = generation.kept(log.folder.parent)
    if mine is not None:
        with contextlib.suppress(redis.ResponseError, StoreFullError):
            marks.advance(client, mine, {one.stream: one.position for one in waiting if one.position is not None})


def _commit(client: SyncRedis, log: Log, waiting: list[Waiting], known: dict[str, str]) -> int:
    """Commits what the log does not have yet; returns how many entries that were."""
    earlier, bad = _rows(entry for one in waiting for entry in one.earlier)
    missing = {table: _missing(log, table, rows) for table, rows in earlier.items()}
    fresh, more_bad = _rows(entry for one in waiting for entry in one.fresh)
    if bad or more_bad:
        _set_aside(client, log, [*bad, *more_bad])
    faults.point("archive.before_commit")
    with log.transaction(SOURCE) as into:
        for rows in (missing, fresh):
            _add(into, rows)
        into.streams = {
            one.stream: one.position for one in waiting if one.position not in (None, known.get(one.stream))
        }
        into.counts = {one.stream: one.count for one in waiting if one.count is not None}
    faults.point("archive.after_commit")
    return sum(len(one.fresh) for one in waiting) + sum(rows.height for rows in missing.values())


def _set_aside(client: SyncRedis, log: Log, bad: list[Rejected]) -> None:
    folder = log.folder.parent / "rejected"
    rejected.keep(folder, bad, _erased(client, log))
    for one in bad:
        where = (one.entry.place, one.entry.stream, folder / rejected.FILE)
        _log.warning("entry %s of %s cannot be read and is set aside in %s: %s", *where, one.reason)


def _erased(client: SyncRedis, log: Log) -> Remembered:
    """Who was erased, by the log; Redis knows them too, where the log is damaged.

    Of those whose tombstone waits in a stream the files are rid when the log is rewritten, which archives it first.
    """
    try:
        stones = logged_tombstones.in_log(log)
    except (EtappeError, OSError, pl.exceptions.PolarsError):
        stones = tombstones.in_redis(client)
    return Remembered(stones, connection.known_secret(client, log.folder.parent) if stones else b"")


def _rows(some: Iterable[Entry]) -> tuple[dict[str, pl.DataFrame], list[Rejected]]:
    """Rows by table, and the entries that are none."""
    by_table: dict[str, list[Entry]] = {}
    for entry in some:
        by_table.setdefault(entries.table_of(entry.stream), []).append(entry)
    found: dict[str, pl.DataFrame] = {}
    bad: list[Rejected] = []
    for table, mine in by_table.items():
        found[table], unreadable = entries.rows_of(table, mine)
        bad += unreadable
    return found, bad


def _missing(log: Log, table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that the log does not have, of entries that it may have.

    What only a damaged file would tell counts as not there: an entry twice in the log does less harm than streams that
    nobody empties.
    """
    same = _SAME_ROW[table]
    days = sorted(set(rows["time"].dt.strftime("%Y-%m-%d")) & set(log.days(table)))
    if not days:
        return rows
    known = pl.concat(log.readable(table, day).select(same) for day in days)
    return rows.join(known.unique().collect(), on=same, how="anti", nulls_equal=True, maintain_order="left")


def _add(into: Transaction, rows: dict[str, pl.DataFrame]) -> None:
    for table in schema.TABLES:
        if table in rows and rows[table].height:
            into.add(table, rows[table])
