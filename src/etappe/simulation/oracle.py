"""What nobody in the shop knows: true stages, the true value of any policy, the best there is, what touches brought."""

from typing import Final, Literal

import numpy as np

from etappe.simulation import effects
from etappe.simulation.response import EVERYTHING
from etappe.simulation.steps import Steps
from etappe.simulation.story import Story
from etappe.simulation.tables import Floats, Ints
from etappe.simulation.visits.interest import Interest
from etappe.simulation.visits.shown import TRIES

Worth = Literal["clicks", "purchases", "revenue"]
"""What a policy is judged by: expected clicks, purchases because of them, or what these cost (EUR, one piece each)."""
_AT_ONCE: Final = 256
"""People whose values for all items are held at once."""


class Oracle:
    """The truth about one story. Times are days of the story; `world.clock` turns moments into them."""

    def __init__(self, story: Story) -> None:
        self._story, self._world = story, story.world
        self._response = story.world.response
        self._interest = Interest(self._response, story.world.parameters.response)
        stays = story.stays
        self._stage = Steps(stays.person.astype(np.int64), stays.start, stays.stage.astype(np.int64))

    def stage_at(self, person: Ints, day: Floats) -> Ints:
        """int64[n]: the true stage of each `person` on each `day` (of newcomers before they come: their first)."""
        return self._stage.at(person, day)

    def item_values(self, person: Ints, day: Floats, item: Ints, worth: Worth) -> Floats:
        """float64[n]: what each `item` is worth, shown to `person` on `day` for the first time and looked at."""
        stage, first = self.stage_at(person, day), np.zeros(len(person), dtype=np.int64)
        value = self._response.item_click(person, stage, item, day, first, first)
        if worth != "clicks":
            value = value * self._response.item_buy(person, stage, item, day)
        return value * self._world.shelf.price(item, day) if worth == "revenue" else value

    def list_value(self, person: Ints, day: Floats, items: Ints, worth: Worth = "clicks") -> Floats:
        """float64[n]: what the lists `items` int64[n, length] are worth.

        An empty place (-1) and an item that is sold out are worth nothing.
        """
        count, length = items.shape
        who, when = np.repeat(person, length), np.repeat(day, length)
        item = np.maximum(items.ravel(), 0)
        value = self.item_values(who, when, item, worth)
        there = (items.ravel() >= 0) & self._world.shelf.available.at(item, when)
        looked = self._response.examined(np.tile(np.arange(length), count))
        return np.asarray((value * looked * there).reshape(count, length).sum(axis=1))

    def best_possible(self, person: Ints, day: Floats, length: int, worth: Worth = "clicks") -> tuple[Ints, Floats]:
        """int64[n, length] and float64[n]: the best lists of items that are in stock, and what they are worth.

        A place is looked at the less the further down it is, whatever stands there: so the best list has the best
        items in their order (rearrangement inequality).
        """
        best = np.concatenate(
            [
                self._best(person[start : start + _AT_ONCE], day[start : start + _AT_ONCE], length, worth)
                for start in range(0, len(person), _AT_ONCE)
            ]
        )
        return best, self.list_value(person, day, best, worth)

    def piece_values(self, person: Ints, day: Floats, worth: Worth = "clicks") -> Floats:
        """float64[n, pieces]: what each piece is worth, shown to `person` on `day` for the first time."""
        topic = self._response.topic
        count, pieces = len(person), len(topic)
        who, when = np.repeat(person, pieces), np.repeat(day, pieces)
        piece = np.tile(np.arange(pieces), count)
        stage = self.stage_at(who, when)
        value = self._response.piece_click(who, stage, piece, when, np.zeros(len(who), dtype=np.int64))
        if worth != "clicks":
            value = value * self._response.piece_buy(who, stage, piece)
        values = value.reshape(count, pieces)
        return values * self._order_values(person, day) if worth == "revenue" else values

    def policy_value(self, person: Ints, day: Floats, chances: Floats, worth: Worth = "clicks") -> Floats:
        """float64[n]: what a policy is worth that shows each piece with `chances` float64[n, pieces]."""
        return np.asarray((self.piece_values(person, day, worth) * chances).sum(axis=1))

    def best_piece(self, person: Ints, day: Floats, worth: Worth = "clicks") -> tuple[Ints, Floats]:
        """int64[n] and float64[n]: the best piece for each, and what it is worth."""
        values = self.piece_values(person, day, worth)
        return values.argmax(axis=1), values.max(axis=1)

    def brought(self) -> tuple[Floats, Floats]:
        """float64[touchpoints], twice: how many more moved on because of each, how many more bought; see `effects`."""
        return effects.brought(self._story)

    def _best(self, person: Ints, day: Floats, length: int, worth: Worth) -> Ints:
        """int64[n, length]: the best items of each; -1 where there are no more."""
        items = len(self._world.goods)
        who, when = np.repeat(person, items), np.repeat(day, items)
        item = np.tile(np.arange(items), len(person))
        value = self.item_values(who, when, item, worth)
        value = np.where(self._world.shelf.available.at(item, when), value, -1.0).reshape(len(person), items)
        order = np.argsort(-value, axis=1, kind="stable")[:, :length]
        return np.where(np.take_along_axis(value, order, axis=1) < 0, -1, order)

    def _order_values(self, person: Ints, day: Floats) -> Floats:
        """float64[n, pieces]: the mean price of what somebody buys because of each piece."""
        chances, price = self._interest.chances(person, day), self._interest.prices(person)
        columns = []
        for topic in self._response.topic.tolist():
            inside = (self._response.department == topic) | (topic == EVERYTHING)
            share = (chances * inside).sum(axis=1, keepdims=True)
            missed = (1 - share) ** (TRIES + 1)
            within = np.divide(chances * inside, share, out=np.zeros_like(chances), where=share > 0)
            outside = np.divide(chances * ~inside, 1 - share, out=np.zeros_like(chances), where=share < 1)
            columns.append((((1 - missed) * within + missed * outside) * price).sum(axis=1))
        return np.stack(columns, axis=1)
