"""The most popular items, and at last all of the catalogue."""

from collections.abc import Iterator
from typing import Final

from etappe.serving.situation import Situation
from etappe.serving.sources.source import BLOCK, Block, Source, Words
from etappe.serving.viewing.view import DECAYED, Rows

FAMILY: Final = "popular"
WORDS: Final = Words(kind="popular")
_LEAST: Final = 1e-9
"""What scores are divided by where nothing was ever bought."""


def ask(here: Situation) -> Iterator[Block]:
    """All items by decayed purchases."""
    return ranked(here, DECAYED)


def ranked(here: Situation, measure: str, category: int = -1, *, last: bool = True) -> Iterator[Block]:
    """All rows (of one category code) by a measure of popularity; `last`: the source has nothing behind them."""
    rows = here.view.by_popularity(measure, category)
    if len(rows) == 0:
        return
    best = 0.0
    if here.within is not None:
        best = max(float(here.view.measured_at(measure, rows[:1])[0]), _LEAST)
        rows = _within(here, here.within, measure, category)
    first = min(here.first or BLOCK, BLOCK)
    for end in range(first, len(rows) + BLOCK, BLOCK):
        block = rows[max(end - BLOCK, 0) : end] if end > first else rows[:first]
        if len(block):
            measured = here.view.measured_at(measure, block)
            best = best or max(float(measured[0]), _LEAST)
            yield Block(block, measured / best, last=last and end >= len(rows))


def _within(here: Situation, few: Rows, measure: str, category: int) -> Rows:
    """Those of `few` rows that are of the category, in the same order as all of them."""
    if category >= 0:
        few = few[here.view.catalogue.column("category")[few] == category]
    return here.view.most_popular_first(few, measure)


POPULAR: Final = Source(name="popularity", family=FAMILY, words=WORDS, ask=ask)
