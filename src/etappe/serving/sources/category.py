"""The most popular items of the categories that the customer is in."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numba import njit

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
    catalogue = here.view.catalogue
    listed: list[int] = _frequent(catalogue.rows(here.interests), catalogue.gate).tolist()
    return listed


@njit(cache=True, nogil=True)
def _frequent(rows: Any, columns: Any) -> Any:
    """int64[k]: the category codes of `rows` (-1 for none), most frequent first; equal ones in order of their codes.

    `columns` are the catalogue's records. A code moves up past those that it has overtaken as its rows are counted.
    """
    codes, counts, size = np.empty(len(rows), np.int64), np.zeros(len(rows), np.int64), 0
    for index in range(len(rows)):
        code = np.int64(UNCATEGORISED) if rows[index] < 0 else np.int64(columns[rows[index]].category)
        if code == UNCATEGORISED:
            continue
        place = 0
        while place < size and codes[place] != code:
            place += 1
        if place == size:
            codes[size] = code
            size += 1
        count = counts[place] + 1
        while place > 0 and (counts[place - 1] < count or (counts[place - 1] == count and codes[place - 1] > code)):
            codes[place], counts[place] = codes[place - 1], counts[place - 1]
            place -= 1
        codes[place], counts[place] = code, count
    return codes[:size]


CATEGORY: Final = Source(
    name="category",
    family=popular.FAMILY,
    words=Words(
        kind="popular_in_category",
        alone="Popular in this category",
        unproven=("in_category", "From the same category"),
    ),
    ask=ask,
)
