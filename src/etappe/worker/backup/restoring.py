"""Rebuilding Redis: everything in it is made from the log again, whether it is empty or holds something else.

Each step takes the place of what was there, and may be broken off and done again. What still waits in the streams goes
into the log first, so nothing that was accepted is lost; what the log does not have is gone from Redis afterwards.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import polars as pl
import redis

from etappe import settings
from etappe.catalog.draft import Draft
from etappe.errors import EtappeError, StoreError
from etappe.ids import Subject, is_browser
from etappe.log import Log, damage
from etappe.models.snapshot import KIND
from etappe.progress import Progress, silent
from etappe.settings import Settings
from etappe.store import keys
from etappe.store.config import artifacts, catalogues, journal, kinds, snapshots
from etappe.store.identities import erased_rows, erasure, graph, logged_tombstones, tombstones
from etappe.store.identities.tombstones import Tombstone
from etappe.store.logged import replay
from etappe.store.place import beginning, marks
from etappe.store.server.connection import SyncRedis
from etappe.worker import own_records
from etappe.worker.archiving.archive import archive
from etappe.worker.backup import regraphing, unerased
from etappe.worker.rebuilding import rebuild

AT_ONCE: Final = 20_000
"""Customers whose records are read and built at a time."""
_CHANGES_AT_ONCE: Final = 20
_SCANNED: Final = 5_000
_LAPSE_SECONDS: Final = 1.0
_log = logging.getLogger("etappe.restoring")


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """What Redis has now. `missing` are snapshots that are nowhere any more, `erasures` wait for a new log."""

    customers: int
    aliases: int
    items: int
    api_keys: int
    erasures: int
    snapshot: str | None
    missing: list[str]


def rebuild_all(
    client: SyncRedis, log: Log, data: Path, secret: bytes, settings: Settings, progress: Progress = silent
) -> Rebuilt:
    """Makes all of Redis anew from the log of the data folder `data`.

    Raises:
        StoreError: servers are running.
        DamagedFileError: a file of the log is not there whole.
    """
    refuse_servers(client, settings)
    progress("reading the log for damage", 0)
    damage.refuse(damage.deep(log.folder, log.state().all()))  # before anything in Redis is replaced
    before = marks.newest(marks.read(client).values())
    marks.withdraw(client)
    progress("archiving what waits", 0)
    archive(client, log)
    raise_streams(client, log)
    api_keys = _put_api_keys(client, log)
    items = _put_catalogue(client, log, data, progress)
    snapshot, missing = _put_snapshots(client, log, data, progress)
    there, dirty = regraphing.known(client), graph.dirty(client)
    aliases = regraphing.regraph(client, log, secret, settings, progress)
    erasure.resume(client, unerased.still_in(log, secret, settings), logged_tombstones.in_log(log), settings)
    known = there.records | there.aliases
    beside = {subject for subject in known if is_browser(subject)}
    wanted = _customers(client, log, settings) | known - beside
    customers = sorted({aliases.get(subject, subject) for subject in wanted})
    _put_records(client, log, customers, settings, progress)
    own_records.drop(client, beside)
    own_records.put(client, log, secret, aliases, settings, progress)
    graph.clean(client, dirty)
    beginning.renew(client, log, data, before)
    return Rebuilt(
        customers=len(customers),
        aliases=len(aliases),
        items=items,
        api_keys=api_keys,
        erasures=len(erasure.pending(client)),
        snapshot=snapshot,
        missing=missing,
    )


def refuse_servers(client: SyncRedis, settings: Settings) -> None:
    """Waits until the leases of servers that were killed have lapsed; StoreError where others are renewed."""
    deadline = time.monotonic() + settings.store.lease_seconds + _LAPSE_SECONDS
    while journal.oldest_live(client) is not None:
        if time.monotonic() > deadline:
            raise StoreError(
                "servers are answering from this Redis; stop every `etappe serve`, then run the same again"
            )
        time.sleep(0.05)


def raise_streams(client: SyncRedis, log: Log) -> None:
    """Has every stream go on behind the last entry that the log has of it: an empty Redis may number lower."""
    ends = log.streams()
    if keys.CONFIG_STREAM in ends:  # what is compiled says how far it has come, and nothing may come in before that
        ends[keys.CONFIG_STREAM] = replay.position(log)
    for name, last in ends.items():
        info = _stream(client, name)
        if info is None:
            pipe = client.pipeline()
            pipe.xadd(name, {"x": ""}, id=last)
            pipe.xtrim(name, maxlen=0, approximate=False)
            pipe.execute()
        elif journal.ordered(info) < journal.ordered(last):
            client.execute_command("XSETID", name, last)  # type: ignore[no-untyped-call]


def known_tombstones(client: SyncRedis, folder: Path) -> list[Tombstone]:
    """Those that Redis and the log in `folder` know; a log that cannot be read may be why a backup is restored.

    Where there is no log, none is begun: what waits in the streams is left to the one that is restored.
    """
    found = tombstones.in_redis(client)
    if not folder.exists():
        return found
    try:
        log = Log(folder)
        log.prepare()
        archive(client, log)
        return [*logged_tombstones.in_log(log), *found]
    except (EtappeError, OSError, pl.exceptions.PolarsError) as error:
        _log.warning("the log cannot be read (%s): who was erased is taken from Redis alone", error)
        return found


def forget(client: SyncRedis) -> None:
    """Empties Redis of everything of ours but the secret."""
    names = (name for name in client.scan_iter(match="etappe:*", count=_SCANNED) if name != keys.SECRET.encode())
    for some in regraphing.batched(names, regraphing.BATCH):
        client.delete(*some)


def _stream(client: SyncRedis, name: str) -> str | None:
    """The last id a stream gave, None where there is no stream."""
    try:
        info: Any = client.xinfo_stream(name)
    except redis.ResponseError:
        return None
    last = info["last-generated-id"]
    return last.decode() if isinstance(last, bytes) else str(last)


def _put_api_keys(client: SyncRedis, log: Log) -> int:
    found = replay.api_keys(log)
    pipe = client.pipeline()
    pipe.delete(keys.API_KEYS)
    for digest, key in found.items():
        pipe.hset(keys.API_KEYS, digest, msgspec.json.encode(key).decode())
    pipe.execute()
    return len(found)


def _put_catalogue(client: SyncRedis, log: Log, data: Path, progress: Progress) -> int:
    with log.compiling():
        catalogue = catalogues.ruled(Draft(), settings.load(data))
        for count, change in enumerate(replay.item_changes(log), start=1):
            kinds.put_items(catalogue, change)
            if count % _CHANGES_AT_ONCE == 0:
                progress("building the catalogue", len(catalogue))
        catalogues.publish(client, data, catalogue, replay.position(log))
    return len(catalogue)


def _put_snapshots(client: SyncRedis, log: Log, data: Path, progress: Progress) -> tuple[str | None, list[str]]:
    """The snapshot in service, and those that are nowhere any more."""
    told = replay.pointers(log)
    if not told:
        return artifacts.current(client, KIND), []
    progress("publishing snapshots", 0)
    published = list(dict.fromkeys(one.version for one in reversed(told) if not one.rollback))[: artifacts.KEPT]
    served = told[-1].version
    wanted = [*([] if served in published else [served]), *reversed(published)]
    missing = snapshots.restore(client, data, wanted, served)
    return artifacts.current(client, KIND), missing


def _customers(client: SyncRedis, log: Log, settings: Settings) -> set[Subject]:
    """All subjects of which something came in not so long ago that Redis would have let their record lapse."""
    since = datetime.now(UTC) - timedelta(days=settings.store.customer_days)
    rows = erased_rows.visible(log.scan("event"), erasure.pending(client)).filter(
        pl.col("subject").is_not_null(), pl.col("received") >= since
    )
    return {Subject(subject) for subject in rows.select("subject").unique().collect()["subject"]}


def _put_records(client: SyncRedis, log: Log, customers: list[Subject], settings: Settings, progress: Progress) -> None:
    for start in range(0, len(customers), AT_ONCE):
        shown = _behind(progress, start, len(customers))
        rebuild(client, log, customers[start : start + AT_ONCE], settings, shown)


def _behind(progress: Progress, before: int, total: int) -> Callable[..., None]:
    def shown(what: str, done: int, _total: int = 0) -> None:
        progress(what, before + done, total)

    return shown
