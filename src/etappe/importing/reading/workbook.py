"""Spreadsheets (.xlsx, .xlsm, .xlsb, .xls, .ods) as text columns."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from etappe.errors import InputError
from etappe.importing.reading import spread, unpacked
from etappe.units import MIB

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

_OLD: Final = b"\xd0\xcf\x11\xe0"
_PARTS: Final = ("xl/workbook.xml", "xl/workbook.bin")
_OPEN_DOCUMENT: Final = b"application/vnd.oasis.opendocument.spreadsheet"
_TITLES: Final = 20
"""Rows among which the header is looked for, as exports may begin with a title."""
_WHOLE: Final = 2.0**53
_PANIC: Final = "PanicException"
"""What a panic in the reader's own language becomes, a class without a module to import it from."""
MOST_BYTES: Final = 1024 * MIB
"""Of the file as it is; it is read whole."""


Row = tuple[int, list[str | None]]
"""The number of a row as a spreadsheet shows it, and its cells."""


class Sheet(msgspec.Struct, frozen=True):
    """The sheet that is read: its name, the header and the line that it stands in, and what is to be said of it."""

    name: str
    header: tuple[str, ...]
    line: int
    remarks: tuple[str, ...]


def is_one(path: Path, head: bytes) -> bool:
    """Whether a file that begins with `head` is a spreadsheet."""
    if head.startswith(_OLD):
        return True
    if not head.startswith(unpacked.ZIP):
        return False
    with unpacked.opened(path) as file, zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        return any(part in names for part in _PARTS) or (
            "mimetype" in names and archive.read("mimetype").strip() == _OPEN_DOCUMENT
        )


def sheet(path: Path) -> Sheet:
    """The first visible sheet with something in it.

    Raises:
        InputError: the file cannot be read, or all its sheets are empty.
    """
    with _understood(path):
        book = _book(path)
        filled = [one for one in book.sheet_names if book.get_sheet_by_name(one).height]
        if not filled:
            raise InputError(f"{path}: its sheets are empty")
        begun = list(islice(_cells(book.get_sheet_by_name(filled[0])), _TITLES))
    line, header = _header(begun)
    said = []
    if len(filled) > 1:
        others = ", ".join(map(repr, filled[1:]))
        said.append(f"sheet {filled[0]!r} was read, not {others}; save those as files of their own to import them")
    if line > 1:
        said.append(f"the header was found in row {line}; what stands above it is not read")
    return Sheet(filled[0], tuple(header), line, tuple(said))


def rows(path: Path, found: Sheet) -> Iterator[Row]:
    """Row numbers as the spreadsheet shows them, and cells, below the header; empty rows are none."""
    with _understood(path):
        sheet_ = _book(path).get_sheet_by_name(found.name)
    for line, cells in enumerate(_cells(sheet_), start=1):
        if line > found.line and any(cell is not None for cell in cells):
            yield line, cells


def _header(rows_: list[list[str | None]]) -> tuple[int, list[str]]:
    counts = [sum(cell is not None for cell in cells) for cells in rows_]
    most = max(counts, default=0)
    at = next(place for place, count in enumerate(counts) if count and count * 2 >= most)
    return at + 1, [" ".join((cell or "").split()) for cell in rows_[at]]


def _cells(one: "CalamineSheet") -> Iterator[list[str | None]]:
    yield from ([] for _ in range(one.start[0] if one.start else 0))
    left: list[str | None] = [None] * (one.start[1] if one.start else 0)
    for row in one.iter_rows():
        yield left + [_text(cell) for cell in row]


def _text(cell: Any) -> str | None:
    """A cell as a CSV of it would have it: times in ISO 8601, whole numbers without a point."""
    if isinstance(cell, str):
        return cell or None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < _WHOLE else repr(cell)
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    return None if cell is None else str(cell.total_seconds() if isinstance(cell, timedelta) else cell)


def _book(path: Path) -> "CalamineWorkbook":
    # Imported here, as other files do not need it.
    import python_calamine  # noqa: PLC0415

    with unpacked.opened(path) as file:
        content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise InputError(f"{path} has over {MOST_BYTES // MIB:,} MiB; save it as CSV")
        spread.check(path, io.BytesIO(content))
    return python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))


@contextmanager
def _understood(path: Path) -> Iterator[None]:
    """Turns what reading the spreadsheet `path` may raise into an InputError, a panic of its reader too."""
    import python_calamine  # noqa: PLC0415

    try:
        yield
    except python_calamine.PasswordError as error:
        raise InputError(f"{path} is locked by a password; save it without one") from error
    except BaseException as error:
        if not isinstance(error, python_calamine.CalamineError) and type(error).__name__ != _PANIC:
            raise
        raise InputError(f"{path} is no spreadsheet that can be read; save it as .xlsx or CSV anew") from error
