"""How far a spreadsheet spreads, told before it is read: its reader takes memory for all that a file claims to hold.

One cell far from all others would make a sheet of billions, for which the process would end without a word.
"""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from etappe.errors import InputError
from etappe.importing.reading import unpacked

MOST_CELLS: Final = 200_000_000
"""Of a sheet, the empty ones too."""
_SHEET: Final = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
_TEXTS: Final = "xl/sharedstrings.xml"
_FAR: Final = re.compile(rb"\sr=[\"']([A-Z]{3,})(\d+)[\"']|\sr=[\"']([A-Z]+)(\d{8,})[\"']")
"""Cells of column AAA and beyond, and those of rows that no spreadsheet has; most files have neither."""
_COUNT: Final = re.compile(rb"\suniqueCount=[\"'](\d+)[\"']")
_LEAST_OF_TEXT: Final = 4
"""Bytes that a text takes at least (<t/>), before it is packed."""
_OVERLAP: Final = 64


def check(path: Path, file: IO[bytes]) -> None:
    """Raises InputError where the .xlsx in `file` would take memory beyond all reason. Others are not looked at."""
    if not zipfile.is_zipfile(file):
        return
    with zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            if _SHEET.fullmatch(entry.filename):
                _check_sheet(path, archive, entry)
            elif entry.filename.lower() == _TEXTS:
                _check_texts(path, archive, entry)


def _check_sheet(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    with archive.open(entry) as sheet:
        for block in _blocks(sheet):
            for found in _FAR.finditer(block):
                letters, row = found[1] or found[3], found[2] or found[4]
                place = (letters[:9] + row[:9]).decode()
                if len(letters) > 3 or len(row) > 7 or _column(letters) * int(row) > MOST_CELLS:  # noqa: PLR2004 - XFD1048576
                    raise InputError(
                        f"{path}: a cell of {entry.filename} stands at {place}, far from where a"
                        " table ends; delete it, or save the sheet as CSV"
                    )


def _check_texts(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    with archive.open(entry) as texts:
        head = texts.read(unpacked.CHUNK)
    begin = head[head.find(b"<sst") :].partition(b">")[0]
    counts = _COUNT.findall(begin)
    if any(len(one) > 12 or int(one) * _LEAST_OF_TEXT > entry.file_size for one in counts):  # noqa: PLR2004
        raise InputError(f"{path}: it claims more texts than it can hold; save it as .xlsx or CSV anew")


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    """The content in blocks, each with the end of the one before."""
    before = b""
    while block := file.read(1 << 20):
        yield before + block
        before = block[-_OVERLAP:]


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
