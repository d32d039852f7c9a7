"""What a row of a catalogue says of an item, whatever the kind of file and whoever named its columns."""

import html
import re
from typing import Any, Final

from etappe.catalog.categories import path
from etappe.errors import InputError
from etappe.importing.catalogue.columns import availability, cells, pricing
from etappe.importing.catalogue.columns.cells import Reading
from etappe.importing.catalogue.columns.names import place_of
from etappe.importing.catalogue.columns.pricing import ByRole

_ENTITY: Final = re.compile(r"&(#\d+|#x[0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]+);")
_BETWEEN_LINKS: Final = re.compile(r"\s*,\s*(?=https?://)")
_ADDRESSES: Final = ("src", "url", "link", "href", "content")
_SCHEME: Final = re.compile(r"^https?://", re.IGNORECASE)
_GOOGLE: Final = "google_product_category"
_NUMBERED: Final = re.compile(r"^\d+\s+-\s+")
_MORE: Final = "additional_image_link"
_LEVELS: Final = ("level1", "level2", "level3")
_SPENT: Final = frozenset({
    "id", "title", "titles", "brand", "item_group_id", "price", "prices", "currency", "url", "image", "more_images",
    "level1", "level2", "level3", "available_from", "available_until", "floor_days", "attributes", "hidden", "product",
    "stores", "cost", "margin",
})  # fmt: skip
"""Roles of which nothing is kept as an attribute where the field says it."""
_TIMES: Final = ("available_from", "available_until")


def fields(row: dict[str, Any], reading: Reading) -> dict[str, Any]:
    """The fields of an item patch from the columns of `row`. Prices are those of now.

    An item whose availability a feed tells is told of in full: dates that it does not name are taken back.

    Raises:
        InputError: an id, price, time or state is none; names the column.
    """
    by_role, attributes = _sorted(row)
    found: dict[str, Any] = {}
    for role in _IDS:
        if role in by_role:
            found[role] = cells.an_id(by_role[role][0][2], by_role[role][0][1], reading)
    for role, read in _TEXTS.items():
        if role in by_role:
            found[role] = read(by_role[role][0][2], by_role[role][0][1])
    if "cost" in by_role:
        found["cost"] = pricing.amount(by_role["cost"][0][2], by_role["cost"][0][1], reading)
    found |= _links(by_role, attributes) | _category(by_role) | _availability(by_role, reading)
    money, sale = pricing.money(by_role, reading)
    attributes |= sale
    return found | money | _attributes(by_role, attributes)


def id_of(row: dict[str, Any], reading: Reading) -> str | None:
    """The id of the item of a row; None where there is none.

    Raises:
        InputError: what stands there is no id.
    """
    names = [name for name in row if place_of(name).role == "id"]
    name = min(names, key=lambda name: place_of(name).rank, default=None)
    return None if name is None else cells.an_id(row[name], name, reading)


def is_feed(row: dict[str, Any]) -> bool:
    """Whether the columns of `row` are those of a product feed, which says each item once."""
    return any(place_of(name).feed for name in row)


def _sorted(row: dict[str, Any]) -> tuple[ByRole, dict[str, Any]]:
    """What is said by role, the best name first, and what is kept as attributes."""
    by_role: ByRole = {}
    kept: dict[str, Any] = {}
    for name, value in row.items():
        meaning = place_of(name)
        if meaning.role is None or (meaning.role == "attributes" and not _is_object(value)):
            kept[meaning.attribute] = value
        else:
            by_role.setdefault(meaning.role, []).append((meaning.rank, name, value))
    for role, columns in by_role.items():
        columns.sort(key=lambda column: column[0])
        for rank, (_, name, value) in enumerate(columns):
            attribute = place_of(name).attribute
            if role == "description":
                kept.setdefault(attribute, _described(value))
            elif value is not None and (rank or role not in _SPENT) and attribute != role:
                kept[attribute] = value
    return by_role, kept


def _is_object(value: Any) -> bool:
    return value is None or isinstance(value, dict) or (isinstance(value, str) and value.lstrip()[:1] == "{")


def _attributes(by_role: ByRole, others: dict[str, Any]) -> dict[str, Any]:
    own = cells.unpacked(by_role["attributes"][0][2], "attributes") if "attributes" in by_role else None
    if "attributes" in by_role and own is None and not others:
        return {"attributes": None}
    if others or own is not None:
        return {"attributes": others | (own or {})}
    return {}


