"""Signs that are not what was meant: control characters in place of signs, and text decoded wrongly before."""

import re
from typing import Final

from etappe.importing.reading.text.words import WINDOWS

UNREADABLE: Final = "\0"
"""What stands for a byte that is no character of the encoding; a NUL is refused as well."""

_CONTROLS: Final = re.compile(rb"\xc2[\x80-\x9f]")
_GARBLED: Final = re.compile(
    rb"\xc3[\x82\x83](?:\xc2[\xa0-\xbf]|\xc5[\x92\x93\xa0\xa1\xb8\xbd\xbe]|\xc6\x92|\xcb[\x86\x9c]|\xe2\x80[\x90-\xba]|\xe2\x84\xa2)"
    rb"|\xc3\xa2\xe2\x82\xac(?:\xe2\x80[\x90-\xba]|\xe2\x84\xa2|\xc5[\x92\x93]|\xc2[\xa0-\xbf])"
    rb"|\xc3\xa2\xe2\x80\x9a\xc2\xac"
)
"""UTF-8 that was taken for Windows-1252 and written as UTF-8 again: an umlaut, an accent, a dash, a quote, a euro."""


class Notes:
    """What was seen in reading a text, to be told of it."""

    def __init__(self) -> None:
        self.controls = 0
        self.garbled = 0
        self.example = b""

    def remarks(self) -> list[str]:
        """In sentences."""
        said = []
        if self.controls:
            said.append(
                f"{self.controls} control characters were read as the signs that Windows-1252 has in their place,"
                " as whoever wrote the file took one encoding for another"
            )
        if self.garbled:
            shown, meant = self.example.decode(), _meant(self.example)
            said.append(
                f"{self.garbled} characters look garbled ({shown!r} for {meant!r}): the text was read in a wrong"
                " encoding before it was written here; export it anew as UTF-8"
            )
        return said


def suspicious(block: bytes) -> bool:
    """Whether UTF-8 may have something to mend or to note."""
    return (b"\xc2" in block and _CONTROLS.search(block) is not None) or (
        _may_be_garbled(block) and _GARBLED.search(block) is not None
    )


def mended(block: bytes, notes: Notes) -> bytes:
    """UTF-8 with the signs that were meant by control characters between 128 and 159; the rest is noted only."""
    if block.isascii():
        return block
    if _may_be_garbled(block):
        garbled = _GARBLED.findall(block)
        notes.garbled += len(garbled)
        notes.example = notes.example or (garbled[0] if garbled else b"")
    if b"\xc2" in block:
        block, count = _CONTROLS.subn(_sign, block)
        notes.controls += count
    return block


def _may_be_garbled(block: bytes) -> bool:
    return b"\xc3\xa2" in block or b"\xc3\x83" in block or b"\xc3\x82" in block


def _sign(control: re.Match[bytes]) -> bytes:
    try:
        return control[0][1:].decode(WINDOWS).encode()
    except UnicodeDecodeError:
        return UNREADABLE.encode()


def _meant(garbled: bytes) -> str:
    return garbled.decode().encode(WINDOWS, "replace").decode("utf-8", "replace")
