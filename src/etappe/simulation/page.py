"""The simulated shop as a page to look at: what it sells, with pictures, in both languages."""

from collections.abc import Iterable, Iterator
from html import escape
from itertools import groupby
from typing import Final

from etappe.catalog.item import Item
from etappe.simulation.goods.catalogue import PICTURES
from etappe.simulation.shop import Shop

_MOST: Final = 16
"""Items of a category on the page."""
_STYLE: Final = """
body { margin: 0 auto; max-width: 1180px; padding: 24px; background: #faf8f4 }
body { color: #33363a; font: 15px/1.45 sans-serif }
h1 { margin: 0; font: 32px Georgia, serif }
h2 { margin: 44px 0 0; font: 24px Georgia, serif }
h3 { margin: 24px 0 10px; font-size: 15px; font-weight: 600; color: #6b6f75 }
h2, h3 b, nav a { text-transform: capitalize }
.shelf { display: grid; grid-template-columns: repeat(auto-fill, minmax(158px, 1fr)); gap: 16px }
.item { background: #fff; border-radius: 10px; overflow: hidden; box-shadow: 0 1px 3px rgba(0, 0, 0, .1) }
.item img { width: 100%; display: block } .item div { padding: 9px 11px 12px } .item p { margin: 0 }
.de, .brand { color: #85898e; font-size: 13px }
.brand { font-size: 12px; text-transform: uppercase; letter-spacing: .04em }
.price { margin-top: 5px !important; font-weight: 600 } .gone img { filter: grayscale(1); opacity: .45 }
nav a { margin-right: 12px; color: #2f7f86 }
"""


def page(shop: Shop) -> str:
    """The page, as HTML that needs the folder of pictures beside it and nothing else."""
    return "".join(_parts(shop))


def _parts(shop: Shop) -> Iterator[str]:
    size, departments = shop.size, shop.story.world.assortment.departments
    yield '<!doctype html><html lang="en"><meta charset="utf-8"><title>The simulated shop</title>'
    yield f"<style>{_STYLE}</style>"
    yield f"<h1>The simulated shop</h1><p>{size.items:,} items, {size.customers:,} customers, {size.days} days until "
    yield f"{size.end:%d %B %Y}; {len(shop.story.told):,} events. World {size.world}, seed {size.seed}.</p><nav>"
    yield " ".join(f'<a href="#{one.name}">{one.name}</a>' for one in departments) + "</nav>"
    for department, items in groupby(shop.items, key=lambda item: (item.category or "").partition("/")[0]):
        yield f'<h2 id="{escape(department)}">{escape(department)}</h2>'
        for category, shelf in groupby(items, key=lambda item: item.category or ""):
            yield from _shelf(category, list(shelf))


def _shelf(category: str, items: list[Item]) -> Iterator[str]:
    more = f", {_MOST} of {len(items)}" if len(items) > _MOST else ""
    yield f'<h3><b>{escape(category.partition("/")[2].replace("-", " "))}</b>{more}</h3><div class="shelf">'
    yield from _cards(items[:_MOST])
    yield "</div>"


def _cards(items: Iterable[Item]) -> Iterator[str]:
    for item in items:
        picture = "pictures/" + (item.image or "").removeprefix(PICTURES)
        price = f"{item.price:.2f} {item.currency}" if item.available else "sold out"
        yield f'<div class="item{"" if item.available else " gone"}">'
        yield f'<img src="{escape(picture)}" alt="" loading="lazy"><div>'
        yield f'<p class="brand">{escape(item.brand or "")}</p><p>{escape(item.title)}</p>'
        yield f'<p class="de" lang="de">{escape(item.titles["de"])}</p><p class="price">{price}</p></div></div>'
