"""Items that are like one in what the catalogue says of them: for what is too new for anybody to have shown more."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from etappe.catalog.filters import compile_filter
from etappe.catalog.table import UNCATEGORISED
from etappe.serving.candidates import Candidates
from etappe.serving.situation import Situation
from etappe.serving.sources.source import BLOCK, Words
from etappe.serving.viewing.view import DECAYED, Rows

WORDS: Final = Words(kind="similar", alone="From the same category")
_CATEGORY, _BRAND, _PRICE = 0.5, 0.25, 0.25
"""What each counts: a lamp of another brand is nearer to a lamp than its brand's sofa."""
_STEEP: Final = 2.0
"""Twice the price is worth a quarter of the same price."""


def ask(here: Situation, into: Candidates, row: int) -> Iterator[bool]:
    """The items of the category of the catalogue's `row`, those first that share its brand and are near its price.

    Only the most popular of the category are looked at, so that a large one costs no more than a small one.
    """
    rows = _of_category(here, row)
    if len(rows):
        scores = _likeness(here, row, rows)
        order = np.argsort(-scores, kind="stable")
        into.append(rows[order], scores[order])
        yield True


def _of_category(here: Situation, row: int) -> Rows:
    code = int(here.view.catalogue.column("category")[row])
    if code == UNCATEGORISED:
        return np.zeros(0, np.int64)
    rows = here.view.by_popularity(DECAYED, code)[:BLOCK]
    others: Rows = rows[rows != row]
    return others


def _likeness(here: Situation, row: int, rows: Rows) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """float64[n]: 0 to 1 for each of `rows`, all of the category."""
    catalogue = here.view.catalogue
    brand, price = catalogue.item(row).brand, float(catalogue.column("price")[row])
    scores = np.full(len(rows), _CATEGORY)
    if brand is not None:
        scores += _BRAND * compile_filter({"brand": brand}).mask(catalogue, rows)
    prices = catalogue.column("price")[rows]
    if price > 0:
        known = prices > 0  # neither nothing nor unknown
        scores[known] += _PRICE * np.exp(-_STEEP * np.abs(np.log(prices[known] / price)))
    return scores
