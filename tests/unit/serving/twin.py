"""The serving code's twin: sources and lists one candidate at a time, in dictionaries and generators. Slow and plain."""

from collections.abc import Callable, Iterator, Sequence
from math import log2
from typing import NamedTuple

import numpy as np

from etappe.catalog.item import Item
from etappe.customers.records import GIFT, IGNORED
from etappe.customers.state import State
from etappe.events.vocabulary import STRENGTH
from etappe.ids import item_hash
from etappe.models.copurchase import Neighbours
from etappe.models.snapshot import Snapshot

Blocks = list[list[tuple[str, float]]]
"""What a source gives: item ids with scores relative to its best, best first, in blocks."""


class Wanted(NamedTuple):
    """One placement."""

    limit: int
    cap: int | None


class Lists:
    """Lists of one page from blocks of candidates: `forbids` names the check that forbids an item, if any does."""

    def __init__(self, items: Sequence[Item], in_turn: list[Blocks], then: list[Blocks]) -> None:
        self.items = {item.id: item for item in items}
        self.in_turn, self.then = in_turn, then
        self.shown: set[str] = set()
        self.left_out: dict[str, int] = {}

    def group(self, item_id: str) -> str:
        """What fills one place together."""
        return self.items[item_id].item_group_id or item_id

    def filled(self, wanted: Wanted, forbids: Callable[[str], str | None]) -> list[tuple[int, str, float]]:
        """Source, item and score of each place: groups once, those on the page already at the end."""
        self.left_out = {}
        chosen: list[tuple[int, str, float]] = []
        again: list[tuple[int, str, float]] = []
        for candidate in self._candidates(forbids):
            group = self.group(candidate[1])
            if group in {self.group(item) for _, item, _ in chosen + again}:
                continue
            if not self._room(candidate[1], chosen, wanted):
                continue
            (again if group in self.shown else chosen).append(candidate)
            if len(chosen) == wanted.limit:
                break
        for candidate in again:
            if len(chosen) < wanted.limit and self._room(candidate[1], chosen, wanted):
                chosen.append(candidate)
        self.shown |= {self.group(item) for _, item, _ in chosen}
        return chosen

    def _candidates(self, forbids: Callable[[str], str | None]) -> Iterator[tuple[int, str, float]]:
        """One of each first source in turn, then each other source to its end."""
        streams = [self._stream(place, blocks, forbids) for place, blocks in enumerate(self.in_turn + self.then)]
        waiting, then = streams[: len(self.in_turn)], streams[len(self.in_turn) :]
        while waiting:
            for stream in list(waiting):
                candidate = next(stream, None)
                if candidate is None:
                    waiting.remove(stream)
                else:
                    yield candidate
        for stream in then:
            yield from stream

    def _stream(
        self, source: int, blocks: Blocks, forbids: Callable[[str], str | None]
    ) -> Iterator[tuple[int, str, float]]:
        """What a source gives, without what is forbidden; what is left out is counted block by block."""
        for block in blocks:
            passed = []
            for item, score in block:
                why = forbids(item)
                if why is None:
                    passed.append((source, item, score))
                else:
                    self.left_out[why] = self.left_out.get(why, 0) + 1
            yield from passed

    def _room(self, item_id: str, chosen: list[tuple[int, str, float]], wanted: Wanted) -> bool:
        category = self.items[item_id].category
        same = sum(self.items[item].category == category for _, item, _ in chosen)
        return wanted.cap is None or category is None or same < wanted.cap


