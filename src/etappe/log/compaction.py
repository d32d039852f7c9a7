"""Which files of the log are merged, and how live files are replaced by others.

Files of one day that lie behind one another become one file with the same rows in the same order; each row says in the
column `commit` which commit it came in with. There are two rules, both without a clock:

- a day of many files: the newest are merged with as many of those before them as are not much larger. So a row is
  written again some ten times at most, however fast files come in;
- a day to which nothing was added for many commits: all its files.

What would become too large stays as it is, so that merging takes little memory and time.
"""

import os
import time
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import polars as pl

from etappe import faults
from etappe.errors import DamagedFileError, DataError
from etappe.log import damage, scanning
from etappe.log.damage import Damage
from etappe.log.staging import Transaction
from etappe.log.state import LogFile, State

Keep = Callable[[str, pl.DataFrame], pl.DataFrame | None]
"""Gets a table's name and rows of it, with the column `commit`; returns what is to be kept, None where all stays."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """When files are merged, and for how long what is out of date stays."""

    many: int = 32
    """Files of one day, small enough to be one, that are too many."""
    quiet: int = 600
    """Commits since the last one that added to a day, after which all its files are merged."""
    rows: int = 1_000_000
    """Rows of a merged file, and rows merged at a time, at most."""
    at_once: int = 512
    """Files merged into one, at most."""
    grace_seconds: float = 900.0
    """For how long a merged file stays for those who are reading it."""
    commits: int = 256
    """Commits after which a checkpoint is made."""


LIMITS: Final = Limits()


def due(state: State, limits: Limits, damaged: Container[str] = ()) -> list[tuple[LogFile, ...]]:
    """The files to be merged now, each tuple into one; no more than can be done in a moment. None of the `damaged`."""
    found: list[tuple[LogFile, ...]] = []
    left = limits.rows
    for run in _all_due(state, limits, damaged):
        left -= sum(file.rows for file in run)
        if found and left < 0:
            break
        found.append(run)
    return found


def merge(log: Path, runs: Iterable[Sequence[LogFile]], into: Transaction) -> None:
    """Stages one file in the place of each run; DataError where it would not have all their rows."""
    for run in runs:
        damage.refuse(damage.unlike(log, run))  # else what took its place would vouch for damage
        into.replace(run, scanning.scan(log, run[0].table, run, strict=True))
        merged, expected = into.replaced[-1].new, sum(file.rows for file in run)
        if merged is None or merged.rows != expected:
            raise DataError(
                f"the files from {run[0].path} on have not the {expected} rows that were committed: see backups"
            )


def rewrite(log: Path, files: Iterable[LogFile], keep: Keep, into: Transaction) -> list[Damage]:
    """Stages what `keep` leaves of each file, where it changes anything; returns those that could not be asked of."""
    damaged: list[Damage] = []
    for file in files:
        rows = _read(log, file, damaged)
        if rows is None:
            continue
        kept = keep(file.table, rows)
        if kept is None:
            continue
        if kept.schema != rows.schema:
            raise DataError(f"rewriting {file.path} would change its columns to {kept.schema}")
        into.replace([file], kept.lazy() if kept.height else None)
    return damaged


def delete(log: Path, state: State, grace_seconds: float) -> None:
    """Deletes replaced files that have not been live for `grace_seconds`: since they were touched, that is."""
    now, live = time.time(), state.live()
    for path in state.removed:
        if path in live:
            continue
        try:
            lapsed = now - (log / path).stat().st_mtime >= grace_seconds
        except FileNotFoundError:
            continue
        if lapsed:
            faults.point("log.delete.before")
            (log / path).unlink(missing_ok=True)
            faults.point("log.delete.after")


def touch(log: Path, files: Iterable[LogFile]) -> None:
    """Begins the grace of files that are about to be replaced."""
    for file in files:
        os.utime(log / file.path)


def _read(log: Path, file: LogFile, damaged: list[Damage]) -> pl.DataFrame | None:
    """The rows of a file; None where it is damaged, which is added to `damaged`."""
    try:
        damage.refuse(damage.unlike(log, [file]))
        return scanning.scan(log, file.table, [file], strict=True).collect()
    except (DamagedFileError, *damage.UNREADABLE):
        found = list(damage.deep(log, [file]))
        if not found:
            raise
        damaged += found
        return None


def _all_due(state: State, limits: Limits, damaged: Container[str]) -> Iterator[tuple[LogFile, ...]]:
    for days in state.files.values():
        for files in days.values():
            if len(files) > 1:
                quiet = files[-1].last <= state.position - limits.quiet
                for portion in _portions(files, limits, damaged):
                    if quiet and len(portion) > 1:
                        yield portion
                    elif len(portion) >= limits.many:
                        yield _newest(portion, limits)


def _portions(files: Sequence[LogFile], limits: Limits, damaged: Container[str]) -> Iterator[tuple[LogFile, ...]]:
    """The files cut where they would become too many or too large for one, and where one is damaged."""
    portion: list[LogFile] = []
    rows = 0
    for file in files:
        broken = file.path in damaged
        if portion and (broken or rows + file.rows > limits.rows or len(portion) == limits.at_once):
            yield tuple(portion)
            portion, rows = [], 0
        if not broken:
            portion.append(file)
            rows += file.rows
    if portion:
        yield tuple(portion)


def _newest(portion: tuple[LogFile, ...], limits: Limits) -> tuple[LogFile, ...]:
    """The newest half of what is too many, with those before it that have at most twice the rows of all behind them."""
    at = len(portion) - max(2, limits.many // 2)
    rows = sum(file.rows for file in portion[at:])
    while at > 0 and portion[at - 1].rows <= 2 * rows:
        at -= 1
        rows += portion[at].rows
    return portion[at:]
