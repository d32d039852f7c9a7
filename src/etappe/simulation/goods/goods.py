"""The goods on the shelves as arrays: products in variants, with prices, attractiveness and partners."""

from collections.abc import Sequence

import msgspec
import numpy as np

from etappe.simulation.chance import stream
from etappe.simulation.goods.assortment import Assortment, Brand, Category, Named
from etappe.simulation.tables import Floats, Ints, Table, ranks

NONE = -1
NATURAL = "natural"
_TAIL = 0.95
"""Standard deviation of a product's log attractiveness: how long the tail is."""
_VARIANT_TAIL = 0.5
_VARIANTS = np.array([0.40, 0.25, 0.20, 0.15])
"""Share of products with 1, 2, 3 and 4 variants, as far as the axis has them."""
_SMALL, _LARGE = 20, 100
"""EUR: below the first, prices end in .49 or .99; from the second on, they are multiples of 5."""


class Goods(Table, frozen=True):
    """One row an item, sorted by category. `partner` is the row of the item that goes with it, or NONE."""

    category: Ints
    number: Ints
    """Number inside the category, from 1: the digits of the id."""
    product: Ints
    """Items of one product are its variants."""
    kind: Ints
    trait: Ints
    series: Ints
    """0 for no series name, else the place in the list of names plus 1."""
    option: Ints
    brand: Ints
    style: Ints
    price: Floats
    """EUR, before anything changes."""
    attraction: Floats
    """Weight with which people who look at the category see this item."""
    cycle: Floats
    """Days until it is used up; infinite for what lasts."""
    pack: Floats
    """Mean quantity bought at once."""
    partner: Ints
    chance: Floats
    """Chance that a buyer takes the partner along."""
    eco: Floats
    """How ecological it is: 1 by its trait, a half by its brand."""


def make(assortment: Assortment, items: int, seed: int) -> Goods:
    """The goods of a shop with `items` items (at least one a category)."""
    categories = assortment.categories
    counts = apportion(items, np.array([category.share for category in categories]))
    shelves = [_shelf(assortment, place, int(count), seed) for place, count in enumerate(counts)]
    return _with_partners(_numbered_through(shelves), assortment, seed)


def apportion(total: int, shares: Floats) -> Ints:
    """int64[n]: `total` split by `shares` [n], at least one each, exact in sum (largest remainders)."""
    exact = (total - len(shares)) * shares / shares.sum()
    counts: Ints = np.floor(exact).astype(np.int64) + 1
    missing = total - int(counts.sum())
    counts[np.argsort(counts - 1 - exact, kind="stable")[:missing]] += 1
    return counts


def _shelf(assortment: Assortment, place: int, count: int, seed: int) -> Goods:
    category, brands = assortment.categories[place], assortment.brands
    options = assortment.axes[category.variants].options
    chance = stream(seed, f"goods/{category.path}")
    product, option = _variants(chance, count, len(options))
    kind, trait, series = _designs(chance, product, category)
    brand = chance.choice(assortment.brands_of(category), count)[product]
    level = _factors(category.kinds)[kind] * _factors(options)[option] * _factors(brands)[brand]
    ecological = np.array([one.en in assortment.ecological for one in category.traits])
    natural = np.array([one.style == NATURAL for one in brands])
    noise = np.exp(chance.normal(0, category.spread, count))[product]
    return Goods(
        category=np.full(count, place),
        number=np.arange(count) + 1,
        product=product,
        kind=kind,
        trait=trait,
        series=series,
        option=option,
        brand=brand,
        style=np.array([assortment.styles.index(one.style) for one in brands])[brand],
        price=rounded(category.median * level * noise),
        attraction=_attraction(chance, product),
        cycle=np.full(count, category.cycle_days or np.inf),
        pack=np.full(count, category.pack),
        partner=np.full(count, NONE),
        chance=np.zeros(count),
        eco=np.maximum(ecological[trait], 0.5 * natural[brand]),
    )


def _variants(chance: np.random.Generator, count: int, options: int) -> tuple[Ints, Ints]:
    """The product and the option of each of `count` items; the options of one product differ."""
    share = _VARIANTS[:options] / _VARIANTS[:options].sum()
    sizes = chance.choice(np.arange(len(share)) + 1, count, p=share)
    product = np.repeat(np.arange(count), sizes)[:count]
    first = chance.integers(options, size=count)
    return product, (first[product] + ranks(product)) % options


def _designs(chance: np.random.Generator, product: Ints, category: Category) -> tuple[Ints, Ints, Ints]:
    """Kind, trait and series of each item: no two products of a category have all three in common."""
    combinations = len(category.kinds) * len(category.traits)
    combination = chance.permutation(combinations)[product % combinations]
    return combination % len(category.kinds), combination // len(category.kinds), product // combinations


def _attraction(chance: np.random.Generator, product: Ints) -> Floats:
    of_product = chance.normal(0, _TAIL, len(product))[product]
    return np.exp(of_product + chance.normal(0, _VARIANT_TAIL, len(product)))


def _factors(named: Sequence[Named | Brand]) -> Floats:
    return np.array([one.factor for one in named])


def rounded(price: Floats) -> Floats:
    """Prices as shops set them: 4.49, 23.99, 119.00."""
    steps = np.where(price < _SMALL, np.ceil(price * 2) / 2 - 0.01, np.ceil(price) - 0.01)
    prices: Floats = np.where(price < _LARGE, steps, np.round(price / 5) * 5)
    return np.round(prices, 2)


def _numbered_through(shelves: list[Goods]) -> Goods:
    """All shelves as one table, with product numbers that are unique in the shop."""
    products = np.array([shelf.product[-1] + 1 for shelf in shelves])
    before = np.cumsum(products) - products
    pairs = zip(shelves, before, strict=True)
    return Goods.joined([msgspec.structs.replace(shelf, product=shelf.product + start) for shelf, start in pairs])


def _with_partners(goods: Goods, assortment: Assortment, seed: int) -> Goods:
    """Each product whose category has a complement gets a partner from there, the same for all its variants."""
    chance = stream(seed, "goods/partners")
    partner, strength = goods.partner.copy(), goods.chance.copy()
    for place, category in enumerate(assortment.categories):
        draws = chance.random(len(goods))
        if category.complement is not None:
            rows = np.flatnonzero(goods.category == place)
            others = np.flatnonzero(goods.category == assortment.number_of(category.complement.path))
            partner[rows] = others[(draws[goods.product[rows]] * len(others)).astype(np.int64)]
            strength[rows] = category.complement.chance
    return msgspec.structs.replace(goods, partner=partner, chance=strength)
