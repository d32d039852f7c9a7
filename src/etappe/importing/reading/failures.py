"""What goes wrong in reading a file, as one clear line in our own words."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from etappe.errors import EtappeError, InputError


class DamagedError(OSError):
    """Packed content that does not unpack."""


def check_readable(path: Path) -> None:
    """Raises InputError unless `path` is a file with something in it that this process may read."""
    if path.is_dir():
        raise InputError(f"{path} is a folder; name one file of it, or {path}/*.csv in quotes")
    if any(above.is_file() for above in path.parents):
        return  # a member of an archive
    with reading(path):
        kind = path.stat().st_mode
    if not stat.S_ISREG(kind):  # a pipe would wait for ever, a device may never end
        raise InputError(f"{path} is a pipe or device, and a file is read more than once; write it into a file first")
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
    except DamagedError as error:
        raise InputError(f"{path}: its compressed content is damaged or cut off; fetch it again") from error
    except OSError as error:
        if error.errno is None:  # gzip: no gzip file, or a wrong checksum
            raise InputError(f"{path}: its compressed content is damaged or cut off; fetch it again") from error
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise InputError(f"{path} cannot be read: it is damaged or cut off; fetch it again") from error


@contextmanager
def writing() -> Iterator[None]:
    """Turns what writing may raise into an EtappeError."""
    try:
        yield
    except OSError as error:
        place = error.filename or "the data folder"
        raise EtappeError(f"nothing was imported: {place} cannot be written: {error.strerror or error}") from error
