"""From sources to a list: asked in turn, checked against the rules, at most so many of a kind, filled to the limit."""

from collections.abc import Iterator, Sequence
from itertools import chain

import msgspec
import numpy as np

from etappe.catalog.table import Catalogue
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
    groups: set[int] = set()
    per_category: dict[int, int] = {}
    chosen: list[Pick] = []
    again: list[Pick] = []
    for pick in picks:
        group = int(catalogue.column("group")[pick.row])
        category = int(catalogue.column("category")[pick.row])
        if group in groups or (max_per_category and per_category.get(category, 0) >= max_per_category):
            continue
        if group in shown:
            again.append(pick)
            groups.add(group)
            continue
        groups.add(group)
        per_category[category] = per_category.get(category, 0) + 1
        chosen.append(pick)
        if len(chosen) == limit:
            return chosen
    return _with_repeats(chosen, again, catalogue, limit, max_per_category, per_category)


def _with_repeats(
    chosen: list[Pick],
    again: list[Pick],
    catalogue: Catalogue,
    limit: int,
    max_per_category: int | None,
    per_category: dict[int, int],
) -> list[Pick]:
    for pick in again:
        category = int(catalogue.column("category")[pick.row])
        room = not max_per_category or per_category.get(category, 0) < max_per_category
        if len(chosen) < limit and room:
            per_category[category] = per_category.get(category, 0) + 1
            chosen.append(pick)
    return chosen
