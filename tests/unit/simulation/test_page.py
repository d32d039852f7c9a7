"""The page to look at shows the catalogue, and nothing that the folder does not hold."""

import re
from html import unescape
from pathlib import Path

from etappe.simulation import Shop
from etappe.simulation.page import page


def _cards(shop: Shop) -> list[tuple[str, str, str]]:
    """Picture, title and price of each item on the page."""
    found = re.findall(r'<img src="([^"]+)".*?</p><p>(.*?)</p>.*?class="price">(.*?)</p>', page(shop), flags=re.DOTALL)
    return [(unescape(picture), unescape(title), price) for picture, title, price in found]


def test_items_are_shown_as_the_catalogue_has_them(shop: Shop) -> None:
    """Each item on the page has its picture, its title, and its price, or that it is sold out."""
    items = {item.title: item for item in shop.items}
    cards = _cards(shop)
    assert len(cards) > 300
    for picture, title, price in cards:
        item = items[title]
        assert f"/{picture}" == item.image
        assert price == (f"{item.price:.2f} EUR" if item.available else "sold out")


def test_every_category_has_its_shelf(shop: Shop) -> None:
    """All departments and categories are there, each with at most sixteen items."""
    text = page(shop)
    categories = {item.category for item in shop.items}
    assert text.count('<div class="shelf">') == len(categories)
    assert re.findall(r'<h2 id="(\w+)">', text) == list(dict.fromkeys(one.partition("/")[0] for one in _paths(shop)))
    assert max(shelf.count('class="item') for shelf in text.split('<div class="shelf">')) <= 16


def test_the_page_needs_nothing_from_outside(shop: Shop) -> None:
    """No script, and no address but those of its pictures and its own parts."""
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page(shop))
    assert all(address.startswith(("pictures/", "#")) for address in addresses)
    assert "<script" not in page(shop)
    assert not any(Path(address).is_absolute() for address in addresses)


def _paths(shop: Shop) -> list[str]:
    return [item.category or "" for item in shop.items]
