"""What the attributes of Google's product data say of an item of ours."""

import re
from datetime import datetime, tzinfo
from typing import Any, Final

from etappe.errors import InputError
from etappe.importing.catalogue.feed import values

_SAME: Final = {
    "id": "id",
    "title": "title",
    "link": "url",
    "image_link": "image",
    "brand": "brand",
    "item_group_id": "item_group_id",
}
"""Fields by the attribute that says them word for word."""
_SPENT: Final = frozenset(
    {*_SAME, "structured_title", "structured_description", "price", "expiration_date", "availability_date", "category"}
)
"""Attributes that a field stands for; all others are kept as they are."""
_IMAGES: Final = "additional_image_link"
_BETWEEN_LINKS: Final = re.compile(r"\s*,\s*(?=https?://)")


def fields(given: dict[str, Any], zone: tzinfo, now: datetime) -> dict[str, Any]:
    """The fields of an item patch from the attributes `given`. Prices are those at `now`; naive times are in `zone`.

    An item whose availability is told is told of in full: dates that it does not name are taken back.

    Raises:
        InputError: a price, time or state is none; names the attribute.
    """
    found = {field: text for name, field in _SAME.items() if (text := _text(given, name))}
    found |= _named(given, found) | _category(given) | _availability(given, zone)
    money, sale = _money(given, zone, now)
    attributes = {name: value for name, value in given.items() if name not in _SPENT} | _kept(given) | sale
    return found | money | ({"attributes": attributes} if attributes else {})


def _text(given: dict[str, Any], name: str) -> str | None:
    """The attribute as text: its first where it is repeated, its content where it has parts."""
    value = given.get(name)
    if isinstance(value, list):
        value = value[0]
    return str(value.get("content", "")) or None if isinstance(value, dict) else value


def _named(given: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    title = None if "title" in found else _text(given, "structured_title")
    return {"title": title} if title else {}


def _kept(given: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    if _IMAGES in given:
        every = given[_IMAGES] if isinstance(given[_IMAGES], list) else [given[_IMAGES]]
        kept[_IMAGES] = [link for some in every for link in _BETWEEN_LINKS.split(str(some))]
    if "description" not in given and (description := _text(given, "structured_description")):
        kept["description"] = description
    return kept


def _category(given: dict[str, Any]) -> dict[str, Any]:
    """The shop's own category before Google's, which may be a bare number."""
    for name in ("product_type", "google_product_category", "category"):
        text = _text(given, name)
        if text and not text.isdecimal() and (path := values.path(text)):
            return {"category": path}
    return {}


def _availability(given: dict[str, Any], zone: tzinfo) -> dict[str, Any]:
    times = {"available_from": "availability_date", "available_until": "expiration_date"}
    said = {field: values.time(text, name, zone) for field, name in times.items() if (text := _text(given, name))}
    state = _text(given, "availability")
    if not state:
        return said
    is_open = values.is_open(state, "availability", "available_from" in said)
    return dict.fromkeys(times, None) | said | {"available": is_open}


def _money(given: dict[str, Any], zone: tzinfo, now: datetime) -> tuple[dict[str, Any], dict[str, Any]]:
    """Price and currency now, and what is kept of a sale among the attributes."""
    regular, sale = (
        values.price(text, name) if (text := _text(given, name)) else None for name in ("price", "sale_price")
    )
    if sale is None:
        return _priced(regular), {}
    if regular and sale.currency and regular.currency and sale.currency != regular.currency:
        raise InputError("sale_price: in another currency than price")
    during = _text(given, "sale_price_effective_date")
    on_sale = during is None or values.is_during(during, "sale_price_effective_date", zone, now)
    cheaper = regular is None or sale.amount < regular.amount
    kept = {"sale_price": sale.amount} | ({"regular_price": regular.amount} if regular else {})
    return _priced(sale if on_sale and cheaper else regular), kept


def _priced(price: values.Price | None) -> dict[str, Any]:
    if price is None:
        return {}
    return {"price": price.amount} | ({"currency": price.currency} if price.currency else {})
