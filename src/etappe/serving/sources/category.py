"""The most popular items of the categories that the customer is in."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from etappe.catalog.table import UNCATEGORISED
from etappe.serving.candidates import Candidates
from etappe.serving.situation import Situation
from etappe.serving.sources import popular
from etappe.serving.sources.source import Source, Words
from etappe.serving.viewing.view import DECAYED


def ask(here: Situation, into: Candidates) -> Iterator[bool]:
    """Each category's items by decayed purchases, one category after another."""
    codes = categories(here)
    for code in codes:
        yield from popular.ranked(here, into, DECAYED, code, last=code == codes[-1])


def categories(here: Situation) -> list[int]:
    """Category codes of what the customer is at, most frequent first; uncategorised items say nothing."""
    rows = here.view.catalogue.rows(here.interests)
    codes = here.view.catalogue.column("category")[rows[rows >= 0]]
    counts = Counter(codes.tolist())
    del counts[UNCATEGORISED]
    return sorted(counts, key=lambda code: (-counts[code], code))


CATEGORY: Final = Source(
    name="category",
    family=popular.FAMILY,
    words=Words(kind="popular_in_category", alone="Popular in this category"),
    ask=ask,
)
