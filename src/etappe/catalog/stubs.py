"""What an event says of its item, for a catalogue that does not know it."""

from collections.abc import Mapping
from typing import Any, Final

from etappe.catalog.item import ItemPatch
from etappe.events.vocabulary import Event

LONGEST: Final = {"title": 2000, "category": 500, "brand": 2000, "url": 2000, "image": 2000}
"""Characters; texts are cut to them, links left out."""
_LINKS: Final = ("url", "image")
_WORDS: Final = {
    "title": ("item_name", "name", "title", "product_name"),
    "brand": ("item_brand", "brand"),
    "url": ("url", "product_url", "link"),
    "image": ("image_url", "image", "image_link"),
}
_LEVELS: Final = tuple(f"item_category{number}" for number in ("", 2, 3, 4, 5))


def described(said: Mapping[str, Any]) -> dict[str, str]:
    """Title, brand, category, url and image of the product that an event's properties tell of, in any words."""
    found = {field: next((said[name] for name in names if said.get(name)), None) for field, names in _WORDS.items()}
    levels = [level for name in _LEVELS if isinstance(level := said.get(name), str) and level]
    found["category"] = "/".join(levels) or said.get("category")
    texts = {field: value.strip() for field, value in found.items() if isinstance(value, str) and value.strip()}
    return {field: text for field, text in texts.items() if field not in _LINKS or _is_link(text)}


def stub_of(event: Event) -> ItemPatch:
    """The item of an event that names one, with its id for a title where the event says none."""
    item = event.item_id or ""
    told: dict[str, Any] = {"title": item}
    told |= {field: text[: LONGEST[field]] for field, text in described(event.properties or {}).items()}
    if event.price is not None:
        told |= {"price": event.price} | ({"currency": event.currency} if event.currency else {})
    return ItemPatch(id=item, **told)


def _is_link(text: str) -> bool:
    return text.startswith(("http://", "https://", "/")) and len(text) <= LONGEST["url"] and "\n" not in text