def _title(value: Any, name: str) -> str | None:
    """A title, with the signs that entities of HTML stand for."""
    text = cells.text(value, name)
    return None if text is None else _ENTITY.sub(lambda found: html.unescape(found[0]), text)


def _is_product(value: Any, name: str) -> bool | None:
    return None if value is None else availability.is_open(value, name, dated=False)


_IDS: Final = ("id", "item_group_id")
_TEXTS: Final = {
    "title": _title,
    "brand": cells.text,
    "titles": cells.unpacked,
    "prices": cells.unpacked,
    "floor_days": cells.unpacked,
    "stores": cells.unpacked,
    "product": _is_product,
    "margin": cells.number,
}


def _described(value: Any) -> Any:
    return str(value.get("content", "")) if isinstance(value, dict) and "content" in value else value


def _links(by_role: ByRole, attributes: dict[str, Any]) -> dict[str, Any]:
    """Page and picture; of several pictures the first is the item's, the others are kept."""
    found: dict[str, Any] = {}
    if "url" in by_role:
        found["url"] = _link(by_role["url"][0][2], by_role["url"][0][1])
    more = _listed(by_role["more_images"][0][2]) if "more_images" in by_role else []
    if "image" in by_role:
        _, name, value = by_role["image"][0]
        every = _listed(value)
        found["image"] = _link(every[0], name) if every else None
        more = every[1:] + more
    if more:
        attributes[_MORE] = more
    return found


def _listed(value: Any) -> list[str]:
    every = value if isinstance(value, list) else [] if value is None else [value]
    return [link for some in every for link in _BETWEEN_LINKS.split(_address(some)) if link]


def _address(said: Any) -> str:
    """The address of a picture that shops tell as an object, else what is said."""
    found = next((said[name] for name in _ADDRESSES if said.get(name)), "") if isinstance(said, dict) else said
    return str(found)


def _link(value: Any, name: str) -> str | None:
    text = cells.text(value, name)
    if text is None:
        return None
    text = _SCHEME.sub(lambda found: found[0].lower(), text)
    if not text.startswith(("http://", "https://", "/")):
        raise InputError(f"{name}: no link that begins with http://, https:// or /")
    return text


def _category(by_role: ByRole) -> dict[str, Any]:
    """The shop's own category before Google's; a number is the shop's only where the shop calls it its category."""
    for _, name, value in by_role.get("category", ()):
        if value is None:
            return {"category": None}
        text = _deepest(value)
        own = place_of(name).rank == 0
        if place_of(name).attribute == _GOOGLE:
            text = _NUMBERED.sub("", text)
        if text and (own or not text.isdecimal()) and (found := path(html.unescape(text))):
            return {"category": found}
    levels = [
        str(by_role[role][0][2]).strip() for role in _LEVELS if role in by_role and by_role[role][0][2] is not None
    ]
    if levels and not all(level.isdecimal() for level in levels):
        deepest = levels[-1]
        return {"category": path(deepest) if ">" in deepest else "/".join(level.replace("/", "-") for level in levels)}
    return {}


def _deepest(value: Any) -> str:
    """A category as text: of the levels lvl0, lvl1, ... the last, of a list the first."""
    if isinstance(value, dict):
        value = value[max(value)] if value else ""
    if isinstance(value, list):
        value = value[0] if value else ""
    return value.strip() if isinstance(value, str) else str(value) if isinstance(value, int) else ""


def _availability(by_role: ByRole, reading: Reading) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for role in _TIMES:
        if role in by_role:
            _, name, value = by_role[role][0]
            found[role] = None if value is None else cells.time(value, name, reading)
    columns = by_role.get("available", []) + by_role.get("hidden", [])
    stated = [(name, value) for _, name, value in columns if value is not None]
    if columns and not stated:
        return found | {"available": None}
    if not stated:
        return found
    dated = found.get("available_from") is not None
    hidden = {name for _, name, _ in by_role.get("hidden", [])}
    states = [availability.is_open(value, name, dated=dated) != (name in hidden) for name, value in stated]
    full = any(place_of(name).feed for name, _ in stated)
    return (dict.fromkeys(_TIMES, None) if full else {}) | found | {"available": all(states)}
