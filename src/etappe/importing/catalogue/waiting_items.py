"""Checked changes of items on disk until all of a file is read, so that memory does not grow with it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import msgspec

from etappe.catalog.item import ItemPatch

_LINE_END: Final = b"\n"


class WaitingItems:
    """Patches in the order they were added; `len` is their number."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._count = 0
        self._decoder = msgspec.json.Decoder(ItemPatch)

    def __len__(self) -> int:
        return self._count

    def add(self, patch: ItemPatch) -> None:
        """Puts `patch` behind the others."""
        self._file.write(msgspec.json.encode(patch) + _LINE_END)
        self._count += 1

    def __iter__(self) -> Iterator[ItemPatch]:
        self._file.seek(0)
        return (self._decoder.decode(line) for line in self._file)


@contextmanager
def opened(folder: Path) -> Iterator[WaitingItems]:
    """No patches yet. Their file in `folder` has no name, so that nothing stays of it, whatever happens."""
    with tempfile.TemporaryFile(dir=folder) as file:
        yield WaitingItems(file)
