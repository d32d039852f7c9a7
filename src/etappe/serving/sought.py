"""The compiled part of the situation: what a customer took to, and what they are at just now."""

from typing import Any, Final

from numba import njit

from etappe.customers.records import GIFT, IGNORED
from etappe.units import MICROSECONDS

BADLY_RATED: Final = 2
"""A rating up to this, of 5, says that the customer does not like the item."""
MAX_SEEDS: Final = 16
"""Items that a customer is at just now at most: the latest."""
HERE: Final = 3.0
"""Weight of the item on the page and of those in the cart, beside the strength of events."""


@njit(cache=True, nogil=True)
def own_taste(items: Any, speaks: Any) -> None:
    """Fills bool[n]: which of ITEM[n] speak for the customer's taste.

    What was given away, turned down or rated badly does not.
    """
    for index in range(len(items)):
        refused = 0 < items[index].rating <= BADLY_RATED
        speaks[index] = items[index].flags & (GIFT | IGNORED) == 0 and not refused


@njit(cache=True, nogil=True)
def seeds(
    recent: Any, since: float, items: Any, speaks: Any, page: Any, strength: Any, hashes: Any, weights: Any
) -> int:
    """Fills in what the customer is at, the latest last; returns how many there are, at most MAX_SEEDS.

    Each item's weight is the strength of its events from `since` on, and HERE for each time that it is on the page.
    Items that do not speak for the customer's taste are none, unless they are on the page. What has no weight above 0
    is left out before the latest are taken.

    Args:
        recent: EVENT[n], in order of time.
        since: Unix seconds.
        items: ITEM[m].
        speaks: bool[m] of `own_taste`.
        page: uint64[k] hashes.
        strength: float64[256], by code of event.
        hashes: uint64[n + k], filled in.
        weights: float64[n + k], filled in.
    """
    filled = 0
    for index in range(len(recent)):
        if recent[index].time >= since * MICROSECONDS and not _is_refused(recent[index].item, items, speaks):
            filled = _add(hashes, weights, filled, recent[index].item, strength[recent[index].code])
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
