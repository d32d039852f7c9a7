"""From the spool into the log: events get their ids, and those that the log has stay out."""

from collections import Counter
from datetime import datetime
from typing import Final

import polars as pl

from etappe.importing.entering import spool as spool_
from etappe.importing.entering.spool import Portion, Spool
from etappe.importing.judging import identify, traffic
from etappe.importing.reading.batch import FILE
from etappe.log import Log, Transaction
from etappe.log.repeats import order_of_nobody
from etappe.log.schema import EVENT, TIME
from etappe.progress import Progress
from etappe.settings import Settings

_ORDER: Final = "$order"
_KEYS: Final = {"subject": pl.Binary, "event_id": pl.String, _ORDER: pl.String}
_KEY: Final = list(_KEYS)


class Entered:
    """What came of the rows."""

    def __init__(self) -> None:
        self.events: Counter[str] = Counter()
        self.flagged: Counter[str] = Counter()
        self.derived = 0
        self.duplicates = 0

    @property
    def anything(self) -> bool:
        """Whether the log has grown."""
        return bool(self.derived or self.events)

    def count(self, rows: pl.DataFrame, fresh: pl.DataFrame) -> None:
        """Takes note that of `rows` only `fresh` were added."""
        self.duplicates += rows.filter(~pl.col("derived")).height - fresh.filter(~pl.col("derived")).height
        self.derived += fresh.filter(pl.col("derived")).height
        own = fresh.filter(~pl.col("derived")).group_by("event").len()
        self.events.update(dict(own.iter_rows()))
        flags = fresh["flag"].drop_nulls().value_counts()
        self.flagged.update(dict(flags.iter_rows()))


def enter(
    spool: Spool,
    log: Log,
    into: Transaction,
    *,
    source: str,
    received: datetime,
    settings: Settings,
    progress: Progress,
) -> Entered:
    """Adds the rows of `spool` to the log, each event once, whatever the log already holds.

    Those of a customer who is too fast are flagged, which a portion has all it takes for.
    """
    entered = Entered()
    repeated = spool.repeated_ids()
    logged = set(log.days("event"))
    orders = _known_orders(spool, log)
    portions = spool.portions()
    for done, portion in enumerate(portions, start=1):
        rows = traffic.with_counts(identify.with_event_ids(spool.portion(portion)), settings)
        fresh = rows.join(repeated, on=repeated.columns, how="anti") if len(repeated) else rows
        fresh = _once(fresh.with_columns(order_of_nobody().alias(_ORDER))).join(
            pl.concat([_known(log, portion, logged), orders]),
            on=_KEY, how="anti", nulls_equal=True, maintain_order="left",
        )  # fmt: skip
        entered.count(rows, fresh)
        if len(fresh):
            into.add("event", _as_logged(fresh, source, received))
        progress("writing the log", done, len(portions))
    return entered


def _once(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows (by line) without those that an earlier file of the same import has, of which each event is one."""
    if rows.is_empty() or rows["line"].max() < FILE:  # type: ignore[operator]
        return rows
    return rows.unique(_KEY, keep="first", maintain_order=True)


def _known(log: Log, portion: Portion, logged: set[str]) -> pl.DataFrame:
    """The keys that the log has on the days of `portion`."""
    key = ["subject", "event_id", order_of_nobody().alias(_ORDER)]
    scans = [log.scan("event", day=day).select(key) for day in portion.days() if day in logged]
    if not scans:
        return pl.DataFrame(schema=_KEYS)
    keys = pl.concat(scans).with_columns(spool_.part_of(pl.col("subject"), pl.col("event_id")).alias("part"))
    return keys.filter(spool_.in_part(portion)).select(_KEY).collect()


def _known_orders(spool: Spool, log: Log) -> pl.DataFrame:
    """The keys of lines of orders that the log has on another day: an order that is told again later is no other."""
    told = spool.orders()
    if not log.days("event") or told.head(1).collect().is_empty():
        return pl.DataFrame(schema=_KEYS)
    had = log.scan("event").filter(pl.col("event") == "purchase")
    had = had.select("subject", "event_id", order_of_nobody().alias(_ORDER), pl.col("time").alias("had"))
    both = told.join(had, on="event_id").filter(pl.col("time").dt.date() != pl.col("had").dt.date())
    return both.select(_KEY).unique().collect(engine="streaming")


def _as_logged(rows: pl.DataFrame, source: str, received: datetime) -> pl.DataFrame:
    stamped = rows.sort("time", "line").with_columns(
        pl.lit(source).alias("source"), pl.lit(received).cast(TIME).alias("received")
    )
    return stamped.select(pl.col(name).cast(kind) for name, kind in EVENT.items())
