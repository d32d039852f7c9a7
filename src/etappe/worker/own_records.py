"""The records that linked browsers have of their own, made anew from what the log says they sent."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import polars as pl

from etappe.customers.packed.aging import aged
from etappe.customers.packed.base import pack
from etappe.events import trust
from etappe.events.identities import ANONYMOUS
from etappe.ids import Subject, browser_of, subject_of
from etappe.log import Log
from etappe.progress import Progress, silent
from etappe.settings import Settings
from etappe.store import keys
from etappe.store.identities import erased_rows, erasure
from etappe.store.logged import history
from etappe.store.logged.history import Past
from etappe.store.records import envelope
from etappe.store.server.connection import SyncRedis
from etappe.worker.folding import BATCH

_AT_ONCE: Final = 20_000
"""Browsers whose events are held in memory at a time."""
_BROWSER: Final = {"anonymous_id": pl.String, "browser": pl.Binary}


def put(
    client: SyncRedis, log: Log, secret: bytes, aliases: dict[Subject, Subject], settings: Settings, progress: Progress
) -> None:
    """Writes the own record of each browser that is an alias."""
    pipe = client.pipeline(transaction=False)
    for past in pasts(client, log, secret, aliases.__contains__, settings, progress):
        packed = pack(aged(past.base, time.time(), settings.showing))
        pipe.set(keys.record(past.subject), envelope.closed(packed, used=envelope.day_of(time.time())))
        if len(pipe) >= BATCH:
            pipe.execute()
    pipe.execute()


def drop(client: SyncRedis, records: set[Subject]) -> None:
    """Takes own records away."""
    names = [keys.record(one) for one in sorted(records)]
    for start in range(0, len(names), BATCH):
        client.delete(*names[start : start + BATCH])


def pasts(
    client: SyncRedis,
    log: Log,
    secret: bytes,
    wanted: Callable[[Subject], bool],
    settings: Settings,
    progress: Progress = silent,
) -> Iterator[Past]:
    """What the log has for the own records of the `wanted` browsers, each under the subject of that record."""
    rows = _sent(client, log, settings)
    ids = rows.select("anonymous_id").unique().collect()["anonymous_id"]
    browsers = [(one, subject) for one in ids if wanted(subject := subject_of(secret, ANONYMOUS, one))]
    for start in range(0, len(browsers), _AT_ONCE):
        own = _own(rows, browsers[start : start + _AT_ONCE])
        for past in history.bases(history.ordered(own), settings.learning.half_life_days):
            yield msgspec.structs.replace(past, subject=browser_of(past.subject))
        progress("building browsers' own records", min(start + _AT_ONCE, len(browsers)), len(browsers))


def _sent(client: SyncRedis, log: Log, settings: Settings) -> pl.LazyFrame:
    """What came in that names a browser, and that records may have."""
    since = datetime.now(UTC) - timedelta(days=settings.store.customer_days)
    wanted = pl.col("flag").is_null() | (pl.col("flag") == trust.UNPROVEN)
    recent = pl.col("anonymous_id").is_not_null() & (pl.col("received") >= since)
    return erased_rows.visible(log.events(), erasure.pending(client)).filter(wanted, recent)


def _own(rows: pl.LazyFrame, browsers: list[tuple[str, Subject]]) -> pl.LazyFrame:
    """Of `rows` what browsers sent as nobody else or without proof, with the browser as the subject."""
    named = pl.DataFrame(browsers, schema=_BROWSER, orient="row").lazy()
    theirs = rows.join(named, on="anonymous_id", maintain_order="left")
    own = theirs.filter((pl.col("subject") == pl.col("browser")) | pl.col("event_id").str.starts_with(trust.BROWSER))
    return own.with_columns(pl.col("browser").alias("subject"))
