"""The fold: what a run of events makes of a customer's items and totals. One kernel serves requests, worker and import.

Events may arrive in any order, be split anywhere into runs, and come after later ones were folded: the outcome is that
of the whole history in one run, for
- counts, first and last times (of an item the day of its last event), the flags IGNORED and GIFT (set once, set for
  ever): exactly;
- sums of money: up to the rounding of the last bits; of weights: up to 2^-20 for each time the base was packed;
- cart, wish list and rating: exactly. The event with the later time decides. At the very same microsecond what takes
  away wins (a purchase or remove_from_cart over add_to_cart, remove_from_wishlist over add_to_wishlist), and the higher
  rating;
- `orders`: exactly while a customer has at most RECENT_ORDERS. Beyond, the line of an order that is not among those
  remembered counts it again. Which are remembered, the last to come first, depends on the order of arrival.
It holds as long as no item was left out for the bounds (`keep_telling`): an item left out that comes again begins
anew.

Weights decay forward (Cormode et al. 2009, "Forward decay"): an event at time t adds strength * 2^((t - EPOCH) / h), so
that adding commutes and nothing has to be decayed again. The weight at `now` is the sum times 2^(-(now - EPOCH) / h).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from etappe.customers.folding.kernels import RECENT_ORDERS, add_events, add_items
from etappe.customers.records import IGNORED, one_run
from etappe.events.vocabulary import STRENGTH
from etappe.units import MICROSECONDS, SECONDS_PER_DAY

MAX_ACTED: Final = 512
"""Items a base keeps that the customer acted on: bought, wished, carted, rated. The latest stay, by `latest_acts`."""
MAX_IGNORED: Final = 1024
"""Items a base keeps that the customer does not want to see again. The latest stay, by `latest_acts`."""
MAX_SEEN: Final = 64
"""Items a base keeps that were merely looked at. The weightiest stay."""

TOTALS: Final = np.dtype(
    [
        ("first", "<u4"),
        ("last", "<u4"),
        ("events", "<u4"),
        ("orders", "<u4"),
        ("purchases", "<u4"),
        ("views", "<u4"),
        ("revenue", "<f8"),
        ("refunded", "<f8"),
        ("recent_orders", "<u4", (RECENT_ORDERS,)),
    ]
)
"""104 bytes: Unix seconds of first and last event, counts, and money in the shop's currency."""


def fold(
    items: NDArray[np.void], totals: NDArray[np.void], records: NDArray[np.void], half_life_days: float
) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Items and totals after `records`: EVENT[m] without blocks. The inputs stay as they are.

    Args:
        items: ITEM[n] of the base, ascending by hash.
        totals: TOTALS[1] of the base.
        records: EVENT[m].
        half_life_days: of an event's weight.

    Returns:
        ITEM[k], ascending by hash, however many, and TOTALS[1].
    """
    room = one_run(items, np.zeros(len(records), items.dtype))
    after = totals.copy()
    half_life = half_life_days * SECONDS_PER_DAY
    filled = add_events(room, len(items), after, records, STRENGTH, half_life)
    return _by_hash(room[:filled], len(items)), after


def joined_items(items: NDArray[np.void], more: NDArray[np.void]) -> NDArray[np.void]:
    """ITEM[k], ascending by hash: what two runs of events folded apart make together. Both ascend by hash."""
    room = one_run(items, np.zeros(len(more), items.dtype))
    return _by_hash(room[: add_items(room, len(items), more)], len(items))


def _by_hash(items: NDArray[np.void], known: int) -> NDArray[np.void]:
    """`items` ascending by hash, where the first `known` do already."""
    if len(items) == known:
        return items
    return items.take(np.argsort(items["item"]))  # four times as fast as an index


def orders_forgotten(totals: NDArray[np.void]) -> bool:
    """Whether more orders were counted in TOTALS[1] than are remembered: a late line may count its order again."""
    return bool(totals["orders"][0] > RECENT_ORDERS and totals["recent_orders"][0, -1])


def keep_telling(items: NDArray[np.void]) -> NDArray[np.void]:
    """The items within the bounds, of which none crowds out another.

    They are the latest MAX_IGNORED ignored, the latest MAX_ACTED of the others acted on, and the weightiest MAX_SEEN of
    those merely seen.
    """
    if len(items) <= MAX_SEEN:
        return items
    ignored = items["flags"] & IGNORED > 0
    acted = ((items["bought"] > 0) | (items["flags"] > 0) | (items["rating"] > 0)) & ~ignored
    n_ignored, n_acted = np.count_nonzero(ignored), np.count_nonzero(acted)
    if n_ignored <= MAX_IGNORED and n_acted <= MAX_ACTED and len(items) - n_ignored - n_acted <= MAX_SEEN:
        return items
    latest = -latest_acts(items)
    parts = (
        _first(items, ignored, latest, MAX_IGNORED),
        _first(items, acted, latest, MAX_ACTED),
        _first(items, ~(ignored | acted), -items["weight"], MAX_SEEN),
    )
    kept: NDArray[np.void] = items[np.sort(np.concatenate(parts))]
    return kept


def latest_acts(items: NDArray[np.void]) -> NDArray[np.float64]:
    """float64[n]: Unix seconds of the latest of the times that decide, or the day of the last event if later."""
    decided = np.maximum(np.maximum(items["carted"], items["wished"]), items["rated"]) // MICROSECONDS
    latest: NDArray[np.float64] = np.maximum(decided, np.maximum(items["last"], items["bought"])).astype(np.float64)
    return latest


def _first(items: NDArray[np.void], among: NDArray[np.bool_], key: NDArray[np.float64], most: int) -> NDArray[np.int64]:
    """The rows of `among` with the smallest `key`, at most so many; ties by item hash."""
    rows = np.flatnonzero(among)
    return rows[np.lexsort((items["item"][rows], key[rows]))[:most]]