class Sources:
    """What the sources give for a customer on a page, of a shop with `items`, put in in that order."""

    def __init__(
        self, items: Sequence[Item], snapshot: Snapshot | None, who: State | None, page: dict[str, object], since: float
    ) -> None:
        self.items, self.snapshot, self.who = items, snapshot, who
        self.ids = {item_hash(item.id): item.id for item in items}
        self.rows = {} if snapshot is None else {int(one): row for row, one in enumerate(snapshot.items.tolist())}
        self.cart = [item_hash(item) for item in page["cart"]]
        self.here = [*self.cart, *([item_hash(page["item"])] if page["item"] else [])]
        self.seeds = self._seeds(since)

    def in_turn(self) -> list[tuple[str, Blocks]]:
        """The first sources, by the names of explanations."""
        snapshot, history = self.snapshot, self._history()
        cart = {hashed: 5.0 for hashed in self.cart if hashed in self.rows}
        seeds = {hashed: weight for hashed, weight in self.seeds.items() if hashed in self.rows}
        if snapshot is None:
            return []
        found = []
        if cart:
            found.append(("cart", self._named(snapshot.bought_together, cart)))
        if seeds:
            found.append(("session", self._named(snapshot.also_bought, seeds)))
        if history:
            found.append(("factors", self._near(history)))
            found.append(("copurchase", self._named(snapshot.also_bought, history, itself=True)))
        return found

    def then(self) -> list[tuple[str, Blocks]]:
        """The others."""
        interests = self.seeds or dict.fromkeys(self._own_taste(), 1.0)
        told = [item.category for item in self.items if item_hash(item.id) in interests and item.category]
        order = list(dict.fromkeys(item.category for item in self.items))
        categories = sorted(set(told), key=lambda name: (-told.count(name), order.index(name)))
        by_category = [
            self._popular([item for item in self.items if item.category == category]) for category in categories
        ]
        return [("category", by_category), ("popularity", [self._popular(self.items)])]

    def _own_taste(self) -> list[int]:
        if self.who is None:
            return []
        return [
            int(item["item"])
            for item in self.who.items
            if not item["flags"] & (GIFT | IGNORED) and not 0 < item["rating"] <= 2
        ]

    def _history(self) -> dict[int, float]:
        """The weight of each item of the taste, as of the training, or of what was done later as it was then."""
        if self.who is None or self.snapshot is None:
            return {}
        ages = np.maximum(self.snapshot.parameters.now, self.who.items["last"].astype(float))
        weights = dict(zip(self.who.items["item"].tolist(), self.who.weights(ages).tolist(), strict=True))
        taste = set(self._own_taste()) & set(self.rows)
        return {hashed: weight for hashed, weight in weights.items() if hashed in taste and weight > 0}

    def _seeds(self, since: float) -> dict[int, float]:
        """What the customer is at: the latest sixteen, each as strong as its events, and 3 for each time on the page."""
        found: dict[int, float] = {}
        events = [] if self.who is None else list(self.who.recent)
        refused = set() if self.who is None else set(self.who.items["item"].tolist()) - set(self._own_taste())
        told = [
            (int(event["item"]), float(STRENGTH[event["code"]]))
            for event in events
            if event["time"] >= since * 1e6 and event["item"] not in refused
        ]
        for hashed, strength in told + [(hashed, 3.0) for hashed in self.here]:
            found[hashed] = found.pop(hashed, 0.0) + strength
        return dict([(hashed, weight) for hashed, weight in found.items() if weight > 0][-16:])

    def _named(self, neighbours: Neighbours, history: dict[int, float], *, itself: bool = False) -> Blocks:
        """What lists name, by the sum of confidence * ratio; equal ones in order of the snapshot's rows."""
        assert self.snapshot is not None
        total: dict[int, float] = {}
        for hashed, weight in history.items():
            item, sure = self.rows[hashed], log2(1 + weight / 5.0)
            if itself and self.snapshot.own[item] > 0:
                total[item] = total.get(item, 0.0) + sure * float(self.snapshot.own[item])
            for row, ratio in zip(neighbours.rows[item].tolist(), neighbours.scores[item].tolist(), strict=True):
                if row >= 0 and ratio > 0:
                    total[row] = total.get(row, 0.0) + sure * ratio
        return self._told(total)

    def _near(self, history: dict[int, float]) -> Blocks:
        """What the solved factor scores above 0 (Hu, Koren, Volinsky 2008)."""
        assert self.snapshot is not None
        factors = self.snapshot.factors.astype(float)
        parameters = self.snapshot.parameters
        left = self.snapshot.gram.astype(float) + parameters.regularisation * np.eye(factors.shape[1])
        right = np.zeros(factors.shape[1])
        for hashed, weight in history.items():
            sure, factor = parameters.alpha * log2(1 + weight / 5.0), factors[self.rows[hashed]]
            left += (sure - 1) * np.outer(factor, factor)
            right += sure * factor
        scores = factors @ np.linalg.solve(left, right)
        return self._told({row: float(score) for row, score in enumerate(scores)})

    def _told(self, total: dict[int, float]) -> Blocks:
        """What scores above 0 and is in the shop, relative to the best."""
        hashes = {row: hashed for hashed, row in self.rows.items()}
        ordered = sorted((row for row in total if total[row] > 0), key=lambda row: (-total[row], row))
        known = [row for row in ordered if hashes[row] in self.ids]
        return [[(self.ids[hashes[row]], total[row] / total[ordered[0]]) for row in known]] if known else []

    def _popular(self, items: Sequence[Item]) -> list[tuple[str, float]]:
        def worth(item: Item) -> float:
            row = self.rows.get(item_hash(item.id))
            return 0.0 if row is None or self.snapshot is None else float(self.snapshot.popularity[row])

        ordered = sorted(items, key=lambda item: (-worth(item), item_hash(item.id)))
        return [(item.id, worth(item) / max(worth(ordered[0]), 1e-9)) for item in ordered]
