"""What is told of picks, in one compiled pass. Numbers speak of at least ten customers, or are not told.

The words are in `reasons.py`.
"""

from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from etappe.customers.records import CARTED, WISHED
from etappe.models import factors
from etappe.serving.ranking import Picks
from etappe.serving.situation import Situation
from etappe.serving.sources.neighbours import BOUGHT_TOGETHER
from etappe.serving.sources.source import Source

FEWEST: Final = 10
"""Numbers that speak of fewer customers could point at one of them."""
FORMS: Final = range(9)
ALONE, ALONE_COUNTED, BARE, COUNTED, BOUGHT, ON_WISH_LIST, IN_CART, LOOKED_AT, UNPROVEN = FORMS
"""How it is told why an item is shown: for itself, because of another, or by what the customer made of it."""
_NONE: Final = -1
_KNOWN, _PAIRED, _LOUDEST = range(3)
"""Which customers of a pair are told: those the source knows of, those of both lists, those of the loudest item."""
_OF_CUSTOMERS, _OF_ORDERS, _OF_WISHED, _UNPAIRED = range(4)
"""Whom the numbers of a pair are told of."""
_OF: Final = {"customers": _OF_CUSTOMERS, "orders": _OF_ORDERS, "wished": _OF_WISHED}
_COLUMNS: Final = 4
_NO_SHARES: Final = np.zeros((0, 0), np.float32)


def told(here: Situation, picks: Picks) -> list[list[int]]:
    """What is told of each pick: its form, the catalogue's row of the other item (-1: none there), count, and of.

    Of sources that leave it open, the item that speaks loudest is named.
    """
    view, snapshot = here.view, here.view.snapshot
    if snapshot is None:
        return [[ALONE, _NONE, 0, 0]] * len(picks.rows)
    ways, items, shares = _ways_of(picks.sources), view.to_model_rows(picks.rows), _NO_SHARES
    if ways.loudest and here.taste is not None:
        sought = [place for place, source in enumerate(picks.source.tolist()) if source in ways.loudest]
        if sought:
            shares = factors.contributions(here.taste, snapshot.factors[items[sought]])
    found = np.empty((len(items), _COLUMNS), np.int64)
    pairs = (picks.because, picks.counts, picks.source, ways.table)
    customer = (shares, here.history, here.items)
    also, everyone = snapshot.also_bought, snapshot.parameters.customers
    known = (view.rows_of_model(), also.rows, also.counts, snapshot.customers, snapshot.orders, snapshot.wished)
    _tell(items, *pairs, *customer, *known, everyone, found)
    listed: list[list[int]] = found.tolist()
    return listed


def rounded(scores: NDArray[np.float32]) -> list[float]:
    """Scores as they are told, with six places: exactly as `round` does, since 24 bits times 10^6 fit in a double."""
    listed: list[float] = _rounded(scores).tolist()
    return listed


class _Ways(NamedTuple):
    """int64[sources, 3]: how customers of pairs are counted, whom they are told of, whether few are told bare.

    `loudest` are the sources that leave open which item brought theirs.
    """

    table: NDArray[np.int64]
    loudest: frozenset[int]


@lru_cache(maxsize=64)
def _ways_of(sources: tuple[Source, ...]) -> _Ways:
    table = np.array([_way(source) for source in sources], np.int64).reshape(len(sources), 3)
    return _Ways(table, frozenset(place for place, source in enumerate(sources) if source.names_loudest))


def _way(source: Source) -> tuple[int, int, bool]:
    pair = source.words.pair
    counting = _KNOWN
    if source.names_loudest:
        counting = _LOUDEST
    elif source.words is BOUGHT_TOGETHER:  # many orders may be those of few customers
        counting = _PAIRED
    return counting, _UNPAIRED if pair is None else _OF[pair.of], pair is not None and pair.bare is not None


@njit(cache=True, nogil=True)
def _tell(
    items: Any,
    because: Any,
    counts: Any,
    source: Any,
    ways: Any,
    shares: Any,
    history: Any,
    mine: Any,
    to_row: Any,
    also_rows: Any,
    also_counts: Any,
    customers: Any,
    orders: Any,
    wished: Any,
    everyone: int,
    found: Any,
) -> None:
    """Fills `found` int64[n, 4] of `told` for each of `items`.

    `items` and `because` are model rows, -1 for none; `shares` are those of `factors.contributions` for the picks that
    leave open who speaks for them, in order; `mine` ITEM[m] is what the customer made of `history`.
    """
    sought = 0
    for pick in range(len(items)):
        item, other, both = items[pick], because[pick], counts[pick]
        counting, of, bare = ways[source[pick], 0], ways[source[pick], 1], ways[source[pick], 2]
        if counting == _LOUDEST:
            other = history[np.argmax(shares[sought])] if sought < len(shares) else _NONE
            sought += 1
            both = _pairs(also_rows, also_counts, other, item)
        together = min(both, _pairs(also_rows, also_counts, other, item)) if counting == _PAIRED else both
        form, count, total = ALONE, 0, 0
        if other != _NONE and other == item:
            form = _again(history, mine, item)
        elif other != _NONE and of != _UNPAIRED and (bare or together >= FEWEST):
            form = COUNTED if together >= FEWEST else BARE
            count, total = both, (customers if of == _OF_CUSTOMERS else orders if of == _OF_ORDERS else wished)[other]
        if form == ALONE and item != _NONE and customers[item] >= FEWEST:
            form, count, total = ALONE_COUNTED, customers[item], everyone
        found[pick, 0] = form
        found[pick, 1] = to_row[other] if form in (BARE, COUNTED) else _NONE
        found[pick, 2], found[pick, 3] = count, total


@njit(cache=True, nogil=True)
def _rounded(scores: Any) -> Any:
    found = np.empty(len(scores), np.float64)
    for place in range(len(scores)):
        found[place] = np.rint(np.float64(scores[place]) * 1e6) / 1e6
    return found


@njit(cache=True, nogil=True)
def _again(history: Any, mine: Any, item: int) -> int:
    """What the customer last made of an item that speaks for itself."""
    for place in range(len(history)):
        if history[place] == item:
            if mine[place].bought:
                return BOUGHT
            if mine[place].flags & WISHED:
                return ON_WISH_LIST
            return IN_CART if mine[place].flags & CARTED else LOOKED_AT
    return ALONE


@njit(cache=True, nogil=True)
def _pairs(rows: Any, counts: Any, item: int, other: int) -> int:
    """How many customers took both, where `other` is in the list of `item`; 0 where not."""
    if item >= 0 and other >= 0:
        for place in range(rows.shape[1]):
            if rows[item, place] == other:
                return int(counts[item, place])
    return 0
