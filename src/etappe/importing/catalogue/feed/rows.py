"""The items of a Google product feed, XML or TSV, as the attributes they give."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from etappe.importing.catalogue.feed import tsv as feed_tsv
from etappe.importing.catalogue.feed import xml as feed_xml
from etappe.importing.catalogue.feed.items import Found
from etappe.importing.reading import unpacked
from etappe.importing.reading.batch import Broken

_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
"""Byte order marks; before XML of two bytes a character the zero bytes are left out of account."""


def read(path: Path) -> Iterator[tuple[Found, list[Broken]]]:
    """Batches of (number, attributes), and of items that are none; what the file begins with says which it is.

    The number is that of the item in XML, and that of its line in TSV.

    Raises:
        InputError: the file cannot be read, or is no feed.
    """
    with unpacked.opened(path) as file:
        head = file.read(unpacked.CHUNK)
        yield from (feed_xml if _is_xml(path, head) else feed_tsv).read(path, head, file)


def _is_xml(path: Path, head: bytes) -> bool:
    for mark in _MARKS:
        head = head.removeprefix(mark)
    return head.replace(b"\0", b"").lstrip()[:1] == b"<" or ".xml" in path.suffixes[-2:]
