"""Whether live files are what their commits say, and which one it is where reading the log failed."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import polars as pl

from etappe.arrays import sha256_of
from etappe.errors import DamagedFileError, EtappeError
from etappe.log.state import LogFile

OF_POLARS: Final = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
UNREADABLE: Final = (*OF_POLARS, OSError)
"""What reading a damaged Parquet file may raise."""
REMEDY: Final = (
    "bring it back with `etappe quarantine --heal BACKUP`,"
    " or go on without its rows with `etappe quarantine --aside {}`"
)


class Damage(msgspec.Struct, frozen=True):
    """A file that is not what its commit says, and how that shows."""

    file: LogFile
    reason: str

    def __str__(self) -> str:
        """The file with what it held."""
        file = self.file
        return f"{file.path} is {self.reason}; it held {file.rows:,} rows of table {file.table}, {file.day}"


def at_sight(log: Path, files: Iterable[LogFile]) -> Iterator[Damage]:
    """Those of `files` that are gone or have another size."""
    for file in files:
        reason = _at_sight(log, file)
        if reason:
            yield Damage(file, reason)


def unlike(log: Path, files: Iterable[LogFile]) -> Iterator[Damage]:
    """Those of `files` that are gone or not what was written, as far as their commits noted it."""
    for file in files:
        reason = _at_sight(log, file) or _unlike(log / file.path, file)
        if reason:
            yield Damage(file, reason)


def deep(log: Path, files: Iterable[LogFile]) -> Iterator[Damage]:
    """Those of `files` that are gone, changed or cannot be read. Every byte is read."""
    for file in files:
        reason = _at_sight(log, file) or _unlike(log / file.path, file) or _inside(log / file.path, file)
        if reason:
            yield Damage(file, reason)


def signs(log: Path, path: str) -> object:
    """What tells whether a file has been changed since; None where it is gone."""
    try:
        about = (log / path).stat()
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size, about.st_ino


def refuse(damages: Iterable[Damage]) -> None:
    """Names what is damaged.

    Raises:
        DamagedFileError: something is.
    """
    found = list(damages)
    if found:
        more = f" ({len(found)} files are damaged in all)" if len(found) > 1 else ""
        raise DamagedFileError(f"{found[0]}{more}; {REMEDY.format(found[0].file.path)}")


def blame(log: Path, files: Iterable[LogFile]) -> None:
    """Finds the file for which reading `files` failed, by all that it takes; nothing happens where all are whole.

    Raises:
        DamagedFileError: one is damaged.
    """
    listed = list(files)
    refuse(at_sight(log, listed))
    refuse(deep(log, listed))


@contextmanager
def named(log: Path, files: Callable[[], Iterable[LogFile]], doing: str) -> Iterator[None]:
    """Names the file for which `doing` something with the log failed inside the block; `files` are those it has then.

    Raises:
        DamagedFileError: a live file is damaged.
        EtappeError: something else is wrong.
    """
    try:
        yield
    except FileNotFoundError:
        refuse(at_sight(log, files()))
        raise
    except OF_POLARS as error:
        blame(log, files())
        raise EtappeError(f"{doing} the log in {log} failed: {error}") from error


def line_of(error: BaseException) -> str:
    """The first line of a message: what follows in those of Polars is of no use to operators."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def _at_sight(log: Path, file: LogFile) -> str | None:
    try:
        size = (log / file.path).stat().st_size
    except OSError:
        return "missing"
    if file.bytes and size != file.bytes:
        return f"damaged: it has {size:,} bytes, {file.bytes:,} were written"
    return None


def _unlike(path: Path, file: LogFile) -> str | None:
    try:
        same = not file.sha256 or sha256_of(path) == file.sha256
    except OSError as error:
        return f"damaged: it cannot be read ({error.strerror})"
    return None if same else "damaged: its SHA-256 is not what was written"


def _inside(path: Path, file: LogFile) -> str | None:
    try:
        rows = pl.scan_parquet(path, glob=False, hive_partitioning=False)
        if not file.sha256:  # written before checksums were: what cannot be decoded is all that can be told
            rows.collect()
        height = rows.select(pl.len()).collect().item()
    except UNREADABLE as error:
        return f"damaged: it cannot be read ({line_of(error)})"
    return None if height == file.rows else f"damaged: it has {height:,} rows"
