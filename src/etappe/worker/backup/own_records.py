"""The records that linked browsers have of their own, made anew from what the log says they sent."""

from datetime import UTC, datetime, timedelta
from typing import Final

import polars as pl

from etappe.customers.base import pack
from etappe.events import trust
from etappe.events.identities import ANONYMOUS
from etappe.ids import Subject, browser_of, subject_of
from etappe.progress import Progress
from etappe.settings import Settings
from etappe.store import history, keys
from etappe.store.connection import SyncRedis
from etappe.store.identities import erasure
from etappe.store.log import Log
from etappe.worker.backup.regraphing import BATCH, batched

_AT_ONCE: Final = 20_000
"""Browsers whose events are held in memory at a time."""
_BROWSER: Final = {"anonymous_id": pl.String, "browser": pl.Binary}


def put(
    client: SyncRedis, log: Log, secret: bytes, aliases: dict[Subject, Subject], settings: Settings, progress: Progress
) -> int:
    """Writes the own record of each browser that is an alias; returns how many there are."""
    rows = _sent(client, log, settings)
    ids = rows.select("anonymous_id").unique().collect()["anonymous_id"]
    linked = [(one, subject) for one in ids if (subject := subject_of(secret, ANONYMOUS, one)) in aliases]
    done = 0
    for some in batched(linked, _AT_ONCE):
        browsers = pl.DataFrame(some, schema=_BROWSER, orient="row").lazy()
        theirs = rows.join(browsers, on="anonymous_id", maintain_order="left")
        own = theirs.filter(
            (pl.col("subject") == pl.col("browser")) | pl.col("event_id").str.starts_with(trust.BROWSER)
        )
        done += _put(client, own.with_columns(pl.col("browser").alias("subject")), settings)
        progress("building browsers' own records", done, len(linked))
    return done


def drop(client: SyncRedis, records: set[Subject]) -> None:
    """Takes own records away."""
    names = [name(one) for one in sorted(records) for name in (keys.base, keys.tail)]
    for some in batched(names, BATCH):
        client.delete(*some)


def _sent(client: SyncRedis, log: Log, settings: Settings) -> pl.LazyFrame:
    """What came in that names a browser, and that records may have."""
    since = datetime.now(UTC) - timedelta(days=settings.store.customer_days)
    wanted = pl.col("flag").is_null() | (pl.col("flag") == trust.UNPROVEN)
    recent = pl.col("anonymous_id").is_not_null() & (pl.col("received") >= since)
    return erasure.visible(log.events(), erasure.pending(client)).filter(wanted, recent)


def _put(client: SyncRedis, own: pl.LazyFrame, settings: Settings) -> int:
    pipe = client.pipeline(transaction=False)
    made = 0
    for past in history.bases(history.ordered(own), settings.learning.half_life_days):
        pipe.set(keys.base(browser_of(past.subject)), pack(past.base), ex=settings.store.customer_seconds)
        made += 1
    pipe.execute()
    return made
