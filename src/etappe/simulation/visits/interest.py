"""Which items catch somebody's eye who looks around by themselves."""

import itertools
from typing import Final

import numpy as np

from etappe.simulation.chance import Wheels
from etappe.simulation.parameters import ItemResponse
from etappe.simulation.response import Response, usual_prices
from etappe.simulation.tables import Floats, Ints

_PRICE: Final = (1 / 6, 1 / 2, 5 / 6)
_ECO: Final = (1 / 4, 3 / 4)
"""The levels at which people's mindedness counts here: the middles of thirds and halves."""
_ROUNDS: Final = 3
"""How often somebody thinks of another category whose season it is not."""


class Interest:
    """Draws categories by taste and season, and items of a category for people of some style and mindedness."""

    def __init__(self, response: Response, said: ItemResponse) -> None:
        people, goods = response.people, response.goods
        self.response, self._people, self._goods = response, people, goods
        self._categories = int(goods.category[-1]) + 1
        styles = int(people.style.max()) + 1
        level = (people.price * len(_PRICE)).astype(np.int64).clip(0, len(_PRICE) - 1)
        self._kind = (people.style * len(_PRICE) + level) * len(_ECO) + (people.eco >= 1 / 2)
        kinds = itertools.product(range(styles), _PRICE, _ECO)
        weights = np.stack([_weights(response, said, *kind) for kind in kinds])
        self._wheels = Wheels(weights.ravel(), self._bounds(goods.category, len(weights)))
        self._brands = int(max(goods.brand.max(), people.favourite.max())) + 1  # a small shop lacks some
        shelf = goods.category * self._brands + goods.brand
        self._by_brand = np.argsort(shelf, kind="stable")
        self._of_brand = np.searchsorted(shelf[self._by_brand], np.arange(self._categories * self._brands + 1))
        self._brand_wheels = Wheels(goods.attraction[self._by_brand], self._of_brand)
        self._loyal = said.brand_views * people.brand

    def category(self, chance: np.random.Generator, person: Ints, day: Floats) -> Ints:
        """int64[n]: a category that each `person` wants on each `day`."""
        tastes, seasons = self.response.tastes, self.response.seasons
        row = tastes.row(person, day)
        drawn = tastes.draw(row, chance.random(len(person)))
        off = np.arange(len(person))
        for _ in range(_ROUNDS):
            off = off[~seasons.accepted(drawn[off], day[off], chance.random(len(off)))]
            drawn[off] = tastes.draw(row[off], chance.random(len(off)))
        return drawn

    def item(self, chance: np.random.Generator, person: Ints, category: Ints) -> Ints:
        """int64[n]: the item of each `category` that catches each `person`'s eye."""
        uniform = chance.random(len(person))
        drawn = self._wheels.spin(self._kind[person] * self._categories + category, uniform) % len(self._goods)
        department = self.response.department[category]
        brand = category * self._brands + self._people.favourite[person, department]
        sells = self._of_brand[brand + 1] > self._of_brand[brand]
        loyal = np.flatnonzero(sells & (chance.random(len(person)) < self._loyal[person]))
        drawn[loyal] = self._by_brand[self._brand_wheels.spin(brand[loyal], chance.random(len(loyal)))]
        return drawn

    def chances(self, person: Ints, day: Floats) -> Floats:
        """float64[n, categories]: the chance that `category` draws each."""
        tastes, seasons = self.response.tastes, self.response.seasons
        share = tastes.share[tastes.row(person, day)]
        left = seasons.left(day)
        rejected = 1 - (share * left).sum(axis=1, keepdims=True)
        tries = sum(rejected**round_ for round_ in range(_ROUNDS))
        return np.asarray(share * left * tries + share * rejected**_ROUNDS)

    def prices(self, person: Ints) -> Floats:
        """float64[n, categories]: the mean price (EUR, before anything changes) of what `item` draws in each."""
        goods = self._goods
        plain = self._wheels.means(np.tile(goods.price, self._wheels.groups // self._categories))
        plain = plain.reshape(-1, self._categories)[self._kind[person]]
        branded = self._brand_wheels.means(goods.price[self._by_brand]).reshape(self._categories, self._brands)
        category = np.arange(self._categories)
        brand = self._people.favourite[person][:, self.response.department[category]]
        mean = branded[category, brand]
        loyal = np.where(np.isnan(mean), 0.0, self._loyal[person][:, None])
        return np.asarray((1 - loyal) * plain + loyal * np.nan_to_num(mean))

    def _bounds(self, category: Ints, kinds: int) -> Ints:
        starts = np.searchsorted(category, np.arange(self._categories))
        bounds = (np.arange(kinds)[:, None] * len(category) + starts).ravel()
        return np.append(bounds, kinds * len(category))


def _weights(response: Response, said: ItemResponse, style: int, price: float, eco: float) -> Floats:
    """float64[items]: how likely each item of a category is looked at by people of this style and mindedness."""
    goods = response.goods
    dear = np.log(goods.price / usual_prices(goods)[goods.category])
    logit = said.style_views * (goods.style == style) - said.price_views * (2 * price - 1) * dear
    return np.asarray(goods.attraction * np.exp(logit + said.eco_views * eco * goods.eco))
