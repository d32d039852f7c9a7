"""Items as answers show them: JSON that is the same in every decision, made once and not at each request."""

from typing import Any, NamedTuple

import msgspec

from etappe.catalog.item import Item


class Fragment(NamedTuple):
    """What an answer holds of an item. `head` and `rest` are JSON of members, to be put around those of the decision.

    `head` is `"id":"85123A","title":"White heart"`; `rest` is `,"price":2.55,"currency":"GBP"` and so on, empty where
    the item tells no more. `title` is plain text, in the asked language, for sentences.
    """

    head: bytes
    rest: bytes
    title: str
    id: str


def title_of(item: Item, languages: tuple[str, ...]) -> str:
    """The title in the first of `languages` that the item has one in, else its own, else its id."""
    for language in languages:
        if language in item.titles:
            return item.titles[language]
    return item.title or item.id


def fragment_of(item: Item, languages: tuple[str, ...]) -> Fragment:
    """The fragment of an item in the first of `languages` that it has."""
    title = title_of(item, languages)
    told: dict[str, Any] = {
        "price": item.price,
        "currency": item.currency,
        "category": item.category,
        "url": item.url,
        "image": item.image,
    }
    rest = msgspec.json.encode({name: value for name, value in told.items() if value is not None})[1:-1]
    head = msgspec.json.encode({"id": item.id, "title": title})[1:-1]
    return Fragment(head, b"," + rest if rest else b"", title, item.id)
