"""Whom the log still holds though they are erased, found out from the tombstones alone.

Redis keeps a list of them, which a lost Redis or a restored backup does not have.
"""

from collections import defaultdict
from datetime import timedelta
from typing import Any, Final

import msgspec
import polars as pl

from etappe.customers.identity import ERASE, NAME
from etappe.events.identities import ANONYMOUS, IDENTITIES, USER, Identity
from etappe.ids import Subject, subject_of, tombstone_of
from etappe.log import Log
from etappe.settings import Settings
from etappe.store.identities import logged_tombstones
from etappe.store.identities.erasure import Erasure
from etappe.store.identities.tombstones import Tombstone

_MOMENTS: Final = {"event": "received", "identity": "time", "decision": "time"}
"""For each table with subjects the column that says when a row came in."""
_OBJECT: Final = msgspec.json.Decoder(dict[str, Any])


def still_in(log: Log, secret: bytes, settings: Settings) -> list[Erasure]:
    """Erasures for which the log has to be rewritten, oldest first."""
    stones = {stone.mark: stone for stone in logged_tombstones.in_log(log)}
    found = _held(log, secret, stones) if stones else {}
    named = _identities(log, secret, set(found))
    of_receipt: dict[tuple[int, str], list[Subject]] = defaultdict(list)
    for subject, stone in found.items():
        of_receipt[stone.since, stone.receipt].append(subject)
    days = int(timedelta(days=settings.erasure.days).total_seconds() * 1000)
    return [
        Erasure(
            receipt=receipt,
            since=since,
            due=since + days,
            subjects=sorted(subjects),
            identities=sorted({named[one] for one in subjects if one in named}),
        )
        for (since, receipt), subjects in sorted(of_receipt.items())
    ]


def _held(log: Log, secret: bytes, stones: dict[bytes, Tombstone]) -> dict[Subject, Tombstone]:
    """The erased subjects of which the log has something that came in before."""
    found: dict[Subject, Tombstone] = {}
    for table, moment in _MOMENTS.items():
        first = pl.col(moment).min().dt.epoch("ms")
        rows = _people(log, table).group_by("subject").agg(first.alias("first")).collect()
        for subject, since in rows.iter_rows():
            stone = stones.get(tombstone_of(secret, subject))
            if stone is not None and since <= stone.since:
                found[Subject(subject)] = stone
    return found


def _people(log: Log, table: str) -> pl.LazyFrame:
    rows = log.scan(table).filter(pl.col("subject").is_not_null())
    return rows.filter(pl.col("action") != ERASE) if table == "identity" else rows


def _identities(log: Log, secret: bytes, subjects: set[Subject]) -> dict[Subject, Identity]:
    """What each subject stands for, by the graph or else by what its own events say."""
    mine = pl.col("subject").is_in(pl.Series(list(subjects), dtype=pl.Binary).implode())
    rows = log.scan("identity").filter((pl.col("action") == NAME) & mine).select("kind", "value").unique()
    said = {Identity(kind, value) for kind, value in rows.collect().iter_rows()}
    events = log.scan("event").filter(mine).select("user_id", "anonymous_id", "properties").unique().collect()
    for user, visitor, text in events.iter_rows():
        listed = _OBJECT.decode(text).get(IDENTITIES) if text and IDENTITIES in text else None
        named = {USER: user, ANONYMOUS: visitor} | (listed if isinstance(listed, dict) else {})
        said |= {Identity(kind, str(value)) for kind, value in named.items() if value}
    found = {subject_of(secret, one.kind, one.value): one for one in said}
    return {subject: found[subject] for subject in subjects if subject in found}
