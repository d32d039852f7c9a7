"""The durable log: Parquet files by day, made visible by numbered commits.

    log/event/day=2011-12-09/00000042-3f9c.parquet     rows
    log/commits/00000042.json                          which files came in with commit 42, and how far streams were read

A commit appears by one rename, so a batch of many files is in the log whole or not at all, and "the log up to position
42" means the same for ever. Since the stream positions are part of the commit, archiving a stream is exactly once.
"""

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import polars as pl

from etappe.arrays import sync_folder
from etappe.errors import DataError, EtappeError
from etappe.store import schema

_DAY: Final = "day"


class LogFile(msgspec.Struct, frozen=True):
    """One Parquet file of a commit; `path` is relative to the log's folder."""

    table: str
    day: str
    path: str
    rows: int


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """One atomic addition to the log. `streams` are the last stream ids that it (and all before it) holds."""

    position: int
    source: str
    files: tuple[LogFile, ...] = ()
    streams: dict[str, str] = {}


class Log:
    """The log in `folder`. Any number of processes may read and write it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._commits: list[Commit] = []

    def prepare(self) -> None:
        """Makes the folders, and removes what a crash left behind uncommitted."""
        for part in ("commits", ".staging"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        with self._locked():
            self._remove_dead_staging()
            self._remove_orphans()

    def commits(self, position: int | None = None) -> list[Commit]:
        """All commits in order, or those up to `position`."""
        found = list(self._commits)
        while (path := self._commit_path(len(found) + 1)).exists():
            found.append(_read_commit(path))
        self._commits = found  # a new list, as other threads may be reading the old one
        return found if position is None else found[:position]

    def position(self) -> int:
        """Number of the last commit; 0 for an empty log."""
        return len(self.commits())

    def streams(self) -> dict[str, str]:
        """For each stream, the id of its last entry in the log."""
        return {name: last for commit in self.commits() for name, last in commit.streams.items()}

    def days(self, table: str) -> list[str]:
        """The days (YYYY-MM-DD) on which `table` has rows."""
        return sorted({file.day for commit in self.commits() for file in commit.files if file.table == table})

    def scan(self, table: str, *, position: int | None = None, day: str | None = None) -> pl.LazyFrame:
        """The rows of `table` as committed, up to `position`, or of one `day` only. Events may repeat: see `events`."""
        columns = schema.TABLES[table]
        files = [
            self.folder / file.path
            for commit in self.commits(position)
            for file in commit.files
            if file.table == table and (day is None or file.day == day)
        ]
        if not files:
            return pl.LazyFrame(schema=columns)
        return pl.scan_parquet(
            files, schema=columns, missing_columns="insert", extra_columns="ignore", hive_partitioning=False, glob=False
        )

    def events(self, position: int | None = None, subjects: pl.Series | None = None) -> pl.LazyFrame:
        """The event table with every (subject, event_id) once: the first one committed counts.

        `subjects` (Binary, distinct) leaves all others out before anything is compared.
        """
        rows = self.scan("event", position=position)
        if subjects is not None:
            rows = rows.join(subjects.to_frame("subject").lazy(), on="subject", how="semi", maintain_order="left")
        return rows.unique(subset=["subject", "event_id"], keep="first", maintain_order=True)

    def rows(self, table: str) -> int:
        """How many rows of `table` are committed, repeats included."""
        return sum(file.rows for commit in self.commits() for file in commit.files if file.table == table)

    @contextmanager
    def transaction(self, source: str) -> Iterator["Transaction"]:
        """Rows added inside the block become visible together when it ends, or not at all when it raises."""
        staging = self.folder / ".staging" / uuid.uuid4().hex
        with self._locked():
            staging.mkdir(parents=True)
            lock = (staging / "lock").open("w")
            fcntl.flock(lock, fcntl.LOCK_SH)
        with lock:
            try:
                transaction = Transaction(staging)
                yield transaction
                if transaction.files or transaction.streams:
                    self._commit(source, transaction)
            except pl.exceptions.PolarsError as error:
                raise EtappeError(f"writing the log in {self.folder} failed: {error}") from error
            finally:
                shutil.rmtree(staging, ignore_errors=True)

    def _commit(self, source: str, transaction: "Transaction") -> None:
        with self._locked():
            position = self.position() + 1
            files = tuple(self._move_in(position, file) for file in transaction.files)
            for folder in {above for file in files for above in (self.folder / file.path).parents[:3]}:
                sync_folder(folder)
            commit = Commit(position=position, source=source, files=files, streams=transaction.streams)
            partial = self.folder / ".staging" / f"{position:08d}.json"
            with partial.open("wb") as handle:
                handle.write(msgspec.json.encode(commit))
                handle.flush()
                os.fsync(handle.fileno())
            partial.rename(self._commit_path(position))
            sync_folder(self.folder / "commits")

    def _move_in(self, position: int, file: "StagedFile") -> LogFile:
        path = Path(file.table, f"{_DAY}={file.day}", f"{position:08d}-{file.path.stem}.parquet")
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        file.path.rename(self.folder / path)
        return LogFile(file.table, file.day, str(path), file.rows)

    def _commit_path(self, position: int) -> Path:
        return self.folder / "commits" / f"{position:08d}.json"

    @contextmanager
    def archiving(self) -> Iterator[None]:
        """Holds other archivers off, so that what is read from the streams meanwhile is committed once."""
        with self._locked(".archiving"):
            yield

    @contextmanager
    def compiling(self) -> Iterator[None]:
        """Holds off others that compile the catalogue, so that an older one never takes the place of a newer one."""
        with self._locked(".compiling"):
            yield

    @contextmanager
    def _locked(self, name: str = ".lock") -> Iterator[None]:
        with (self.folder / name).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _remove_dead_staging(self) -> None:
        for staging in (self.folder / ".staging").iterdir():
            if staging.is_dir() and not _in_use(staging / "lock"):
                shutil.rmtree(staging, ignore_errors=True)

    def _remove_orphans(self) -> None:
        """Files of a commit that a crash stopped between moving them in and writing the commit."""
        committed = {file.path for commit in self.commits() for file in commit.files}
        ahead = f"{self.position() + 1:08d}-"
        for table in schema.TABLES:
            for path in self.folder.glob(f"{table}/{_DAY}=*/{ahead}*.parquet"):
                if str(path.relative_to(self.folder)) not in committed:
                    path.unlink()


class StagedFile(msgspec.Struct, frozen=True):
    """A synced Parquet file that waits for its commit."""

    table: str
    day: str
    path: Path
    rows: int


class Transaction:
    """Rows on their way into the log."""

    def __init__(self, staging: Path) -> None:
        self._staging = staging
        self.files: list[StagedFile] = []
        self.streams: dict[str, str] = {}

    def add(self, table: str, rows: pl.DataFrame) -> None:
        """Stages `rows` of `table`, one file for each UTC day in them. Columns are checked against the schema."""
        columns = schema.TABLES[table]
        if rows.schema != columns:
            raise DataError(f"rows for table {table} have columns {rows.schema}, the log keeps {columns}")
        days = rows.with_columns(pl.col("time").dt.strftime("%Y-%m-%d").alias(_DAY))
        for (day,), part in days.partition_by(_DAY, as_dict=True, include_key=False).items():
            self._stage(table, str(day), part)

    def _stage(self, table: str, day: str, rows: pl.DataFrame) -> None:
        path = self._staging / f"{len(self.files):06d}-{uuid.uuid4().hex[:8]}.parquet"
        with path.open("wb") as file:
            rows.write_parquet(file, compression="zstd", compression_level=3)
            file.flush()
            os.fsync(file.fileno())
        self.files.append(StagedFile(table, day, path, rows.height))


def _read_commit(path: Path) -> Commit:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Commit)
    except msgspec.MsgspecError as error:
        raise DataError(f"{path} is damaged: {error}; restore it from a backup") from error


def _in_use(lock: Path) -> bool:
    """Whether a living process holds `lock`; a missing one may just be about to be made."""
    try:
        with lock.open("r+") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def as_rows(table: str, columns: Mapping[str, Any]) -> pl.DataFrame:
    """A frame of `table` from lists by column; columns not given are null, whole numbers as times are Unix ms."""
    height = len(next(iter(columns.values())))
    names = schema.TABLES[table]
    return pl.DataFrame({name: _column(columns.get(name), dtype, height) for name, dtype in names.items()})


def _column(values: Any, dtype: pl.DataType, height: int) -> pl.Series:
    if values is None:
        return pl.Series([None] * height, dtype=dtype)
    if dtype == schema.TIME and height and isinstance(values[0], int):
        return pl.Series(values, dtype=pl.Int64).cast(pl.Datetime("ms")).dt.replace_time_zone("UTC").cast(dtype)
    return pl.Series(values, dtype=dtype)
