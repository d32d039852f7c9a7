"""The goods as the catalogue's items."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import numpy as np

from etappe.catalog.item import Item
from etappe.simulation.clock import DAY, Clock
from etappe.simulation.goods import names
from etappe.simulation.goods.assortment import Assortment
from etappe.simulation.goods.goods import Goods
from etappe.simulation.goods.shelf import Shelf
from etappe.simulation.pictures import Look
from etappe.simulation.pictures import name as picture_name

CURRENCY: Final = "EUR"
PICTURES: Final = "/pictures/"
"""Where a shop that sells these would keep its pictures."""


def item_ids(goods: Goods, assortment: Assortment) -> list[str]:
    """The ids of all items, in the order of their rows."""
    categories = assortment.categories
    pairs = zip(goods.category.tolist(), goods.number.tolist(), strict=True)
    return [names.item_id(categories[category], number) for category, number in pairs]


def items(goods: Goods, shelf: Shelf, clock: Clock, assortment: Assortment) -> Iterator[Item]:
    """All items as they are at the end of the story, in the order of their rows. What has variants names its group."""
    ids = item_ids(goods, assortment)
    variants = np.bincount(goods.product)[goods.product].tolist()
    first = np.unique(goods.product, return_index=True)[1][goods.product].tolist()
    rows, last = np.arange(len(goods)), np.full(len(goods), float(clock.days))
    price, available = shelf.price(rows, last).tolist(), shelf.available.at(rows, last).tolist()
    for row, item_id in enumerate(ids):
        group = f"{ids[first[row]]}-group" if variants[row] > 1 else None
        launch = shelf.launch[row]
        since = datetime.fromtimestamp((clock.start + launch * DAY) // 1e6, UTC) if launch > 0 else None
        yield _item(goods, assortment, row, item_id, group, price[row], available[row], since)


def look(goods: Goods, assortment: Assortment, row: int) -> Look:
    """What can be seen of an item."""
    category = assortment.categories[int(goods.category[row])]
    return Look(
        category=category.path,
        kind=category.kinds[goods.kind[row]].en,
        trait=category.traits[goods.trait[row]].en,
        option=assortment.axes[category.variants].options[goods.option[row]].en,
        style=assortment.brands[goods.brand[row]].style,
    )


def _item(
    goods: Goods,
    assortment: Assortment,
    row: int,
    item_id: str,
    group: str | None,
    price: float,
    available: bool,
    since: datetime | None,
) -> Item:
    place = int(goods.category[row])
    category, brand = assortment.categories[place], assortment.brands[goods.brand[row]]
    axis = assortment.axes[category.variants]
    series = names.series_name(assortment, place, int(goods.series[row]))
    kind, trait = category.kinds[goods.kind[row]], category.traits[goods.trait[row]]
    option = axis.options[goods.option[row]]
    titles = names.titles(kind, trait, option, series)
    seen = look(goods, assortment, row)
    return Item(
        id=item_id,
        title=titles["en"],
        titles=titles,
        category=category.path,
        brand=brand.name,
        item_group_id=group,
        price=price,
        currency=CURRENCY,
        url=f"/p/{item_id}",
        image=PICTURES + picture_name(seen),
        available=available,
        available_from=since,
        attributes={
            "kind": kind.en.lower(),
            category.trait: trait.en.lower(),
            axis.attribute: option.en,
            "style": brand.style,
        }
        | ({"ecological": True} if goods.eco[row] == 1 else {}),
    )
