"""How the characters of a text file are written: told from all of its bytes, never guessed.

UTF-8, and with a byte order mark UTF-16 and UTF-32, are what they are. Of the 8-bit encodings Windows-1252 alone is
recognised, by words that are words in it; bytes that may be another's are refused with the remedy.
"""

import codecs
import re
from pathlib import Path
from typing import Final

import msgspec

from etappe.errors import InputError
from etappe.importing.reading import unpacked
from etappe.importing.reading.text import signs, words
from etappe.importing.reading.text.words import WINDOWS
from etappe.units import MIB

BLOCK: Final = 1 << 22
"""Bytes looked at at once."""
UTF8: Final = "utf-8"
MOST_OPEN: Final = 16 * MIB
"""Bytes without a line end that are nothing to wonder at."""

_MARKS: Final = (
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xef\xbb\xbf", UTF8),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_LATIN1: Final = ("iso8859-1", "ascii")
"""Asked for, they are read as Windows-1252, which has the same signs and others where these have control characters."""
_TWICE: Final = ("\xff\xfe".encode(), "\xfe\xff".encode())
"""The marks of UTF-16, taken for two letters and written as UTF-8."""
_HIGH: Final = re.compile(rb"[\x80-\xff]+")
_MULTIBYTE: Final = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_NO_FILES: Final = ("idna", "punycode", "unicode-escape", "unicode_escape", "raw-unicode-escape", "raw_unicode_escape")
_MOST_NAMED: Final = 5
_TELLING: Final = 8
_MOSTLY: Final = 0.7
_FEW: Final = 2
_FEW_OF_ALL: Final = 0.02


class Encoding(msgspec.Struct, frozen=True):
    """A codec, the bytes of the mark before the text, and what is to be said of it."""

    codec: str
    mark: int = 0
    remark: str | None = None
    sure: bool = True
    """Whether all bytes were seen to be of this encoding."""
    plain: bool = False
    """Whether besides that there is nothing to mend: no lone carriage return, NUL, endless line or odd sign."""

    @property
    def name(self) -> str:
        """As people name it."""
        named = {WINDOWS: "Windows-1252", UTF8: "UTF-8"}
        return named.get(self.codec, self.codec.upper())


def codec_of(name: str) -> str:
    """The codec of texts that `name` names.

    Raises:
        LookupError: there is none, or it is one of Python's that is no encoding of a file: names of hosts, escapes.
    """
    try:
        codec = codecs.lookup(name).name
        "".encode(codec)
    except (UnicodeError, TypeError, ValueError) as error:
        raise LookupError(name) from error
    if codec in _NO_FILES:
        raise LookupError(name)
    return codec


def asked(path: Path, name: str) -> Encoding:
    """The encoding that somebody named for `path`.

    Raises:
        InputError: there is none of this name.
    """
    try:
        codec = codec_of(name)
    except LookupError as error:
        raise InputError(
            f"encoding {name!r} is not known; give one such as utf-8, cp1252, cp1250, cp1251, mac_roman or utf-16",
            field="encoding",
        ) from error
    marked = _marked(unpacked.head(path, 4))
    codec = WINDOWS if codec in _LATIN1 else codec.removesuffix("-sig")
    if marked and (marked.codec == codec or codec in ("utf-16", "utf-32")):
        return msgspec.structs.replace(marked, sure=False)
    unmarked = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}
    return Encoding(unmarked.get(codec, codec), sure=False)


def told(path: Path) -> Encoding:
    """The encoding of the text in `path`, by its mark or by all of its bytes.

    Raises:
        InputError: it is an 8-bit one that cannot be known, or UTF-8 with damage in it; the remedy is named.
    """
    head = unpacked.head(path, 4096)
    marked = _marked(head)
    if marked is not None and marked.codec != UTF8:
        return marked
    if head.startswith(_TWICE):
        raise InputError(f"{path}: it was UTF-16 and was converted as if it were not; take the file as it was before")
    wide = _wide(head)
    if wide is not None:
        return Encoding(wide, 0, f"read as {wide.upper()}, by its zero bytes; it has no byte order mark")
    seen = _Utf8(path)
    if seen.bad is None:
        return Encoding(UTF8, marked.mark if marked else 0, plain=seen.plain)
    return _eight_bit(path, seen.bad)


