"""The most popular items, and at last all of the catalogue."""

from collections.abc import Iterator
from typing import Final

from etappe.serving.situation import Situation
from etappe.serving.sources.source import BLOCK, Block, Source, Words
from etappe.serving.viewing.view import DECAYED

FAMILY: Final = "popular"
WORDS: Final = Words(kind="popular")
_LEAST: Final = 1e-9
"""What scores are divided by where nothing was ever bought."""


def ask(here: Situation) -> Iterator[Block]:
    """All items by decayed purchases."""
    return ranked(here, DECAYED)


def ranked(here: Situation, measure: str, category: int = -1) -> Iterator[Block]:
    """All rows (of one category code) by a measure of popularity."""
    rows = here.view.by_popularity(measure, category)
    if len(rows) == 0:
        return
    best = max(float(here.view.measured_at(measure, rows[:1])[0]), _LEAST)
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        yield Block(block, here.view.measured_at(measure, block) / best)


POPULAR: Final = Source(name="popularity", family=FAMILY, words=WORDS, ask=ask)
