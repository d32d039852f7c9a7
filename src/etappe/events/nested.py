"""Events in native form that hold the lines of an order inside them: a header, and a list of what was bought."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import msgspec

from etappe.values import ids
from etappe.values.money import Mark
from etappe.values.reading import Reading
from etappe.values.unreadable import Unreadable

LISTS: Final = ("items", "products", "line_items", "lineItems", "lines")
"""Names under which lines stand."""
_ITEM_IDS: Final = ("item_id", "product_id", "sku", "id")
_OF_A_LINE: Final = ("quantity", "price", "currency")
_DIGEST_BYTES: Final = 12
_OBJECT: Final = msgspec.json.Decoder(dict[str, Any])
_UNDECODABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def lines_of(said: Mapping[str, Any], nobody: frozenset[str] = ids.NOBODY) -> list[dict[str, Any]]:
    """The events that a header with lines says, one a line; none where `said` has no lines: a list, or one as text.

    All have the header's fields and one order: the header's, else one made of its event_id or of what it says. Its
    properties are with the first; what a line says besides its item, pieces, price and currency is its own.
    """
    name = next((name for name in LISTS if name in said), None)
    listed = _listed(said.get(name)) if name else []
    if not listed or not all(isinstance(line, dict) for line in listed):
        return []
    header = {field: value for field, value in said.items() if field not in (name, "properties", "event_id")}
    given = _id(said.get("event_id"), nobody)
    if not _id(header.get("order_id"), nobody):
        header["order_id"] = given or _digest(said)
    own = said.get("properties")
    made = []
    for place, line in enumerate(listed):
        names = {} if not given else {"event_id": f"{given}#{place}"}
        made.append(header | names | _line(line, own if place == 0 and isinstance(own, dict) else {}, nobody))
    return made


def lines_in(raw: bytes, reading: Reading) -> tuple[list[bytes], Reading]:
    """The events that `raw` says, as `lines_of`, each as JSON; and how to read them, as their prices tell together."""
    try:
        lines = lines_of(_OBJECT.decode(raw), reading.nobody)
        texts = [line["price"] for line in lines if isinstance(line.get("price"), str)]
        told = reading.mark_of(texts)
        if told in (Mark.POINT, Mark.COMMA):
            reading = msgspec.structs.replace(reading, decimals=told)
        return [msgspec.json.encode(line) for line in lines], reading
    except _UNDECODABLE:
        return [], reading


def _listed(lines: object) -> list[Any]:
    """A list, or an object of lines by key, both also as JSON text."""
    if isinstance(lines, str):
        with suppress(*_UNDECODABLE):
            lines = msgspec.json.decode(lines)
    if isinstance(lines, dict):
        return list(lines.values())
    return lines if isinstance(lines, list) else []


def _id(value: object, nobody: frozenset[str]) -> str | None:
    with suppress(Unreadable):
        return ids.cleaned(value, nobody)
    return None


def _line(line: Mapping[str, Any], own: Mapping[str, Any], nobody: frozenset[str]) -> dict[str, Any]:
    item = next((name for name in _ITEM_IDS if _id(line.get(name), nobody)), None)
    fields = {name: line[name] for name in _OF_A_LINE if line.get(name) is not None}
    rest = {name: value for name, value in line.items() if name not in (*_OF_A_LINE, item) and value is not None}
    properties = {**own, **rest}
    return fields | ({"item_id": line[item]} if item else {}) | ({"properties": properties} if properties else {})


def _digest(event: Mapping[str, Any]) -> str:
    text = msgspec.json.encode(event, order="sorted")
    return "n-" + hashlib.blake2b(text, digest_size=_DIGEST_BYTES).hexdigest()
