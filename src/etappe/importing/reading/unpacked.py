"""Files as bytes, unpacked as they are read: .gz, .zst and members of a .zip, told by how they begin."""

import gzip
import io
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Final, cast

from etappe.importing.reading import failures

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CHUNK: Final = 1 << 16
"""Bytes read at once."""

ZIP: Final = b"PK\x03\x04"
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_DAMAGED: Final = (EOFError, zlib.error, zstd.ZstdError, zipfile.BadZipFile, NotImplementedError, RuntimeError)


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The content of `path`, unpacked where it is packed; `archive.zip/member` is a member of an archive.

    Raises:
        InputError: it cannot be read, or its packed content is damaged or cut off (also inside the block).
    """
    with failures.reading(path), ExitStack() as stack:
        try:
            yield _unpacked(stack, _raw(stack, path))
        except _DAMAGED as error:
            raise failures.DamagedError(str(error)) from error


@contextmanager
def archived(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive `path`; InputError where it is damaged."""
    with failures.reading(path):
        try:
            with zipfile.ZipFile(path) as archive:
                yield archive
        except _DAMAGED as error:
            raise failures.DamagedError(str(error)) from error


def head(path: Path, size: int = 8) -> bytes:
    """The first `size` bytes of the content."""
    with opened(path) as file:
        return file.read(size)


def is_bare(path: Path) -> bool:
    """Whether the content is the file itself, not packed in it."""
    if archive_of(path) is not None:
        return False
    with failures.reading(path), path.open("rb") as file:
        begin = file.read(4)
    return not begin.startswith((_GZIP, _ZSTD))


def archive_of(path: Path) -> Path | None:
    """The .zip that `path` is a member of; None where it is a file by itself."""
    return next((above for above in path.parents if above.is_file()), None)


def _raw(stack: ExitStack, path: Path) -> IO[bytes]:
    archive = archive_of(path)
    if archive is None:
        return stack.enter_context(path.open("rb"))
    members = stack.enter_context(zipfile.ZipFile(archive))
    try:
        return stack.enter_context(members.open(path.relative_to(archive).as_posix()))
    except KeyError as error:
        raise FileNotFoundError(str(path)) from error


def _unpacked(stack: ExitStack, raw: IO[bytes]) -> IO[bytes]:
    begin = cast("io.BufferedReader", raw).peek(4)[:4]
    if begin.startswith(_GZIP):
        return cast("IO[bytes]", stack.enter_context(gzip.open(raw, "rb")))
    if begin == _ZSTD:
        return cast("IO[bytes]", stack.enter_context(zstd.open(raw, "rb")))
    return raw
