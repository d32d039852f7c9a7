"""The goods as the catalogue's items."""

from collections.abc import Iterator

import numpy as np

from etappe.catalog.item import Item
from etappe.simulation import names
from etappe.simulation.assortment import Assortment
from etappe.simulation.goods import Goods

CURRENCY = "EUR"


def item_ids(goods: Goods, assortment: Assortment) -> list[str]:
    """The ids of all items, in the order of their rows."""
    categories = assortment.categories
    pairs = zip(goods.category.tolist(), goods.number.tolist(), strict=True)
    return [names.item_id(categories[category], number) for category, number in pairs]


def items(goods: Goods, assortment: Assortment) -> Iterator[Item]:
    """All items, in the order of their rows. What has variants names its group."""
    ids = item_ids(goods, assortment)
    variants = np.bincount(goods.product)[goods.product].tolist()
    first = np.unique(goods.product, return_index=True)[1][goods.product].tolist()
    for row, item_id in enumerate(ids):
        yield _item(goods, assortment, row, item_id, f"{ids[first[row]]}-group" if variants[row] > 1 else None)


def _item(goods: Goods, assortment: Assortment, row: int, item_id: str, group: str | None) -> Item:
    place = int(goods.category[row])
    category, brand = assortment.categories[place], assortment.brands[goods.brand[row]]
    axis = assortment.axes[category.variants]
    series = names.series_name(assortment, place, int(goods.series[row]))
    kind, trait = category.kinds[goods.kind[row]], category.traits[goods.trait[row]]
    option = axis.options[goods.option[row]]
    titles = names.titles(kind, trait, option, series)
    return Item(
        id=item_id,
        title=titles["en"],
        titles=titles,
        category=category.path,
        brand=brand.name,
        item_group_id=group,
        price=float(goods.price[row]),
        currency=CURRENCY,
        url=f"/p/{item_id}",
        available=bool(goods.available[row]),
        attributes={
            "kind": kind.en.lower(),
            category.trait: trait.en.lower(),
            axis.attribute: option.en,
            "style": brand.style,
        },
    )
