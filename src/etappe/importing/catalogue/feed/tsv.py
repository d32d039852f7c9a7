"""Product feeds as text with tabs, as Merchant Center takes them."""

import csv
import io
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from etappe.errors import InputError
from etappe.importing.catalogue.feed.items import Found, add
from etappe.importing.reading import batch, lines
from etappe.importing.reading.batch import Broken

_MOST_LINES: Final = 200
"""Lines that an item may run over; a quote still open then is taken for an inch."""
_LONGEST_LINE: Final = 1 << 20
_TWO_BYTES: Final = (b"\xff\xfe", b"\xfe\xff")
_OPEN: Final = "unexpected end of data"

_Lines = deque[tuple[int, str]]


def read(path: Path, head: bytes, file: IO[bytes]) -> Iterator[tuple[Found, list[Broken]]]:
    """The items of `head` and the rest of `file` by the line they begin on, and lines that are none.

    Cells with tabs, line ends or quotes stand in quotes. Columns are found by Google's names, however they are spelt.

    Raises:
        InputError: there is no column `id`, a line does not end, or the text is neither UTF-8 nor UTF-16.
    """
    records = _records(_numbered(path, head, file))
    first = next(records, None)
    if first is None:
        raise InputError(f"{path} is empty")
    header = _header(path, first[1])
    found: Found = []
    broken: list[Broken] = []
    for number, cells, text in records:
        if len(cells) == len(header):
            found.append((number, _item(header, cells)))
        else:
            broken.append(Broken(number, batch.WRONG_WIDTH, text))
        if len(found) + len(broken) >= lines.BATCH // 16:
            yield found, broken
            found, broken = [], []
    yield found, broken


def _numbered(path: Path, head: bytes, file: IO[bytes]) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, by number from 1, without their ends."""
    codec = "utf-16" if head.startswith(_TWO_BYTES) else "utf-8-sig"
    text = io.TextIOWrapper(io.BufferedReader(_Rejoined(head, file)), codec)
    number = 0
    try:
        while line := text.readline(_LONGEST_LINE):
            number += 1
            if len(line) >= _LONGEST_LINE:
                raise InputError(f"{path}, line {number}: over {_LONGEST_LINE} characters; a feed has one item a line")
            if line.strip():
                yield number, line.rstrip("\n")
    except UnicodeError as error:
        raise InputError(
            f"{path}, after line {number}: it is not UTF-8 text; convert it, or add a byte order mark"
        ) from error


class _Rejoined(io.RawIOBase):
    """A stream with the bytes back that were read of it."""

    def __init__(self, head: bytes, file: IO[bytes]) -> None:
        self._head = io.BytesIO(head)
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._head.read(len(buffer)) or self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _records(numbered: Iterator[tuple[int, str]]) -> Iterator[tuple[int, list[str], str]]:
    """Line, cells and text of each record."""
    waiting: _Lines = deque()
    while True:
        first = waiting.popleft() if waiting else next(numbered, None)
        if first is None:
            return
        number, text = first
        cells = text.split("\t") if '"' not in text else _quoted(text, waiting, numbered)
        yield number, cells, text


def _quoted(text: str, waiting: _Lines, more: Iterator[tuple[int, str]]) -> list[str]:
    """The cells of a record that begins with `text`; lines that go on with it are taken from `waiting` and `more`."""
    for count in range(_MOST_LINES):
        if count > len(waiting) and (line := next(more, None)) is not None:
            waiting.append(line)
        if count > len(waiting):
            break
        parts = [text, *(waiting[at][1] for at in range(count))]
        try:
            cells = next(csv.reader((part + "\n" for part in parts), delimiter="\t", strict=True))
        except csv.Error as error:
            if str(error) == _OPEN:
                continue
            break
        for _ in range(count):
            waiting.popleft()
        return cells
    return text.split("\t")


def _header(path: Path, cells: list[str]) -> list[str]:
    names = [cell.strip().removeprefix("g:").lower().replace(" ", "_") for cell in cells]
    if "id" not in names:
        found = ", ".join(map(repr, cells))
        raise InputError(f"{path}: column 'id' is missing; found {found}; columns stand between tabs", field="id")
    return names


def _item(header: list[str], cells: list[str]) -> dict[str, Any]:
    item: dict[str, Any] = {}
    for name, cell in zip(header, cells, strict=True):
        if name and (value := cell.strip()):
            add(item, name, value)
    return item
