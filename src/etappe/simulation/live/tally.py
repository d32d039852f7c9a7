"""The outcome of a game: how good the lists were that were served, beside the best there could have been."""

import numpy as np

from etappe.simulation.live.surroundings import Surroundings
from etappe.simulation.tables import Ints


class Tally:
    """Counts, and sums of expected clicks per list of items."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self.lists = self.clicks = self.pieces = self.piece_clicks = self.forbidden = 0
        self.expected = self.served = self.best = self.random = 0.0

    def saw_list(self, person: int, shown: Ints) -> None:
        """Notes a list that somebody was shown, and what the best and a random one would have been worth to them."""
        around = self._around
        self.lists += 1
        self.forbidden += sum(item in around.sold_out for item in shown.tolist())
        items = np.arange(len(around.items))
        who, feels = np.full(len(items), person), np.full(len(items), around.crowd.stage[person])
        nothing = np.zeros(len(items), dtype=np.int64)
        values = around.response.item_click(who, feels, items, np.full(len(items), around.day), nothing, nothing)
        looked = around.response.examined(np.arange(len(shown)))
        there = np.ones(len(items), dtype=np.bool_)
        there[list(around.sold_out)] = False
        self.served += float((values[shown] * looked).sum())
        self.best += float((np.sort(values[there])[::-1][: len(shown)] * looked).sum())
        self.random += float(values[there].mean() * looked.sum())
