"""Files as bytes, unpacked as they are read."""

import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, cast

from etappe.importing.reading import failures

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CHUNK: Final = 1 << 16
"""Bytes read at once."""

_DAMAGED: Final = (EOFError, zlib.error, zstd.ZstdError)


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The content of `path`, unpacked where it is .gz or .zst.

    Raises:
        InputError: it cannot be read, or its packed content is damaged or cut off (also inside the block).
    """
    with failures.reading(path):
        try:
            with _open(path) as file:
                yield file
        except _DAMAGED as error:
            raise OSError(str(error)) from error


def _open(path: Path) -> IO[bytes]:
    packed = path.suffix.lower()
    if packed == ".gz":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return cast("IO[bytes]", zstd.open(path, "rb")) if packed == ".zst" else path.open("rb")
