"""Files that are out of the log and not lost: what no commit names, and what was damaged and set aside.

    DATA/quarantine/event/day=2026-01-01/00000042-000000-3f9c.parquet        as it lay in the log
    DATA/quarantine/event/day=2026-01-01/00000042-000000-3f9c.parquet.json   why, and what its commit said of it

A note without its file tells of one that was missing when it was set aside.
"""

import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
import polars as pl

from etappe.arrays import sync_folder, write_synced
from etappe.errors import DataError, NotFoundError
from etappe.log import damage, scanning, schema
from etappe.log.compaction import Keep
from etappe.log.state import LogFile, table_and_day

FOLDER: Final = "quarantine"
UNCOMMITTED: Final = "no commit names it, as one that a process leaves which is killed before its commit"
SUPERSEDED: Final = "all its rows are in another file"
_NOTE: Final = ".json"
_log = logging.getLogger("etappe.log")


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Why a file is in quarantine, since when, and what its commit said of it where one did."""

    why: str
    since: datetime
    file: LogFile | None = None


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A file in quarantine, by its path there. What cannot be known of it, as it cannot be read, is None."""

    path: str
    why: str
    table: str
    day: str
    rows: int | None
    first: datetime | None = None
    last: datetime | None = None


def folder_of(log: Path) -> Path:
    """Where the quarantine of a log is."""
    return log.parent / FOLDER


def look(folder: Path, name: str, noted: Note | None = None) -> Held:
    """What a file below `folder`, with its table and day, holds."""
    table, day = table_and_day(name)
    about = Held(path=name, why=noted.why if noted else "", table=table, day=day, rows=None)
    span = (pl.len(), pl.col("time").min().alias("first"), pl.col("time").max().alias("last"))
    try:
        rows, first, last = _rows(folder, name, noted).select(span).collect().row(0)
    except damage.UNREADABLE:
        return msgspec.structs.replace(about, rows=noted.file.rows if noted and noted.file else None)
    return msgspec.structs.replace(about, rows=rows, first=first, last=last)


def take_in(log: Path, path: str, why: str, file: LogFile | None = None) -> str:
    """Moves a file of the log into quarantine, by one rename; returns its path there. Nobody may commit meanwhile."""
    name = _free_name(log, path)
    target = folder_of(log) / name
    for folder in reversed(target.relative_to(log.parent).parents[:-1]):
        (log.parent / folder).mkdir(exist_ok=True)
        sync_folder((log.parent / folder).parent)
    note = Note(why=why, since=datetime.now(UTC), file=file)
    write_synced(_note_of(target), msgspec.json.encode(note))
    if (log / path).exists():
        (log / path).rename(target)
        sync_folder((log / path).parent)
    sync_folder(target.parent)
    _log.warning("%s is in quarantine now: %s; `etappe quarantine` tells what it holds", path, why)
    return name


def held(log: Path) -> list[Held]:
    """All that is in quarantine."""
    return [look(folder_of(log), name, note(log, name)) for name in _names(log)]


def named(log: Path, names: tuple[str, ...]) -> list[Held]:
    """Those with these paths, all where none is given.

    Raises:
        NotFoundError: there is no such file.
    """
    known = _names(log)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise NotFoundError(f"{unknown[0]} is not in quarantine; `etappe quarantine` lists what is")
    return [look(folder_of(log), name, note(log, name)) for name in names or known]


def note(log: Path, name: str) -> Note | None:
    """What is noted of a file; None where nothing is, or nothing readable."""
    try:
        return msgspec.json.decode(_note_of(folder_of(log) / name).read_bytes(), type=Note)
    except (OSError, msgspec.MsgspecError):
        return None


def read(log: Path, name: str) -> pl.DataFrame:
    """The rows of a file, with the columns of its table.

    Raises:
        DataError: it cannot be read, or has columns that the table has not.
    """
    path = folder_of(log) / name
    try:
        rows = _scan(log, name).collect()
    except damage.UNREADABLE as error:
        table, _ = table_and_day(name)
        raise DataError(f"{path} cannot be read as rows of table {table}: {damage.line_of(error)}") from error
    return rows.drop(scanning.COMMIT)


def remove(log: Path, name: str) -> None:
    """Deletes a file for good, and what is noted of it."""
    path = folder_of(log) / name
    path.unlink(missing_ok=True)
    _note_of(path).unlink(missing_ok=True)
    sync_folder(path.parent)


def rewrite(log: Path, keep: Keep) -> int:
    """Leaves of each file what `keep` says, as of the log's own; returns how many were changed."""
    return sum(_rewritten(log, name, keep) for name in _names(log))


def _rewritten(log: Path, name: str, keep: Keep) -> bool:
    path = folder_of(log) / name
    try:
        rows = _scan(log, name).collect()
    except damage.UNREADABLE:
        if path.exists():
            _log.warning("%s cannot be read, so erased customers may be in it: see `etappe quarantine --drop`", path)
        return False
    table, _ = table_and_day(name)
    kept = keep(table, rows)
    if kept is None:
        return False
    _log.info("%d rows of erased customers removed from %s", rows.height - kept.height, path)
    if not kept.height:
        remove(log, name)
        return True
    own = pl.read_parquet_schema(path)
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        kept.select(column for column in kept.columns if column in own).write_parquet(file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    sync_folder(path.parent)
    return True


def _scan(log: Path, name: str) -> pl.LazyFrame:
    return _rows(folder_of(log), name, note(log, name))


def _rows(folder: Path, name: str, noted: Note | None) -> pl.LazyFrame:
    file = noted.file if noted and noted.file else LogFile(*table_and_day(name), name, 0)
    here = msgspec.structs.replace(file, path=name)
    return scanning.scan(folder, here.table, [here], strict=True)


def _names(log: Path) -> list[str]:
    return sorted(set(_all_names(folder_of(log))))


def _all_names(folder: Path) -> Iterator[str]:
    for table in schema.TABLES:
        for path in (folder / table).glob("day=*/[!.]*.parquet*"):
            name = str(path.relative_to(folder))
            yield name.removesuffix(_NOTE)


def _note_of(path: Path) -> Path:
    return path.with_name(path.name + _NOTE)


def _free_name(log: Path, path: str) -> str:
    """The path in quarantine: never that of another file, which would be lost."""
    wanted, number = Path(path), 1
    name = wanted
    while (folder_of(log) / name).exists() and (log / path).exists():
        number += 1
        name = wanted.with_name(f"{wanted.stem}.{number}.parquet")
    return str(name)