def _marked(head: bytes) -> Encoding | None:
    return next((Encoding(codec, len(mark)) for mark, codec in _MARKS if head.startswith(mark)), None)


def _wide(head: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of Western text is zero."""
    half = len(head) // 2
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if half < _TELLING:
        return None
    if odd > _MOSTLY * half and not even:
        return "utf-16-le"
    return "utf-16-be" if even > _MOSTLY * half and not odd else None


class _Utf8:
    """A file looked at as UTF-8: `bad` is the place of the first byte that is none."""

    def __init__(self, path: Path) -> None:
        self.bad: int | None = None
        self.plain = unpacked.archive_of(path) is None
        self._decoder = codecs.getincrementaldecoder(UTF8)()
        self._pending = self._done = 0
        self._open = 0
        with unpacked.opened(path) as file:
            while self.bad is None and (block := file.read(BLOCK)):
                self._look(block, last=False)
        if self.bad is None:
            self._look(b"", last=True)

    def _look(self, block: bytes, *, last: bool) -> None:
        try:
            if self._pending or last or not block.isascii():
                self._decoder.decode(block, final=last)
                self._pending = len(self._decoder.getstate()[0])
                self.plain &= not signs.suspicious(block)
        except UnicodeDecodeError as error:
            self.bad = self._done - self._pending + error.start
        if b"\r" in block:
            self.plain &= block.count(b"\r") == block.count(b"\r\n")
        self.plain &= b"\0" not in block
        self._open = 0 if b"\n" in block else self._open + len(block)
        self.plain &= self._open < MOST_OPEN
        self._done += len(block)


class _Seen:
    """What the bytes above 127 of a file look like."""

    def __init__(self) -> None:
        self.high = 0
        self.multibyte = 0
        self.words: dict[bytes, int] = {}
        self.lines: list[int] = []

    def add(self, line: int, text: bytes) -> None:
        """Takes in a line that is not ASCII."""
        self.high += sum(map(len, _HIGH.findall(text)))
        self.multibyte += sum(map(len, _MULTIBYTE.findall(text)))
        if len(self.lines) <= _MOST_NAMED and not _is_utf8(text):
            self.lines.append(line)
        if len(self.words) < words.MOST:
            for word in words.foreign(text):
                self.words.setdefault(word, line)


def _seen(path: Path) -> _Seen:
    seen = _Seen()
    number, rest = 1, b""
    with unpacked.opened(path) as file:
        while block := file.read(BLOCK):
            whole = (rest + block).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            *full, rest = whole.split(b"\n")
            if not whole.isascii():
                for line, text in enumerate(full, start=number):
                    if not text.isascii():
                        seen.add(line, text)
            number += len(full)
    seen.add(number, rest)
    return seen


def _eight_bit(path: Path, bad: int) -> Encoding:
    _refuse_binary(path, bad)
    seen = _seen(path)
    if seen.multibyte > 0.5 * seen.high:
        raise InputError(
            f"{path}: it is UTF-8 text, but {_lines(seen.lines)} bytes that are none; have it written anew,"
            " or leave these rows out with --encoding utf-8",
            field="encoding",
        )
    doubt = words.doubt(seen.words)
    if doubt:
        raise InputError(
            f"{path}: it is not UTF-8, and which of the 8-bit encodings it is cannot be known: {doubt}",
            field="encoding",
        )
    example, line = min(seen.words.items(), key=lambda pair: pair[1], default=(b"", 0))
    shown = f" ({example.decode(WINDOWS, 'replace')!r} in line {line})" if line else ""
    return Encoding(WINDOWS, 0, f"read as Windows-1252{shown}; if that is wrong, name its encoding by --encoding")


def _refuse_binary(path: Path, bad: int) -> None:
    head = unpacked.head(path, 4096)
    controls = sum(head.count(code) for code in (*range(9), *range(14, 27), *range(28, 32)))
    if controls > _FEW and controls > len(head) * _FEW_OF_ALL:
        raise InputError(f"{path}: it is no text, nor another kind of file that is read here (byte {bad + 1})")


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode(UTF8)
    except UnicodeDecodeError:
        return False
    return True


def _lines(lines: list[int]) -> str:
    named = ", ".join(map(str, lines[:_MOST_NAMED])) + (", ..." if len(lines) > _MOST_NAMED else "")
    return f"line {named} holds" if len(lines) == 1 else f"lines {named} hold"
