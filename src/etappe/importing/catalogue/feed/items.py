"""The elements of a product feed, RSS 2.0, Atom or a shop's own, as items with attributes."""

import re
from html.entities import html5
from pathlib import Path
from typing import Any, Final, NoReturn

from etappe.errors import InputError
from etappe.importing.reading.batch import Broken

Found = list[tuple[int, dict[str, Any]]]
"""Items by number, from 1: attributes by name, text or, with parts of its own, an object; a list where repeated."""

LONGEST_ITEM: Final = 256 * 1024
"""Characters of one item."""
_TOO_LONG: Final = f"item: more than {LONGEST_ITEM} characters"

_ITEMS: Final = ("item", "entry", "product", "offer", "shopitem", "article", "artikel", "produkt")
"""Elements that are items, in small letters."""
_OF_THE_ELEMENT: Final = ("id", "available")
"""What an item may say as an attribute of its element."""
_GOOGLE: Final = re.compile(r"https?://base\.google\.com/c?ns/1\.0/?")
_ATOM: Final = "http://www.w3.org/2005/Atom"
_OF_ATOM: Final = {"title": "title", "link": "link", "summary": "description", "content": "description"}
_PLAIN: Final = ("", "http://purl.org/rss/1.0/")
_NOT_OF_ITEMS: Final = ("guid", "pubDate", "comments", "enclosure", "source", "author")
"""What RSS says of a message, and no shop of a product."""


class Items:
    """Takes elements in, and gives items out."""

    def __init__(self, path: Path) -> None:
        self.count = 0
        self._path = path
        self._found: Found = []
        self._broken: list[Broken] = []
        self._depth = 0
        self._begins = 0
        self._size = 0
        self._item: dict[str, Any] | None = None
        self._ranks: dict[str, int] = {}
        self._said: tuple[str, int] | None = None
        self._texts: list[str] = []
        self._parts: dict[str, Any] = {}

    def take(self) -> tuple[Found, list[Broken]]:
        """What was found since this was last asked."""
        taken = self._found, self._broken
        self._found, self._broken = [], []
        return taken

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        self._depth += 1
        inside = self._depth - self._begins
        space, _, local = name.rpartition(" ")
        if self._item is None:
            if local.lower() in _ITEMS:
                self.count, self._begins, self._size = self.count + 1, self._depth, 0
                self._item = {name: attributes[name] for name in _OF_THE_ELEMENT if attributes.get(name)}
                self._ranks = {}
        elif inside == 1:
            self._said, self._texts, self._parts = _attribute(space, local), [], {}
            if local == "link" and "href" in attributes and attributes.get("rel", "alternate") == "alternate":
                self.text(attributes["href"])
        elif inside == 2:  # noqa: PLR2004 - a part of an attribute, as the country of shipping
            self._texts = []

    def end(self, name: str) -> None:
        """An element ends."""
        inside = self._depth - self._begins
        self._depth -= 1
        if self._item is None:
            return
        text = "".join(self._texts).strip()
        if inside == 0:
            self._finish(self._item)
        elif inside == 1 and self._said is not None:
            self._say(self._item, *self._said, self._parts or text)
        elif inside == 2 and text:  # noqa: PLR2004
            add(self._parts, name.rpartition(" ")[2], text)
            self._texts = []

    def text(self, data: str) -> None:
        """Characters between tags."""
        if self._item is not None and self._depth > self._begins:
            self._size += len(data)
            if self._size <= LONGEST_ITEM:
                self._texts.append(data)

    def entity(self, name: str, parameter: bool) -> None:
        """An entity is used that is not declared: one of HTML is its sign."""
        sign = None if parameter else html5.get(f"{name};")
        if sign is None:
            raise InputError(f"{self._path} has an entity of its own, {name!r}; write the text itself instead")
        self.text(sign)

    def refuse(self, name: str, *_: Any) -> NoReturn:
        """An entity is declared."""
        raise InputError(f"{self._path} has an entity of its own, {name!r}; write the text itself instead")

    def _say(self, item: dict[str, Any], name: str, rank: int, value: Any) -> None:
        before = self._ranks.get(name, 0)
        if not value or rank < before:
            return
        if rank > before:  # also before what the element itself says
            item.pop(name, None)
        self._ranks[name] = rank
        add(item, name, value)

    def _finish(self, item: dict[str, Any]) -> None:
        if self._size > LONGEST_ITEM:
            self._broken.append(Broken(self.count, _TOO_LONG, str(item.get("id", ""))))
        else:
            self._found.append((self.count, item))
        self._item = None


def add(values: dict[str, Any], name: str, value: Any) -> None:
    """Puts `value` at `name`, into a list where there is one already."""
    if name not in values:
        values[name] = value
    elif isinstance(values[name], list):
        values[name].append(value)
    else:
        values[name] = [values[name], value]


def _attribute(space: str, local: str) -> tuple[str, int] | None:
    """The attribute that an element of an item gives, and its rank: Google's go before those of RSS and Atom."""
    if _GOOGLE.fullmatch(space):
        return local, 2
    if space == _ATOM:
        return (_OF_ATOM[local], 1) if local in _OF_ATOM else None
    return (local, 1) if space in _PLAIN and local not in _NOT_OF_ITEMS else None
