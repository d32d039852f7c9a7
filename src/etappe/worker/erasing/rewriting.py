"""Taking erased customers out of the log, the streams, the files of rejected rows, and Redis' own append-only file.

The rows of their subjects go. Rows of others that name one of their identities (a browser that two people used) lose
that name, and the payload they were made of. The log changes by one commit, so a reader sees all of it or none.
"""

import contextlib
import logging
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import polars as pl
import redis

from etappe.arrays import sync_folder, write_synced
from etappe.customers.identity import ERASE
from etappe.errors import DamagedFileError
from etappe.events.identities import ANONYMOUS, CLAIMED, IDENTITIES
from etappe.settings import Settings
from etappe.store import exports
from etappe.store.connection import SyncRedis
from etappe.store.identities import erasure
from etappe.store.identities.erasure import Erasure, Receipt
from etappe.store.log import Log, schema
from etappe.store.log.compaction import Keep
from etappe.worker.archiving.archive import archive
from etappe.worker.erasing.naming import Sought

AHEAD_MS: Final = 24 * 3600 * 1000
"""The worker rewrites the log when an erasure is due within a day; all others that wait go with it."""
_AOF_SECONDS: Final = 120.0
_BROWSERS: Final = pl.Schema({"anonymous_id": pl.String(), "erased": pl.Datetime("us", "UTC")})
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
    sought = Sought(
        (identity for one in waiting for identity in one.identities),
        (subject for one in waiting for subject in one.subjects),
    )
    archive(client, log)
    unread = _rewrite(log, _Keeper(waiting, sought).keep)
    with log.archiving():  # which adds to the files of rejected rows
        _scrub(rejected, sought)
    exports.drop_all(client)
    archive(client, log)
    if unread is not None:
        raise unread
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


class _Keeper:
    """What stays of the rows of a table."""

    def __init__(self, erasures: list[Erasure], sought: Sought) -> None:
        self._erasures = erasures
        self._sought = sought
        since = {subject: one.since for one in erasures for subject in one.subjects}
        self._since = pl.Series([moment * 1000 for moment in since.values()], dtype=pl.Int64).cast(schema.TIME)
        self._subjects = pl.Series(list(since), dtype=pl.Binary)
        self._values = {
            i.value: datetime.fromtimestamp(one.since / 1000, UTC) for one in erasures for i in one.identities
        }
        browsers = {i.value for one in erasures for i in one.identities if i.kind == ANONYMOUS}
        told = [(value, self._values[value]) for value in sorted(browsers)]
        self._browsers = pl.DataFrame(told, schema=_BROWSERS, orient="row")

    def keep(self, table: str, rows: pl.DataFrame) -> pl.DataFrame | None:
        """The rows that stay, changed where they must be; None where all stay as they are."""
        kept = {"event": self._events, "identity": self._identities, "decision": self._decisions}.get(table)
        after = kept(rows) if kept else rows
        return None if after.height == rows.height and after.equals(rows) else after

    def _events(self, rows: pl.DataFrame) -> pl.DataFrame:
        mine = erasure.visible(rows.lazy(), self._erasures).collect()
        told = mine.join(self._browsers, on="anonymous_id", how="left", maintain_order="left")
        foreign = told.select(pl.col("received") <= pl.col("erased")).to_series().fill_null(value=False)
        before = pl.col("received") <= self._since.max()
        found = [text is not None and self._sought.named_in(text.encode()) for text in mine["raw"]]
        named = pl.Series("named", found, pl.Boolean)
        return mine.with_columns(
            pl.when(~foreign).then("anonymous_id").alias("anonymous_id"),
            pl.when(~(foreign | (before & named))).then("raw").alias("raw"),
            self._unnamed(mine["properties"], mine["received"]),
        )

    def _unnamed(self, properties: pl.Series, received: pl.Series) -> pl.Series:
        """Properties of others without what names the erased customers."""
        early = (received <= self._since.max()).fill_null(value=False)
        told = [
            text is not None and near and self._sought.named_in(text.encode())
            for text, near in zip(properties, early, strict=True)
        ]
        places = pl.Series(told, dtype=pl.Boolean).arg_true()
        if places.is_empty():
            return properties
        pairs = zip(properties[places], received[places], strict=True)
        changed = [self._without(text, moment) for text, moment in pairs]
        return properties.clone().scatter(places, pl.Series(changed, dtype=pl.String))

    def _without(self, text: str, received: datetime) -> str | None:
        said: dict[str, Any] = msgspec.json.decode(text)
        rest: dict[str, Any] = {}
        for name, value in said.items():
            if name in (IDENTITIES, CLAIMED) and isinstance(value, dict):
                left = {kind: one for kind, one in value.items() if not self._is_gone(str(one), received)}
                rest |= {name: left} if left else {}
            elif not self._sought.is_named_by(value):
                rest[name] = value
        if rest == said:
            return text
        return msgspec.json.encode(rest).decode() if rest else None

    def _is_gone(self, value: str, received: datetime) -> bool:
        return value in self._values and received <= self._values[value]

    def _identities(self, rows: pl.DataFrame) -> pl.DataFrame:
        theirs = self._theirs("subject") | self._theirs("customer")
        return rows.filter(~theirs | (pl.col("action") == ERASE))

    def _decisions(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.filter(~self._theirs("subject"))

    def _theirs(self, column: str) -> pl.Expr:
        """Whether a row is about an erased subject, and from before that: who came back is another customer."""
        erased = pl.col(column).replace_strict(self._subjects, self._since, default=None, return_dtype=schema.TIME)
        return (pl.col("time") <= erased).fill_null(value=False)


def _scrub(folder: Path, sought: Sought) -> None:
    """Takes rejected rows that name an erased customer out of their files."""
    for path in sorted(folder.glob("*.jsonl")) if folder.exists() else ():
        lines = path.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if not sought.named_in(line)]
        if len(kept) < len(lines):
            _log.info("%d rejected rows of erased customers removed from %s", len(lines) - len(kept), path.name)
            partial = path.with_name(f".{path.name}.partial")
            write_synced(partial, b"".join(kept))
            partial.replace(path)
            sync_folder(folder)


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
