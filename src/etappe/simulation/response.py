"""How people respond to what they are shown: the chances of clicking and of buying, exactly, for anybody at any time.

These are what responses are drawn with, in the story and live, and what the oracle computes values of policies with.
"""

from typing import Final

import numpy as np

from etappe.simulation.clock import Clock
from etappe.simulation.goods.assortment import Assortment
from etappe.simulation.goods.goods import Goods
from etappe.simulation.goods.pieces import pieces
from etappe.simulation.goods.seasons import Seasons, wave
from etappe.simulation.goods.shelf import Shelf
from etappe.simulation.parameters import Parameters
from etappe.simulation.people.people import People
from etappe.simulation.people.tastes import Tastes
from etappe.simulation.tables import Floats, Ints

_RARE: Final = 0.05
"""Wants are counted from a twentieth to 20 times the average."""
EVERYTHING: Final = -1
"""The topic of a piece that is for all departments."""


class Response:
    """The truth about one world's people, items and pieces. All arguments are arrays of one length n, or numbers."""

    def __init__(
        self,
        parameters: Parameters,
        assortment: Assortment,
        clock: Clock,
        people: People,
        tastes: Tastes,
        goods: Goods,
        shelf: Shelf,
    ) -> None:
        self.people, self.tastes, self.goods, self.shelf = people, tastes, goods, shelf
        self.seasons = Seasons(assortment, parameters, clock)
        self._clock, self._items, self._pieces = clock, parameters.response, parameters.pieces
        self._usual = usual_prices(goods)
        self.department = departments(assortment)
        """int64[categories]: the department of each."""
        self._of_kind = _KindTables(parameters)
        names = [department.name for department in assortment.departments]
        self.topic = np.array([EVERYTHING if one.topic is None else names.index(one.topic) for one in pieces()])
        """int64[pieces]: the department of each piece, or EVERYTHING."""
        of_department = (self.department[:, None] == np.arange(len(names))).astype(np.float64)
        self._interest = tastes.share @ of_department * len(names)
        """float64[taste rows, departments]: by how much more than average each is wanted."""

    def utility(self, person: Ints, item: Ints, day: Floats) -> Floats:
        """float64[n]: what an item is to a person on a day, as a logit."""
        said, people, goods = self._items, self.people, self.goods
        category = goods.category[item]
        wanted = self.tastes.share[self.tastes.row(person, day), category] * self.tastes.share.shape[1]
        dear = np.log(self.shelf.price(item, day) / self._usual[category])
        favourite = people.favourite[person, self.department[category]] == goods.brand[item]
        return np.asarray(
            said.taste * np.log(np.clip(wanted, _RARE, 1 / _RARE))
            + said.season * self.seasons.log_demand(category, day)
            + said.style * (people.style[person] == goods.style[item])
            - said.price * (2 * people.price[person] - 1) * dear
            + said.eco * people.eco[person] * goods.eco[item]
            + said.brand * people.brand[person] * favourite
            + said.attraction * np.log(goods.attraction[item])
        )

    def examined(self, position: Ints) -> Floats:
        """float64[n]: the chance that a `position` of a list (from 0) is looked at."""
        return np.asarray(1.0 / (1.0 + self._items.examine * position))

    def item_click(self, person: Ints, stage: Ints, item: Ints, day: Floats, position: Ints, seen: Ints) -> Floats:
        """float64[n]: the chance of a click; `seen` counts earlier sights of the item in the same stay in the stage."""
        logit = np.array(self._items.click)[stage] + self.utility(person, item, day)
        return self.examined(position) * logistic(logit) * self._items.fatigue ** np.asarray(seen, dtype=np.float64)

    def item_buy(self, person: Ints, stage: Ints, item: Ints, day: Floats) -> Floats:
        """float64[n]: the chance that a click leads to a purchase of the item, at once or later."""
        return logistic(np.array(self._items.buy)[stage] + self.utility(person, item, day) / 2)

    def piece_click(self, person: Ints, stage: Ints, piece: Ints, day: Floats, seen: Ints) -> Floats:
        """float64[n]: the chance of a click on a piece; `seen` as for items."""
        return self._piece_logistic(person, stage, piece, day) * self._items.fatigue ** np.asarray(seen, np.float64)

    def piece_buy(self, person: Ints, stage: Ints, piece: Ints) -> Floats:
        """float64[n]: the chance that a click on a piece leads to a purchase, at once or later."""
        kinds = self._of_kind
        kind = kinds.of_piece[piece]
        minded = kinds.thrift[kind] * (2 * self.people.price[person] - 1)
        return logistic(kinds.buy[kind, stage] + minded)

    def lift(self, stage: Ints, piece: Ints) -> Floats:
        """float64[n]: what a click on a piece adds to the logit of moving on at the end of the stage."""
        lift: Floats = self._of_kind.lift[self._of_kind.of_piece[piece], stage]
        return lift

    def _piece_logistic(self, person: Ints, stage: Ints, piece: Ints, day: Floats) -> Floats:
        kinds, topic = self._of_kind, self.topic[piece]
        kind = kinds.of_piece[piece]
        interest = self._interest[self.tastes.row(person, day), topic]
        minded = kinds.thrift[kind] * (2 * self.people.price[person] - 1)
        drift = self._pieces.drift * wave(self._clock.day_of_year(day), kinds.peak[kind])
        of_topic = np.where(topic == EVERYTHING, 0.0, np.log(np.clip(interest, _RARE, 1 / _RARE)))
        return logistic(kinds.click[kind, stage] + self._pieces.topic * of_topic + minded + drift)


class _KindTables:
    """The world's tables of kinds of pieces as arrays [kinds, stages]."""

    def __init__(self, parameters: Parameters) -> None:
        kinds = parameters.pieces.kinds
        self.click, self.buy, self.lift = (
            np.array([getattr(kind, field) for kind in kinds.values()]) for field in ("click", "buy", "lift")
        )
        self.thrift = np.array([kind.thrift for kind in kinds.values()])
        self.peak = np.array([kind.peak for kind in kinds.values()])
        self.of_piece = np.array([list(kinds).index(piece.kind) for piece in pieces()])


def logistic(logit: Floats) -> Floats:
    """float64[n]: 1 / (1 + exp(-logit))."""
    return np.asarray(1.0 / (1.0 + np.exp(-logit)))


def usual_prices(goods: Goods) -> Floats:
    """float64[categories]: the geometric mean of a category's prices."""
    return np.asarray(np.exp(np.bincount(goods.category, np.log(goods.price)) / np.bincount(goods.category)))


def departments(assortment: Assortment) -> Ints:
    """int64[categories]: the department of each."""
    sizes = [len(department.categories) for department in assortment.departments]
    return np.repeat(np.arange(len(sizes)), sizes)
