"""Accepted rows on disk between reading and the log, so that memory does not grow with the file."""

import fcntl
import shutil
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import polars as pl

from etappe.log.repeats import order_of_nobody
from etappe.log.schema import EVENT, TIME

ROWS_AT_ONCE: Final = 1_000_000
"""Rows that are brought into the log at once."""

_FILLED_LATER: Final = ("received", "source")
_MAY_BE_ABSENT: Final = ("flag", "raw", "claim")
_PARTS: Final = 251
SCHEMA: Final = {name: kind for name, kind in EVENT.items() if name not in _FILLED_LATER} | {
    "line": pl.Int64,
    "derived": pl.Boolean,
    "content": pl.String,
    "given": pl.UInt64,
    "part": pl.UInt8,
}
"""Columns of a spooled row: `given` is a hash of an event_id that the file gave, `part` see `part_of`."""


class Portion(msgspec.Struct, frozen=True):
    """Whole days, first and last included, or `part` of `parts` of one crowded day."""

    first: date
    last: date
    part: int = 0
    parts: int = 1

    def days(self) -> list[str]:
        """The days as the log names them."""
        count = (self.last - self.first).days + 1
        return [str(self.first + timedelta(days=day)) for day in range(count)]


class Spool:
    """Files of rows, each sorted by time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._days: Counter[date] = Counter()
        self._given: list[pl.Series] = []

    def add(self, rows: pl.DataFrame) -> None:
        """Takes in `rows`: identified, with `content`; `flag`, `raw`, `claim` and `derived` may be absent."""
        if rows.is_empty():
            return
        whole = rows.with_columns(*_keys(), *_absent(rows.columns)).select(
            pl.col(name).cast(kind) for name, kind in SCHEMA.items()
        )
        for day, count in whole.group_by(pl.col("time").dt.date()).len().iter_rows():
            self._days[day] += count
        if whole["given"].null_count() < whole.height:
            self._given.append(whole["given"].drop_nulls())
        whole.sort("time", "line").write_parquet(
            self._folder / f"{self._count:06d}.parquet", compression="lz4", row_group_size=65_536
        )
        self._count += 1

    def scan(self) -> pl.LazyFrame:
        """All rows."""
        files = [self._folder / f"{number:06d}.parquet" for number in range(self._count)]
        return pl.scan_parquet(files, glob=False) if files else pl.LazyFrame(schema=SCHEMA)

    def portions(self) -> list[Portion]:
        """All rows, in portions of about `ROWS_AT_ONCE` or less."""
        portions: list[Portion] = []
        waiting = 0
        for day, count in sorted(self._days.items()):
            if count > ROWS_AT_ONCE:
                parts = -(-count // ROWS_AT_ONCE)
                portions += [Portion(day, day, part, parts) for part in range(parts)]
                waiting = ROWS_AT_ONCE
            elif portions and waiting + count <= ROWS_AT_ONCE:
                portions[-1] = msgspec.structs.replace(portions[-1], last=day)
                waiting += count
            else:
                portions.append(Portion(day, day))
                waiting = count
        return portions

    def portion(self, portion: Portion) -> pl.DataFrame:
        """The rows of `portion` by line."""
        begin, end = _bounds(portion)
        rows = self.scan().filter(pl.col("time") >= begin, pl.col("time") < end, in_part(portion))
        return rows.collect().sort("line")

    def repeated_ids(self) -> pl.DataFrame:
        """Rows (line, event_id, time) whose given event_id and subject (nobody's: order) an earlier one has."""
        hashes = pl.concat(self._given) if self._given else pl.Series(dtype=pl.UInt64)
        suspicious = hashes.filter(hashes.is_duplicated()).unique()
        rows = (
            self.scan().filter(pl.col("given").is_in(suspicious.implode())) if len(suspicious) else self.scan().head(0)
        )
        # Of an order told twice the earlier counts, wherever it stands in the file.
        early = pl.when(pl.col("event") == "purchase").then("time").alias("early")
        keys = (
            rows.select("subject", "event_id", order_of_nobody(), "time", early, "line").collect().sort("early", "line")
        )
        again = keys.filter(~pl.struct("subject", "event_id", "order_id").is_first_distinct())
        return again.select("line", "event_id", "time")

    def orders(self) -> pl.LazyFrame:
        """Lines of orders that have an id given with them: event_id and time."""
        told = self.scan().filter(pl.col("event") == "purchase", pl.col("given").is_not_null())
        return told.select("event_id", "time").unique()

    def subjects(self) -> pl.Series:
        """Each identified subject once."""
        subjects = self.scan().select("subject").drop_nulls().unique()
        return subjects.collect(engine="streaming").to_series()


def in_part(portion: Portion) -> pl.Expr:
    """Whether the column `part` belongs to `portion`."""
    return pl.col("part") % portion.parts == portion.part if portion.parts > 1 else pl.lit(True)


def part_of(subject: pl.Expr, event_id: pl.Expr) -> pl.Expr:
    """What `part` is: the same for all events of a subject, and of nobody for all occurrences of one content."""
    nobody = event_id.str.replace(r"-\d+$", "").hash()
    return (pl.when(subject.is_null()).then(nobody).otherwise(subject.hash()) % _PARTS).cast(pl.UInt8)


def _keys() -> list[pl.Expr]:
    given = pl.col("event_id")
    return [
        pl.when(given.is_not_null()).then(given.hash()).alias("given"),
        part_of(pl.col("subject"), pl.coalesce("event_id", "content")).alias("part"),
    ]


def _absent(columns: list[str]) -> list[pl.Expr]:
    nothing = {name: pl.lit(None, EVENT[name]) for name in _MAY_BE_ABSENT} | {"derived": pl.lit(False)}
    return [value.alias(name) for name, value in nothing.items() if name not in columns]


def _bounds(portion: Portion) -> tuple[pl.Expr, pl.Expr]:
    begin = datetime.combine(portion.first, datetime.min.time())
    end = datetime.combine(portion.last, datetime.min.time()) + timedelta(days=1)
    return pl.lit(begin).dt.replace_time_zone("UTC").cast(TIME), pl.lit(end).dt.replace_time_zone("UTC").cast(TIME)


@contextmanager
def opened(log_folder: Path) -> Iterator[Spool]:
    """An empty spool beside the log, removed at the end; after a crash the log's `prepare` removes it."""
    making = log_folder / f".import-{uuid.uuid4().hex}"
    making.mkdir(parents=True)
    with (making / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        (log_folder / ".staging").mkdir(exist_ok=True)
        folder = making.rename(log_folder / ".staging" / making.name)
        try:
            yield Spool(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
