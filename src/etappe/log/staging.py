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
from etappe.arrays import sha256_of
from etappe.errors import DataError
from etappe.log import schema
from etappe.log.commits import STAGING
from etappe.log.state import LogFile

_DAY: Final = "day"
_LEVEL: Final = 3
_TOKEN: Final = 8


class StagedFile(msgspec.Struct, frozen=True):
    """A synced Parquet file that waits for its commit."""

    table: str
    day: str
    path: Path
    rows: int
    bytes: int
    sha256: str


class StagedReplacement(msgspec.Struct, frozen=True):
    """Live files of one day that lie behind one another, and what takes their place: nothing where no row is left."""

    old: tuple[LogFile, ...]
    new: StagedFile | None


class StagedHealing(msgspec.Struct, frozen=True):
    """A file that was set aside, and a whole copy of it that takes its place."""

    old: LogFile
    new: StagedFile


class Transaction:
    """Rows on their way into the log, and how far the streams were read for them: see `Commit`."""

    def __init__(self, staging: Path) -> None:
        self._staging = staging
        self.files: list[StagedFile] = []
        self.replaced: list[StagedReplacement] = []
        self.set_aside: list[LogFile] = []
        self.healed: list[StagedHealing] = []
        self.streams: dict[str, str] = {}
        self.counts: dict[str, int] = {}

    @property
    def folder(self) -> Path:
        """Where it is staged; what lies there goes when it ends."""
        return self._staging

    @property
    def anything(self) -> bool:
        """Whether there is something to commit."""
        return bool(self.files or self.replaced or self.streams or self.set_aside or self.healed)

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

    def heal(self, file: LogFile, copy: Path) -> None:
        """Stages `copy`, which is what the set-aside `file` was before it was damaged."""
        path = self.folder / f"{len(self.healed):06d}h-{token_of(self.folder)}.parquet"
        shutil.copyfile(copy, path)
        with path.open("rb+") as written:
            os.fsync(written.fileno())
        self.healed.append(StagedHealing(file, _staged(file.table, file.day, path, file.rows)))

    def _stage(self, table: str, day: str, rows: pl.DataFrame) -> None:
        path = self._path()
        with path.open("wb") as file:
            faults.point("log.stage.before_write")
            rows.write_parquet(file, compression="zstd", compression_level=_LEVEL)
            file.flush()
            faults.point("log.stage.before_fsync")
            os.fsync(file.fileno())
        faults.point("log.stage.after_fsync")
        self.files.append(_staged(table, day, path, rows.height))

    def _rewritten(self, table: str, day: str, rows: pl.LazyFrame) -> StagedFile:
        path = self._path()
        faults.point("log.replace.before_write")
        rows.sink_parquet(path, compression="zstd", compression_level=_LEVEL)
        faults.point("log.replace.before_fsync")
        with path.open("rb+") as file:
            os.fsync(file.fileno())
        faults.point("log.replace.after_fsync")
        height = pl.scan_parquet(path).select(pl.len()).collect().item()
        return _staged(table, day, path, height)

    def _path(self) -> Path:
        """A name that tells whose file it was, should this process be killed after moving it into the log."""
        return self._staging / f"{len(self.files) + len(self.replaced):06d}-{token_of(self._staging)}.parquet"


def token_of(staging: Path) -> str:
    """What the names of a transaction's files end with, told from its folder."""
    return staging.name[:_TOKEN]


def _staged(table: str, day: str, path: Path, rows: int) -> StagedFile:
    return StagedFile(table, day, path, rows, path.stat().st_size, sha256_of(path))


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


@contextmanager
def steady(path: Path) -> Iterator[None]:
    """Holds commits off inside the block, for who only looks: where there is no lock yet, none is made."""
    try:
        lock = path.open("r")
    except FileNotFoundError:
        yield
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def dead(log: Path) -> list[Path]:
    """The folders of transactions whose processes were killed. Nobody may open a transaction meanwhile."""
    folder = log / STAGING
    found = sorted(folder.iterdir()) if folder.exists() else []
    return [staging for staging in found if staging.is_dir() and not _in_use(staging / "lock")]


def remove_dead(log: Path) -> None:
    """Removes what killed processes staged. Nobody may open a transaction meanwhile.

    What they had moved into the log already must be out of it: the folder tells that it was theirs.
    """
    for staging in dead(log):
        shutil.rmtree(staging, ignore_errors=True)
    for partial in (log / STAGING).iterdir():
        if not partial.is_dir():
            partial.unlink(missing_ok=True)


def _in_use(lock: Path) -> bool:
    """Whether a living process holds `lock`."""
    try:
        with lock.open("r") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
