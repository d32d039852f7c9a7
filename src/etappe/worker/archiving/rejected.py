"""Stream entries that cannot be read, set aside so that archiving goes on behind them.

`DATA/rejected/stream.jsonl` has one JSON a line: `stream`, `id`, `reason`, and the entry's `fields`; those that are no
text are under `base64`. After a crash an entry may be there twice. Of one that names somebody who was erased only where
it lay is written.
"""

import base64
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from etappe import faults
from etappe.arrays import sync_folder
from etappe.ids import SUBJECT_BYTES, Subject
from etappe.store.identities.remembered import Remembered
from etappe.worker.archiving.entries import Rejected

FILE: Final = "stream.jsonl"
WITHHELD: Final = "[erased]"
"""What is written instead of the fields of an entry that names somebody who was erased."""


def keep(folder: Path, rejected: Sequence[Rejected], erased: Remembered) -> None:
    """Adds entries to the file in `folder`, without what those say that name `erased`; on the disk when this returns.

    Raises:
        OSError: the disk is full or does not work; the file is as it was.
    """
    faults.point("archive.before_reject")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / FILE).open("a+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        try:
            _write(file, _begun(file, size) + b"".join(_line(one, erased) for one in rejected))
            faults.point("archive.reject.before_fsync")
            os.fsync(file.fileno())
        except BaseException:
            file.truncate(size)
            raise
    sync_folder(folder)
    faults.point("archive.reject.after_fsync")


def _begun(file: BinaryIO, size: int) -> bytes:
    """What ends a line that a crash broke off."""
    if not size:
        return b""
    file.seek(size - 1)
    return b"" if file.read(1) == b"\n" else b"\n"


def _write(file: BinaryIO, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


def _line(rejected: Rejected, erased: Remembered) -> bytes:
    entry = rejected.entry
    said, told = _told(rejected), entry.fields.values()
    of_them = any(len(value) == SUBJECT_BYTES and erased.since(Subject(value)) for value in told)
    if of_them or erased.is_named(said, None):
        kind = rejected.reason.partition(":")[0]  # what comes behind it may quote the entry
        said = {"stream": entry.stream, "id": entry.place, "reason": kind, "fields": WITHHELD}
    return msgspec.json.encode(said) + b"\n"


def _told(rejected: Rejected) -> dict[str, Any]:
    entry = rejected.entry
    said: dict[str, Any] = {"stream": entry.stream, "id": entry.place, "reason": rejected.reason}
    texts: dict[str, str] = {}
    others: dict[str, str] = {}
    for name, value in entry.fields.items():
        try:
            texts[_name(name)] = value.decode()
        except UnicodeDecodeError:
            others[_name(name)] = base64.b64encode(value).decode()
    return said | {"fields": texts, "base64": others}


def _name(name: bytes) -> str:
    return name.decode(errors="backslashreplace")
