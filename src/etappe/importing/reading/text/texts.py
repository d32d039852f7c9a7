"""The text of a file as UTF-8 with line feeds, whatever its encoding and its line ends, in blocks of whole lines."""

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from etappe.errors import InputError
from etappe.importing.reading import unpacked
from etappe.importing.reading.text import signs
from etappe.importing.reading.text.encodings import UTF8, Encoding
from etappe.importing.reading.text.signs import UNREADABLE, Notes
from etappe.units import MIB

BLOCK: Final = 8 * MIB
SMALL: Final = MIB
"""Bytes read at once."""
LONGEST: Final = 64 * MIB
"""Bytes of one line."""


def blocks(path: Path, encoding: Encoding, notes: Notes) -> Iterator[bytes]:
    """Blocks of whole lines, the last of which alone may lack its line feed.

    Bytes outside the encoding become `UNREADABLE`, control characters between 128 and 159 the signs that were meant.

    Raises:
        InputError: the file cannot be read, or a line is over `LONGEST` bytes.
    """
    rest = b""
    for block in _with_line_feeds(_decoded(path, encoding)):
        whole = rest + block if rest else block
        end = whole.rfind(b"\n") + 1
        rest = whole[end:]
        if end:
            yield signs.mended(whole[:end], notes)
        if len(rest) > LONGEST:
            raise InputError(f"{path}: a line is over {LONGEST // MIB} MiB long; is it another kind of file?")
    if rest:
        yield signs.mended(rest, notes)


def pieces(path: Path, encoding: Encoding, notes: Notes) -> Iterator[str]:
    """The same text in pieces of any length, for what has no lines."""
    decoder = codecs.getincrementaldecoder(UTF8)()
    for block in _with_line_feeds(_decoded(path, encoding)):
        yield signs.mended(decoder.decode(block).encode(), notes).decode()


def _decoded(path: Path, encoding: Encoding) -> Iterator[bytes]:
    size = SMALL if getattr(path, "small", False) else BLOCK
    with unpacked.opened(path) as file:
        file.read(encoding.mark)
        if encoding.codec == UTF8 and encoding.sure:
            yield from _chunks(file, size)
            return
        decoder = codecs.getincrementaldecoder(encoding.codec)("etappe.unreadable")
        for block in _chunks(file, size):
            yield decoder.decode(block).encode(UTF8, "etappe.unreadable")
        yield decoder.decode(b"", final=True).encode(UTF8, "etappe.unreadable")


def _chunks(file: IO[bytes], size: int) -> Iterator[bytes]:
    while block := file.read(size):
        yield block


def _with_line_feeds(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """One line feed for each line end, be it that of Unix, Windows or old Macs, inside cells too."""
    held = b""
    for chunk in chunks:
        block = held + chunk if held else chunk
        held = b""
        if b"\r" in block:
            if block.endswith(b"\r"):
                block, held = block[:-1], b"\r"
            block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        yield block
    if held:
        yield b"\n"


def _unreadable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError | UnicodeEncodeError):
        raise error
    return UNREADABLE, error.end


codecs.register_error("etappe.unreadable", _unreadable)
