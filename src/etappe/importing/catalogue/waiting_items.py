"""Rows and checked changes of items on disk until all of a file is read, so that memory does not grow with it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, Generic, TypeVar

import msgspec

from etappe.catalog.item import ItemPatch

_LINE_END: Final = b"\n"
T = TypeVar("T")


class Row(msgspec.Struct, array_like=True):
    """Cells by the names of their columns, and the line they begin on."""

    line: int
    cells: dict[str, Any]


class Waiting(Generic[T]):
    """What was added, in order; `len` is its number."""

    def __init__(self, file: IO[bytes], kind: type[T]) -> None:
        self._file = file
        self._count = 0
        self._encoder = msgspec.json.Encoder()
        self._decoder = msgspec.json.Decoder(kind)

    def __len__(self) -> int:
        return self._count

    def add(self, one: T) -> None:
        """Puts it behind the others."""
        self._file.write(self._encoder.encode(one) + _LINE_END)
        self._count += 1

    def clear(self) -> None:
        """Forgets all."""
        self._file.seek(0)
        self._file.truncate()
        self._count = 0

    def __iter__(self) -> Iterator[T]:
        self._file.seek(0)
        return (self._decoder.decode(line) for line in self._file)


WaitingItems = Waiting[ItemPatch]
WaitingRows = Waiting[Row]


@contextmanager
def opened(folder: Path) -> Iterator[tuple[WaitingRows, WaitingItems]]:
    """No rows and no patches yet. Their files in `folder` have no names, so that nothing stays, whatever happens."""
    with tempfile.TemporaryFile(dir=folder) as rows, tempfile.TemporaryFile(dir=folder) as patches:
        yield Waiting(rows, Row), Waiting(patches, ItemPatch)
