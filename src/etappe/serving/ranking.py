"""From sources to a list: asked in turn, checked against the rules, at most so many of a kind, filled to the limit."""

from collections.abc import Iterator, Sequence
from itertools import chain

import msgspec
import numpy as np

from etappe.catalog.table import UNCATEGORISED, Catalogue
from etappe.serving.candidates import Candidates
from etappe.serving.rules import Gate


class Pick(msgspec.Struct, frozen=True):
    """One item of a list and what speaks for it; see `Candidates`."""

    row: int
    score: float
    source: str
    reason: str
    because: int
    count: int


Stream = Iterator[Pick]


def stream(blocks: Iterator[Candidates], gate: Gate) -> Stream:
    """The candidates that may be shown, one by one, best first."""
    for block in blocks:
        for place in np.flatnonzero(gate.passes(block.rows)):
            yield Pick(
                int(block.rows[place]),
                float(block.scores[place]),
                block.source,
                block.reason,
                int(block.because[place]),
                int(block.counts[place]),
            )


def in_turn(streams: Sequence[Stream]) -> Stream:
    """One of each stream in turn, until all are empty."""
    waiting = list(streams)
    while waiting:
        for one in list(waiting):
            pick = next(one, None)
            if pick is None:
                waiting.remove(one)
            else:
                yield pick


def one_after_another(streams: Sequence[Stream]) -> Stream:
    """All of the first stream, then all of the next."""
    return chain.from_iterable(streams)


def fill(picks: Stream, catalogue: Catalogue, limit: int, max_per_category: int | None, shown: set[int]) -> list[Pick]:
    """The first `limit` picks of different variant groups, at most so many of one category.

    Groups in `shown` (on the same page already) come only where nothing else is left.
    """
    room = _Room(catalogue, max_per_category)
    groups: set[int] = set()
    chosen: list[Pick] = []
    again: list[Pick] = []
    for pick in picks:
        group = int(catalogue.column("group")[pick.row])
        if group in groups or not room.has(pick.row):
            continue
        groups.add(group)
        if group in shown:
            again.append(pick)
            continue
        room.take(pick.row)
        chosen.append(pick)
        if len(chosen) == limit:
            return chosen
    for pick in again:
        if len(chosen) < limit and room.has(pick.row):
            room.take(pick.row)
            chosen.append(pick)
    return chosen


class _Room:
    """What is left of each category's share of a list. Items without a category share none."""

    def __init__(self, catalogue: Catalogue, most: int | None) -> None:
        self._codes = catalogue.column("category")
        self._most = most
        self._taken: dict[int, int] = {}

    def has(self, row: int) -> bool:
        code = int(self._codes[row])
        return self._most is None or code == UNCATEGORISED or self._taken.get(code, 0) < self._most

    def take(self, row: int) -> None:
        code = int(self._codes[row])
        self._taken[code] = self._taken.get(code, 0) + 1
