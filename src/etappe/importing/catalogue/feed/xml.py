"""Product feeds as XML, RSS 2.0, Atom or a shop's own elements, read item by item.

Nothing outside the file is read, and a feed that declares entities is refused, so that none can grow in memory. Those
of HTML, as &nbsp;, are read without being declared.
"""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final
from xml.parsers import expat

from etappe.errors import InputError
from etappe.importing.catalogue.feed.items import Found, Items
from etappe.importing.reading import unpacked
from etappe.importing.reading.batch import Broken
from etappe.importing.reading.text import encodings
from etappe.units import MIB

_LONGEST_TOKEN: Final = 4 * MIB
"""Bytes of one tag or comment. The parser begins a token anew with every chunk, which is quadratic in its length."""
_DECLARED: Final = re.compile(rb"^\s*<\?xml[^>]*?\sencoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_HINTS: Final = {
    expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS]: "the file is cut off; fetch it again",
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN]: "the file is cut off; fetch it again",
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION]: "the file is cut off; fetch it again",
    expat.errors.codes[expat.errors.XML_ERROR_UNBOUND_PREFIX]: 'declare xmlns:g="http://base.google.com/ns/1.0"',
}


def read(path: Path) -> Iterator[tuple[Found, list[Broken]]]:
    """Batches of (number of the item, attributes), chunk by chunk, and of items that are too long.

    Raises:
        InputError: it cannot be read, is no XML or no feed, its encoding is unknown, or it declares entities.
    """
    items = Items(path)
    with unpacked.opened(path) as file:
        head = file.read(unpacked.CHUNK)
        parser = _parser(path, items, _encoding(path, head))
        for chunk in _chunks(path, head, file):
            parser(chunk, last=False)
            yield items.take()
        parser(b"", last=True)
        yield items.take()
    if not items.count:
        raise InputError(f"{path} has neither <item> nor <entry> nor <product>; it is no feed of products")


def _encoding(path: Path, head: bytes) -> str | None:
    """The codec to read the file by; None where the parser knows best: marks, and two bytes a character."""
    declared = _DECLARED.match(head)
    if declared is None:
        return None
    name = declared.group(1).decode()
    try:
        codec = encodings.codec_of(name)
    except LookupError as error:
        raise InputError(f"{path}: its encoding {name!r} is not known; convert it to UTF-8") from error
    return None if codec.startswith("utf-16") else codec


def _chunks(path: Path, head: bytes, file: IO[bytes]) -> Iterator[bytes]:
    """The bytes of the file, as UTF-8 where its declaration names something else."""
    codec = _encoding(path, head)
    decoder = codecs.getincrementaldecoder(codec)() if codec not in (None, "utf-8") else None
    chunk = head
    try:
        while chunk:
            yield decoder.decode(chunk).encode() if decoder else chunk
            chunk = file.read(unpacked.CHUNK)
        if decoder:
            decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise InputError(f"{path}: not all of it is in the encoding it declares, {codec}: {error}") from error


class _Parse:
    """Feeds expat, and says what is wrong in one line."""

    def __init__(self, path: Path, parser: expat.XMLParserType) -> None:
        self._path = path
        self._parser = parser
        self._fed = 0

    def __call__(self, chunk: bytes, *, last: bool) -> None:
        try:
            self._parser.Parse(chunk, last)
        except expat.ExpatError as error:
            message = _HINTS.get(error.code, "mend it, or have it made anew")
            place = f"{self._path}, line {error.lineno}, column {error.offset + 1}"
            raise InputError(f"{place}: {expat.ErrorString(error.code)}; {message}") from error
        self._fed += len(chunk)
        if self._fed - self._parser.CurrentByteIndex > _LONGEST_TOKEN:
            raise InputError(f"{self._path}, line {self._parser.CurrentLineNumber}: a tag or comment that does not end")


def _parser(path: Path, items: Items, codec: str | None) -> _Parse:
    parser = expat.ParserCreate(None if codec is None else "utf-8", " ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = items.start, items.end
    parser.CharacterDataHandler = items.text
    parser.EntityDeclHandler, parser.SkippedEntityHandler = items.refuse, items.entity
    parser.UseForeignDTD(True)  # else an entity that is not declared, as &nbsp;, ends the parsing
    return _Parse(path, parser)
