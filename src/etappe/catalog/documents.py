"""Items as JSON that is cut, not decoded, where an answer shows them.

A document begins with what an answer shows, in an answer's order: id, title, then price, currency, category, url, image
and the lowest price of 30 days; titles in other languages and all else follow. The places between these are kept beside
it.
"""

from typing import Any, Final, NamedTuple

import msgspec

from etappe.catalog.fragments import Fragment
from etappe.catalog.item import Item

_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Item)
_TEXT: Final = msgspec.json.Decoder(str)
_BEGIN: Final = b'{"id":'
_TITLE: Final = b',"title":'
_TITLES: Final = b',"titles":{'
_SHOWN: Final = ("price", "currency", "category", "url", "image", "lowest_30d")
_LAST: Final = tuple(
    (field.name, field.default, field.default_factory)
    for field in msgspec.structs.fields(Item)
    if field.name not in ("id", "title", "titles", *_SHOWN)
)

Span = tuple[int, int, int, int]
"""Where in a document a language begins and ends, and where the title in it does, quotes included."""


class Document(NamedTuple):
    """An item's JSON.

    `data[:id_end]` ends with the id, `data[:title_end]` with the title where there is one, `data[:rest_end]` with all
    that is shown.
    """

    data: bytes
    id_end: int
    title_end: int
    rest_end: int
    titles: tuple[Span, ...]

    @property
    def item(self) -> Item:
        """The item, decoded."""
        return decoded(self.data)


def decoded(data: bytes) -> Item:
    """The item of a document."""
    return _DECODER.decode(data)


def document_of(item: Item) -> Document:
    """The document of an item."""
    data = _BEGIN + _ENCODER.encode(item.id)
    id_end = len(data)
    if item.title:
        data += _TITLE + _ENCODER.encode(item.title)
    title_end = len(data)
    data += _members({name: value for name in _SHOWN if (value := getattr(item, name)) is not None})
    rest_end = len(data)
    spans: list[Span] = []
    if item.titles:
        data, spans = _with_titles(data, item.titles)
    last = {name: value for name, value, default in _told(item) if value != default}
    return Document(data + _members(last) + b"}", id_end, title_end, rest_end, tuple(spans))


def cut(document: Document, languages: tuple[str, ...]) -> Fragment:
    """What an answer holds of an item, in the first of `languages` that it has a title in.

    Of `data` no more is needed than up to the end of the titles.
    """
    data = document.data
    own = data[len(_BEGIN) : document.id_end]
    title = data[document.id_end + len(_TITLE) : document.title_end] or own
    if document.titles and languages:
        title = _translated(document, languages) or title
    head = b'"id":' + own + _TITLE + title
    return Fragment(head, data[document.title_end : document.rest_end], title[1:-1], own, _plain(own))


def _translated(document: Document, languages: tuple[str, ...]) -> bytes:
    data = document.data
    found = {data[begin:end]: data[start:stop] for begin, end, start, stop in document.titles}
    for language in languages:
        if title := found.get(_ENCODER.encode(language)):
            return title
    return b""


def _plain(quoted: bytes) -> str:
    return _TEXT.decode(quoted) if b"\\" in quoted else quoted[1:-1].decode()


def _told(item: Item) -> list[tuple[str, Any, Any]]:
    return [
        (name, getattr(item, name), default if factory is msgspec.NODEFAULT else factory())
        for name, default, factory in _LAST
    ]


def _members(values: dict[str, Any]) -> bytes:
    return b"," + _ENCODER.encode(values)[1:-1] if values else b""


def _with_titles(data: bytes, titles: dict[str, str]) -> tuple[bytes, list[Span]]:
    spans: list[Span] = []
    data += _TITLES
    for language, title in titles.items():
        name, value = _ENCODER.encode(language), _ENCODER.encode(title)
        begin = len(data) + (1 if spans else 0)
        data += (b"," if spans else b"") + name + b":" + value
        spans.append((begin, begin + len(name), len(data) - len(value), len(data)))
    return data + b"}", spans
