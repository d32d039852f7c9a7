"""What goes wrong in reading a file, as one clear line."""

import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import polars as pl

from etappe.errors import EtappeError, InputError

_OPENERS: Final[Mapping[str, Callable[..., Any] | None]] = {".gz": gzip.open, ".zst": None}
"""What unpacks a file of this suffix; None where the standard library does not."""


def check_readable(path: Path) -> None:
    """Raises InputError unless `path` is a file with something in it that this process may read."""
    if path.is_dir():
        raise InputError(f"{path} is a folder; name one file of it")
    with reading(path), path.open("rb") as file:
        if not file.read(1):
            raise InputError(f"{path} is empty")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns what reading `path` may raise into an InputError."""
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist") from error
    except PermissionError as error:
        raise InputError(f"{path} may not be read; check its permissions") from error
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise InputError(f"{path} cannot be read: {_reason(path, error)}") from error


@contextmanager
def writing() -> Iterator[None]:
    """Turns what writing may raise into an EtappeError."""
    try:
        yield
    except OSError as error:
        place = error.filename or "the data folder"
        raise EtappeError(f"nothing was imported: {place} cannot be written: {error.strerror or error}") from error


def _reason(path: Path, error: BaseException) -> str:
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if "invalid utf" in line.lower():
        return f"{_undecodable(path)}it is not UTF-8 text; convert it, as in: iconv -f ISO-8859-1 -t UTF-8"
    if path.suffix in _OPENERS and isinstance(error, OSError | pl.exceptions.ComputeError):
        return f"its compressed content is damaged or cut off ({line}); fetch it again"
    return line


def _undecodable(path: Path) -> str:
    """Names the first line that is no UTF-8, where the standard library can unpack the file."""
    opener = _OPENERS.get(path.suffix.lower(), open)
    if opener is None:
        return ""
    with suppress(OSError, EOFError, zlib.error), opener(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                return f"line {number}, byte {error.start + 1}: "
    return ""
