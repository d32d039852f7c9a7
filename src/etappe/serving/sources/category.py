"""The most popular items of the categories that the customer is in."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from etappe.catalog.table import UNCATEGORISED
from etappe.serving.situation import Situation
from etappe.serving.sources import popular
from etappe.serving.sources.source import Block, Source, Words
from etappe.serving.view import DECAYED, Rows


def ask(here: Situation) -> Iterator[Block]:
    """Each category's items by decayed purchases, one category after another."""
    for code in categories(here).tolist():
        yield from popular.ranked(here, DECAYED, code)


def categories(here: Situation) -> Rows:
    """int64[k]: category codes of what the customer is at, most frequent first; uncategorised items say nothing."""
    rows = here.view.catalogue.rows(here.interests)
    codes = here.view.catalogue.column("category")[rows[rows >= 0]]
    found, counts = np.unique(codes[codes != UNCATEGORISED], return_counts=True)
    return found[np.lexsort((found, -counts))].astype(np.int64)


CATEGORY: Final = Source(
    name="category",
    family=popular.FAMILY,
    words=Words(kind="popular_in_category", alone="Popular in this category"),
    ask=ask,
)
