"""Events in native form that hold the lines of an order inside them: a header, and a list of what was bought."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

LISTS: Final = ("items", "products", "line_items", "lineItems", "lines")
"""Names under which lines stand."""
_ITEM_IDS: Final = ("item_id", "product_id", "sku", "id")
_OF_A_LINE: Final = ("quantity", "price", "currency")
_DIGEST_BYTES: Final = 12
_OBJECT: Final = msgspec.json.Decoder(dict[str, Any])


def lines_of(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The events that a header with lines says, one a line; none where `event` has no lines.

    All have the header's fields and one order: the header's, else one made of its event_id or of what it says. Its
    properties are with the first; what a line says besides its item, pieces, price and currency is its own.
    """
    name = next((name for name in LISTS if name in event), None)
    listed = event.get(name) if name else None
    if not isinstance(listed, list) or not listed or not all(isinstance(line, dict) for line in listed):
        return []
    header = {field: value for field, value in event.items() if field not in (name, "properties", "event_id")}
    if not header.get("order_id"):
        header["order_id"] = event.get("event_id") or _digest(event)
    own = event.get("properties")
    event_id = event.get("event_id")
    made = []
    for number, line in enumerate(listed):
        names = {} if not event_id else {"event_id": f"{event_id}#{number}"}
        made.append(header | names | _line(line, own if number == 0 and isinstance(own, dict) else {}))
    return made


def lines_in(raw: bytes) -> list[bytes]:
    """The events that `raw` says, as `lines_of`, each as JSON."""
    try:
        return [msgspec.json.encode(line) for line in lines_of(_OBJECT.decode(raw))]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return []


def _line(line: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    item = next((name for name in _ITEM_IDS if line.get(name) is not None), None)
    fields = {name: line[name] for name in _OF_A_LINE if line.get(name) is not None}
    rest = {name: value for name, value in line.items() if name not in (*_OF_A_LINE, item) and value is not None}
    properties = {**own, **rest}
    return fields | ({"item_id": line[item]} if item else {}) | ({"properties": properties} if properties else {})


def _digest(event: Mapping[str, Any]) -> str:
    text = msgspec.json.encode(event, order="sorted")
    return "n-" + hashlib.blake2b(text, digest_size=_DIGEST_BYTES).hexdigest()
