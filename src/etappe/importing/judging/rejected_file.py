"""The file of rejected rows: one JSON a row, with its line, the reason, and the row as it was read."""

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from etappe.arrays import sync_folder

WITHHELD: Final = "[erased]"
"""What is written instead of a row that names somebody who was erased."""


class RejectedFile:
    """Collects rejected rows beside `path`, and becomes `path` when it is kept."""

    def __init__(self, path: Path, partial: BinaryIO, withheld: Callable[[Any], bool]) -> None:
        self.path = path
        self.kept: str | None = None
        self._partial = partial
        self._withheld = withheld
        self._of: str | None = None
        self._rows = 0
        self._encoder = msgspec.json.Encoder(decimal_format="string")

    def begin(self, file: Path | None) -> None:
        """Names the file whose rows are added next, where there are several."""
        self._of = None if file is None else str(file)

    def add(self, line: int, reason: str, row: Any) -> None:
        """Adds a row: its fields by name, or the text of the line where it has none; of one to withhold neither."""
        row = WITHHELD if self._withheld(row) else row
        file = {} if self._of is None else {"file": self._of}
        self._partial.write(self._encoder.encode(file | {"line": line, "reason": reason, "row": row}) + b"\n")
        self._rows += 1

    def keep(self) -> None:
        """Puts the file in its place; without a rejected row it removes the one of an earlier import."""
        self._partial.flush()
        os.fsync(self._partial.fileno())
        if self._rows:
            Path(self._partial.name).replace(self.path)
            self.kept = str(self.path)
        else:
            self.path.unlink(missing_ok=True)
        sync_folder(self.path.parent)


def _nothing(_: Any) -> bool:
    return False


@contextmanager
def opened(folder: Path, name: str, withheld: Callable[[Any], bool] = _nothing) -> Iterator[RejectedFile]:
    """A file `folder`/`name`.jsonl in the making, without the content of rows that are to be `withheld`.

    Unless it is kept inside the block, nothing of it stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{name}.{os.getpid()}.partial"
    try:
        with partial.open("wb") as file:
            yield RejectedFile(folder / f"{name}.jsonl", file, withheld)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
