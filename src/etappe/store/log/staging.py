"""Rows on their way into the log: written and synced in a folder of their own, until a commit takes them in."""

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import polars as pl

from etappe import faults
from etappe.errors import DataError
from etappe.store.log import schema
from etappe.store.log.commits import STAGING
from etappe.store.log.state import LogFile

_DAY: Final = "day"
_LEVEL: Final = 3


class StagedFile(msgspec.Struct, frozen=True):
    """A synced Parquet file that waits for its commit."""

    table: str
    day: str
    path: Path
    rows: int


class StagedReplacement(msgspec.Struct, frozen=True):
    """Live files of one day that lie behind one another, and what takes their place: nothing where no row is left."""

    old: tuple[LogFile, ...]
    new: StagedFile | None


class Transaction:
    """Rows on their way into the log, and how far the streams were read for them: see `Commit`."""

    def __init__(self, staging: Path) -> None:
        self._staging = staging
        self.files: list[StagedFile] = []
        self.replaced: list[StagedReplacement] = []
        self.streams: dict[str, str] = {}
        self.counts: dict[str, int] = {}

    @property
    def folder(self) -> Path:
        """Where it is staged; what lies there goes when it ends."""
        return self._staging

    @property
    def anything(self) -> bool:
        """Whether there is something to commit."""
        return bool(self.files or self.replaced or self.streams)

    def add(self, table: str, rows: pl.DataFrame) -> None:
        """Stages `rows` of `table`, one file for each UTC day in them. Columns are checked against the schema."""
        columns = schema.TABLES[table]
        if rows.schema != columns:
            raise DataError(f"rows for table {table} have columns {rows.schema}, the log keeps {columns}")
        days = rows.with_columns(pl.col("time").dt.strftime("%Y-%m-%d").alias(_DAY))
        for (day,), part in days.partition_by(_DAY, as_dict=True, include_key=False).items():
            self._stage(table, str(day), part)

    def replace(self, old: Sequence[LogFile], rows: pl.LazyFrame | None) -> None:
        """Stages what takes the place of `old`: rows of the table with their column `commit`, or none at all."""
        new = None if rows is None else self._rewritten(old[0].table, old[0].day, rows)
        self.replaced.append(StagedReplacement(tuple(old), new))

    def _stage(self, table: str, day: str, rows: pl.DataFrame) -> None:
        path = self._path()
        with path.open("wb") as file:
            faults.point("log.stage.before_write")
            rows.write_parquet(file, compression="zstd", compression_level=_LEVEL)
            file.flush()
            faults.point("log.stage.before_fsync")
            os.fsync(file.fileno())
        faults.point("log.stage.after_fsync")
        self.files.append(StagedFile(table, day, path, rows.height))

    def _rewritten(self, table: str, day: str, rows: pl.LazyFrame) -> StagedFile:
        path = self._path()
        faults.point("log.replace.before_write")
        rows.sink_parquet(path, compression="zstd", compression_level=_LEVEL)
        faults.point("log.replace.before_fsync")
        with path.open("rb+") as file:
            os.fsync(file.fileno())
        faults.point("log.replace.after_fsync")
        height = pl.scan_parquet(path).select(pl.len()).collect().item()
        return StagedFile(table, day, path, height)

    def _path(self) -> Path:
        return self._staging / f"{len(self.files) + len(self.replaced):06d}-{uuid.uuid4().hex[:8]}.parquet"


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Holds the lock in the file `path` inside the block; False where another has it and we do not wait."""
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True


@contextmanager
def opened(log: Path, lock: Path) -> Iterator[Transaction]:
    """A transaction with a folder of its own, marked as in use; the folder goes with the block.

    `lock` keeps `remove_dead` away until the mark is made.
    """
    staging = log / STAGING / uuid.uuid4().hex
    with locked(lock):
        staging.mkdir(parents=True)
        used = (staging / "lock").open("w")
        fcntl.flock(used, fcntl.LOCK_SH)
    with used:
        try:
            yield Transaction(staging)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def remove_dead(log: Path) -> None:
    """Removes what killed processes staged. Nobody may open a transaction meanwhile."""
    for staging in (log / STAGING).iterdir():
        if not staging.is_dir():
            staging.unlink(missing_ok=True)
        elif not _in_use(staging / "lock"):
            shutil.rmtree(staging, ignore_errors=True)


def _in_use(lock: Path) -> bool:
    """Whether a living process holds `lock`."""
    try:
        with lock.open("r+") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
