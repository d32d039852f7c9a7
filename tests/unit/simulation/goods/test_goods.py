"""What the shop sells."""

import msgspec
import numpy as np
import polars as pl
import pytest

from etappe.catalog.item import Item
from etappe.simulation import Shop
from etappe.simulation.goods.assortment import assortment
from etappe.simulation.goods.goods import NONE, apportion, make, rounded
from etappe.simulation.goods.pieces import pieces


@pytest.mark.parametrize("total", [3, 4, 10, 1001])
def test_apportioned_parts_sum_up(total: int) -> None:
    """Parts sum to the total, none is empty, and larger shares never get less."""
    parts = apportion(total, np.array([1.0, 2.0, 5.0]))
    assert parts.sum() == total
    assert parts.min() >= 1
    assert parts.tolist() == sorted(parts.tolist())


def test_prices_end_as_shops_set_them() -> None:
    """Small ones in .49 or .99, middling ones in .99, large ones in fives."""
    prices = rounded(np.array([4.2, 4.6, 23.1, 117.3, 118.0]))
    assert prices.tolist() == [4.49, 4.99, 23.99, 115.0, 120.0]


def test_the_catalogue_is_valid_and_of_the_size_asked_for(shop: Shop) -> None:
    """Every item survives its own validation; ids are unique and there are as many as asked for."""
    decoded = msgspec.json.decode(msgspec.json.encode(shop.items), type=tuple[Item, ...])
    assert decoded == shop.items
    assert len({item.id for item in shop.items}) == 1000


def test_the_catalogue_is_as_it_is_at_the_end(shop: Shop) -> None:
    """Prices and stock are the last ones of the truth."""
    for name, frame in (("price", shop.truth.prices), ("available", shop.truth.stock)):
        last = dict(frame.sort("since").group_by("item_id", maintain_order=True).agg(pl.col(name).last()).iter_rows())
        in_time = frame.filter(pl.col("since") < shop.size.end)
        last |= dict(
            in_time.sort("since").group_by("item_id", maintain_order=True).agg(pl.col(name).last()).iter_rows()
        )
        assert {item.id: getattr(item, name) for item in shop.items} == last


def test_variants_share_what_makes_the_product(shop: Shop) -> None:
    """Variants are of one brand, kind, trait and launch; they differ in their option, and name a common group."""
    goods = shop.story.world.goods
    for rows in np.split(np.arange(1000), np.flatnonzero(np.diff(goods.product)) + 1):
        for column in (goods.brand, goods.kind, goods.trait, goods.series, shop.story.world.shelf.launch):
            assert len(np.unique(column[rows])) == 1
        assert len(np.unique(goods.option[rows])) == len(rows)
        group = {shop.items[row].item_group_id for row in rows.tolist()}
        assert (group == {None}) == (len(rows) == 1)
        assert len(group) == 1


def test_prices_have_their_categories_level(shop: Shop) -> None:
    """Bulbs cost a few euros, lamps some ten times that, tents hundreds; every price is positive."""
    prices = pl.DataFrame(
        {"category": [item.category for item in shop.items], "price": [item.price for item in shop.items]}
    )
    median = dict(prices.group_by("category").agg(pl.col("price").median()).iter_rows())
    assert median["home/bulbs"] < 15 < median["home/lighting"] < 150 < median["outdoor/tents"]
    assert prices["price"].min() > 0


def test_an_item_is_ecological_by_its_trait_or_half_by_its_brand(shop: Shop) -> None:
    """1 for a trait people look for who mind, a half for brands of the natural style, else 0; the first is told."""
    goods, offered = shop.story.world.goods, assortment()
    for row, item in enumerate(shop.items):
        category = offered.categories[goods.category[row]]
        green = category.traits[goods.trait[row]].en in offered.ecological
        natural = offered.brands[goods.brand[row]].style == "natural"
        assert goods.eco[row] == (1.0 if green else 0.5 if natural else 0.0)
        assert ("ecological" in item.attributes) == green
    assert 0.1 < (goods.eco == 1).mean() < 0.6


def test_complements_are_those_of_the_categories(shop: Shop) -> None:
    """The partner of a lamp is a bulb, that of a tent a sleeping bag or mat, with the chance the category states."""
    goods, offered = shop.story.world.goods, assortment()
    pairs = set()
    for row in range(len(goods)):
        complement = offered.categories[goods.category[row]].complement
        assert (goods.partner[row] == NONE) == (complement is None)
        if complement is not None:
            assert offered.categories[goods.category[goods.partner[row]]].path == complement.path
            assert goods.chance[row] == complement.chance
            pairs.add((offered.categories[goods.category[row]].path, complement.path))
    assert {("home/lighting", "home/bulbs"), ("outdoor/tents", "outdoor/sleeping-bags")} <= pairs


def test_attraction_has_a_long_tail() -> None:
    """The most attractive tenth of 5,000 items has 30 to 50 % of all attraction."""
    attraction = np.sort(make(assortment(), 5000, 1).attraction)[::-1]
    assert 0.3 < attraction[:500].sum() / attraction.sum() < 0.5


def test_the_shop_has_content_for_everybody(shop: Shop) -> None:
    """Pieces of all kinds in both languages, ids once each; of each topic there is one at least."""
    kinds = {piece.kind for piece in pieces()}
    assert kinds == set(shop.story.world.parameters.pieces.kinds)
    assert len({one["id"] for one in shop.content}) == len(shop.content) == len(pieces())
    topics = {piece.topic for piece in pieces()}
    assert topics == {None, *(department.name for department in assortment().departments)}
    for one in shop.content:
        assert all(one["languages"][language][field] for language in ("en", "de") for field in ("title", "body"))
