"""Whether what nobody could read names somebody: rejected rows and entries, in whatever form they came."""

import base64
import binascii
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from etappe.events.identities import Identity
from etappe.events.naming import places, sought
from etappe.events.naming.sought import REJECTED, Search

BASE64: Final = "base64"
"""The field under which entries that could not be read are kept where they are no text."""


def is_named(search: Search, document: Any) -> bool:
    """Whether a document names one of those searched for: where ids stand, at any depth, or by what tells them."""
    try:
        return any([_is_named(search, part) for part in _parts(document)])  # noqa: C419 - all are counted
    except RecursionError:
        text = msgspec.json.encode(document).decode()  # too deep to be walked, not too deep to be read as text
        return search.text(text, REJECTED) != text


def _is_named(search: Search, part: Any) -> bool:
    if isinstance(part, str):
        return search.text(part, REJECTED) != part
    event = part.get("event")
    known = places.properties_of(event if isinstance(event, str) else None)
    said = part.get("properties")
    properties = sought.decoded(said) if isinstance(said, str) else said
    if search.names(part, (*places.COLUMNS, *places.PAYLOAD, *known), REJECTED):
        return True
    if search.names(properties, known, REJECTED):
        return True
    kind, value = part.get("kind"), part.get("value")
    return isinstance(kind, str) and isinstance(value, str) and search.has(Identity(kind, value), REJECTED)


def _parts(value: Any) -> Iterator[Any]:
    """All objects and texts in a document, and in JSON that is a text in it."""
    if isinstance(value, dict):
        yield value
        for name, each in value.items():
            yield str(name)
            yield from _parts(_unpacked(each) if name == BASE64 else each)
    elif isinstance(value, list):
        for each in value:
            yield from _parts(each)
    elif isinstance(value, str):
        inner = sought.decoded(value)
        if inner is None:
            yield value
        else:
            yield from _parts(inner)


def _unpacked(fields: Any) -> Any:
    """Fields in base64 as the text that is in them, as far as it is any."""
    if not isinstance(fields, dict):
        return fields
    return [_text(each) for each in fields.values() if isinstance(each, str)]


def _text(packed: str) -> str:
    try:
        return base64.b64decode(packed, validate=True).decode(errors="replace")
    except binascii.Error:
        return packed
