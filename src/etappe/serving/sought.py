"""The compiled part of the situation: what a customer took to, and what they are at just now."""

from typing import Any, Final

import numpy as np
from numba import njit

from etappe.catalog.finding import row_of
from etappe.customers.folding.kernels import EPOCH
from etappe.customers.records import GIFT, IGNORED
from etappe.customers.state import LEAST
from etappe.events.vocabulary import STRENGTH
from etappe.units import MICROSECONDS

BADLY_RATED: Final = 2
"""A rating up to this, of 5, says that the customer does not like the item."""
MAX_SEEDS: Final = 16
"""Items that a customer is at just now at most: the latest."""
HERE: Final = 3.0
"""Weight of the item on the page and of those in the cart, beside the strength of events."""


@njit(cache=True, nogil=True)
def look(
    items: Any, recent: Any, page: Any, cart: int, since: float,
    known: Any, half_life: float, trained: float,
    rows: Any, weights: Any, liked: Any, interests: Any,
) -> tuple[int, int, int, int]:  # fmt: skip
    """Fills in what a situation has; returns how many there are of the history, the seeds, the cart and the interests.

    Args:
        items: ITEM[m].
        recent: EVENT[n], in order of time.
        page: uint64[k] hashes; let p be n + k.
        cart: how many of them are in the cart: the first.
        since: Unix seconds from which on events are of this session.
        known: uint64[model rows], the hashes of the snapshot.
        half_life: seconds.
        trained: Unix seconds. Aged to when the snapshot was trained, a history weighs what it weighed there, whatever
            the clock says; what came later is as fresh as it was then.
        rows: int64[m + 2 p], filled with model rows: the history, from m on the seeds, from m + p on the cart.
        weights: float64[m + p], filled with those of the history, from m on of the seeds.
        liked: ITEM[m], filled with the history.
        interests: uint64[m + p], filled with the hashes of the seeds, and where there is none of what speaks for taste.
    """
    m, p = len(items), len(recent) + len(page)
    speaks, hashes, strengths = np.empty(m, np.bool_), np.empty(p, np.uint64), np.empty(p, np.float64)
    _own_taste(items, speaks)
    count = _seeds(recent, since, items, speaks, page, hashes, strengths)
    history = _history(items, speaks, known, half_life, trained, rows, weights, liked)
    seeds, carted = 0, 0
    for index in range(count):
        row = row_of(hashes[index], known)
        if row >= 0:
            rows[m + seeds], weights[m + seeds] = row, strengths[index]
            seeds += 1
    for index in range(cart):
        row = row_of(page[index], known)
        if row >= 0:
            rows[m + p + carted] = row
            carted += 1
    return history, seeds, carted, _interests(items, speaks, hashes[:count], interests)


@njit(cache=True, nogil=True)
def _history(
    items: Any, speaks: Any, known: Any, half_life: float, trained: float, rows: Any, weights: Any, liked: Any
) -> int:
    """Fills in model rows, weights and items of what the customer took to; returns how many there are."""
    at_training, filled = 2.0 ** (-(trained - EPOCH) / half_life), 0
    for index in range(len(items)):
        if not speaks[index]:
            continue
        last = np.float64(items[index].last)
        aged = at_training if last <= trained else 2.0 ** (-(last - EPOCH) / half_life)
        weight = items[index].weight * aged
        row = row_of(items[index].item, known) if weight >= LEAST else -1
        if row >= 0:
            rows[filled], weights[filled], liked[filled] = row, weight, items[index]
            filled += 1
    return filled


@njit(cache=True, nogil=True)
def _interests(items: Any, speaks: Any, seeds: Any, hashes: Any) -> int:
    """Fills in the hashes of the seeds, and where there is none, of what speaks for the customer's taste."""
    filled = 0
    for index in range(len(seeds)):
        hashes[filled] = seeds[index]
        filled += 1
    for index in range(len(items) if len(seeds) == 0 else 0):
        if speaks[index]:
            hashes[filled] = items[index].item
            filled += 1
    return filled


@njit(cache=True, nogil=True)
def _own_taste(items: Any, speaks: Any) -> None:
    """Fills bool[n]: which of ITEM[n] speak for the customer's taste.

    What was given away, turned down or rated badly does not.
    """
    for index in range(len(items)):
        refused = 0 < items[index].rating <= BADLY_RATED
        speaks[index] = items[index].flags & (GIFT | IGNORED) == 0 and not refused


@njit(cache=True, nogil=True)
def _seeds(recent: Any, since: float, items: Any, speaks: Any, page: Any, hashes: Any, weights: Any) -> int:
    """Fills in what the customer is at, the latest last; returns how many there are, at most MAX_SEEDS.

    Each item's weight is the strength of its events from `since` on, and HERE for each time that it is on the page.
    Items that do not speak for the customer's taste are none, unless they are on the page. What has no weight above 0
    is left out before the latest are taken.

    `speaks` is that of `_own_taste`; `hashes` and `weights` have room for all events and the page.
    """
    filled = 0
    for index in range(len(recent)):
        if recent[index].time >= since * MICROSECONDS and not _is_refused(recent[index].item, items, speaks):
            filled = _add(hashes, weights, filled, recent[index].item, STRENGTH[recent[index].code])
    for index in range(len(page)):
        filled = _add(hashes, weights, filled, page[index], HERE)
    positive = 0
    for index in range(filled):
        if weights[index] > 0.0:
            hashes[positive], weights[positive] = hashes[index], weights[index]
            positive += 1
    first = max(positive - MAX_SEEDS, 0)
    for index in range(first, positive):
        hashes[index - first], weights[index - first] = hashes[index], weights[index]
    return positive - first


@njit(cache=True, nogil=True, inline="always")
def _is_refused(item: Any, items: Any, speaks: Any) -> bool:
    refused = False
    for index in range(len(items)):
        refused |= items[index].item == item and not speaks[index]
    return refused


@njit(cache=True, nogil=True)
def _add(hashes: Any, weights: Any, filled: int, item: Any, weight: float) -> int:
    """Adds to an item's weight and makes it the latest."""
    for index in range(filled):
        if hashes[index] == item:
            weight += weights[index]
            for later in range(index, filled - 1):
                hashes[later], weights[later] = hashes[later + 1], weights[later + 1]
            hashes[filled - 1], weights[filled - 1] = item, weight
            return filled
    hashes[filled], weights[filled] = item, weight
    return filled + 1
