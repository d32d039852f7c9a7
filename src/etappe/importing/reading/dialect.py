"""What a file is: its kind, how its text is written, and what parts its cells; told by its content alone."""

import csv
from pathlib import Path
from typing import Final, Literal

import msgspec

from etappe.errors import InputError
from etappe.importing.reading import failures, separators, unpacked, workbook
from etappe.importing.reading.text import encodings
from etappe.importing.reading.text.encodings import Encoding

Kind = Literal["delimited", "json", "parquet", "workbook", "xml"]

_SAMPLE: Final = 1 << 16
"""Bytes that tell kind and separator."""
_HEAD: Final = 64
_PARQUET: Final = b"PAR1"
_JSON: Final = ("{", "[")


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a file before it is read.

    `header` has the names as the file spells them, trimmed, "" for a column without one; `line` is the last of it.
    `remarks` are sentences for whoever imports the file. Of a file that is no text `text` is None, of one without
    columns `separator` and `header` say nothing.
    """

    kind: Kind
    text: Encoding | None = None
    separator: str | None = None
    header: tuple[str, ...] = ()
    line: int = 1
    spaced: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def encoding(self) -> str | None:
        """The codec of the text."""
        return None if self.text is None else self.text.codec


def of(path: Path, encoding: str | None = None, separator: str | None = None) -> Dialect:
    """What `path` is; `encoding` and `separator` are what somebody named.

    Raises:
        InputError: the file cannot be read, or its encoding or separator cannot be known.
    """
    failures.check_readable(path)
    head = unpacked.head(path, _HEAD)
    if head.startswith(_PARQUET):
        return Dialect(kind="parquet")
    if workbook.is_one(path, head):
        return workbook_dialect(path)
    if head.startswith(unpacked.ZIP) and unpacked.archive_of(path) is not None:
        raise InputError(f"{path} is an archive in an archive; unpack the outer one first")
    if head.startswith(unpacked.ZIP):
        raise InputError(f"{path} is an archive; name a file in it, as in {path}/{_member(path)}")
    if not head:
        raise InputError(f"{path} is empty")
    if _is_xml(path, head):
        return Dialect(kind="xml")
    text = encodings.asked(path, encoding) if encoding else encodings.told(path)
    return _of_text(path, text, separator)


def workbook_dialect(path: Path) -> Dialect:
    """The sheet that is read, its header and the line of it."""
    sheet = workbook.sheet(path)
    return Dialect(kind="workbook", header=sheet.header, line=sheet.line, remarks=sheet.remarks)


def _of_text(path: Path, text: Encoding, separator: str | None) -> Dialect:
    lines = _sample(path, text)
    remarks = () if text.remark is None else (text.remark,)
    begin = next((line.lstrip()[:1] for line in lines if line.strip()), "")
    if begin in _JSON:
        return Dialect(kind="json", text=text, remarks=remarks)
    found = separators.told(path, lines, separator)
    header, line = _header(path, lines[found.line - 1 :], found)
    return Dialect(
        kind="delimited",
        text=text,
        separator=found.separator,
        header=header,
        line=line,
        spaced=found.spaced,
        remarks=remarks,
    )


def _is_xml(path: Path, head: bytes) -> bool:
    """XML names its own encoding, and what reads it knows it; two bytes a character are told apart by their zeros."""
    begin = head.removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    return begin.replace(b"\0", b"").lstrip().startswith(b"<") or ".xml" in path.suffixes[-2:]


def _header(path: Path, lines: list[str], found: separators.Separation) -> tuple[tuple[str, ...], int]:
    """The names, and the last line of them, as a name in quotes may run over several."""
    texts = (separators.tight(line, found.separator) + "\n" for line in lines)
    reader = csv.reader(texts, delimiter=found.separator, strict=True, skipinitialspace=found.separator != "\t")
    try:
        names = next(reader)
    except csv.Error as error:
        raise InputError(
            f"{path}, line {found.line}: the header cannot be read, as a quote in it does not end or is not doubled"
        ) from error
    return tuple(" ".join(name.split()) for name in names), found.line + reader.line_num - 1


def _sample(path: Path, text: Encoding) -> list[str]:
    """The first lines, whole ones."""
    with unpacked.opened(path) as file:
        file.read(text.mark)
        head = file.read(_SAMPLE)
        whole = not file.read(1)
    while not whole and len(head) % 4:
        head = head[:-1]
    said = head.decode(text.codec, "ignore")
    lines = said.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not whole and len(lines) > 1:
        lines.pop()
    return lines


def _member(path: Path) -> str:
    with unpacked.archived(path) as archive:
        return next((entry.filename for entry in archive.infolist() if not entry.is_dir()), "name")
