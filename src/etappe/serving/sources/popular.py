"""The most popular items, and at last all of the catalogue."""

from collections.abc import Iterator
from typing import Final

from etappe.models import popularity
from etappe.serving.candidates import Candidates
from etappe.serving.situation import Situation
from etappe.serving.sources.source import Source, Words, blocks
from etappe.serving.viewing.view import DECAYED, Rows

FAMILY: Final = "popular"
WORDS: Final = Words(kind="popular", unproven=("assortment", "From our range"))
_LEAST: Final = 1e-9
"""What scores are divided by where nothing was ever bought."""


def ask(here: Situation, into: Candidates) -> Iterator[bool]:
    """All items by decayed purchases."""
    return ranked(here, into, DECAYED)


def ranked(here: Situation, into: Candidates, measure: str, category: int = -1, *, last: bool = True) -> Iterator[bool]:
    """All rows (of one category code) by a measure of popularity; `last`: the source has nothing behind them."""
    rows = here.view.by_popularity(measure, category)
    if len(rows) == 0:
        return
    first = int(rows[0])
    if here.within is not None:
        rows = _within(here, here.within, measure, category)
    to_model, values = here.view.measured(measure)
    for start, end in blocks(here, at_hand=True):
        block = rows[start:end]
        into.make_room(len(block))
        popularity.put_ranked(block, to_model, values, first, _LEAST, into.count, into.arrays)
        into.count += len(block)
        if end >= len(rows):
            yield last
            return
        yield False


def _within(here: Situation, few: Rows, measure: str, category: int) -> Rows:
    """Those of `few` rows that are of the category, in the same order as all of them."""
    if category >= 0:
        few = few[here.view.catalogue.column("category")[few] == category]
    return here.view.most_popular_first(few, measure)


POPULAR: Final = Source(name="popularity", family=FAMILY, words=WORDS, ask=ask)
