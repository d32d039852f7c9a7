"""The fold: what a run of events makes of a customer's items and totals. One kernel serves requests, worker and import.

Weights decay forward (Cormode et al. 2009, "Forward decay"): an event at time t adds strength * 2^((t - EPOCH) / h), so
that adding commutes and nothing has to be decayed again. The weight at `now` is the sum times 2^(-(now - EPOCH) / h).
"""

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from etappe.customers.records import CARTED, GIFT, IGNORED, WISHED
from etappe.events.vocabulary import CODES, STRENGTH

EPOCH: Final = 1_577_836_800
"""2020-01-01T00:00Z in Unix seconds, the landmark of forward decay."""
SECONDS_PER_DAY: Final = 86_400

MAX_ACTED: Final = 512
"""Items a base keeps that the customer acted on: bought, wished, carted, rated. The latest stay."""
MAX_IGNORED: Final = 1024
"""Items a base keeps that the customer does not want to see again. The latest stay."""
MAX_SEEN: Final = 64
"""Items a base keeps that were merely looked at. The weightiest stay."""
RECENT_ORDERS: Final = 16

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

_PURCHASE: Final = CODES["purchase"]
_REFUND: Final = CODES["refund"]
_VIEW: Final = CODES["view_item"]
_SELECT: Final = CODES["select_item"]
_CART: Final = CODES["add_to_cart"]
_UNCART: Final = CODES["remove_from_cart"]
_WISH: Final = CODES["add_to_wishlist"]
_UNWISH: Final = CODES["remove_from_wishlist"]
_RATE: Final = CODES["rate"]
_IGNORE: Final = CODES["ignore"]
_GIFT: Final = CODES["gift"]
_TRAITS: Final = CODES["set_traits"]
_CONSENT: Final = CODES["set_consent"]


def fold(
    items: NDArray[np.void], totals: NDArray[np.void], records: NDArray[np.void], half_life_days: float
) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Items and totals after `records`: EVENT[m] in order of time, without blocks. The inputs stay as they are.

    Args:
        items: ITEM[n] of the base.
        totals: TOTALS[1] of the base.
        records: EVENT[m].
        half_life_days: of an event's weight.
    """
    room = np.zeros(len(items) + len(records), dtype=items.dtype)
    room[: len(items)] = items
    after = totals.copy()
    filled = _fold_kernel(room, len(items), after, records, STRENGTH, half_life_days * SECONDS_PER_DAY)
    return keep_telling(room[:filled]), after


def keep_telling(items: NDArray[np.void]) -> NDArray[np.void]:
    """The items within the bounds, of which none crowds out another.

    They are the latest MAX_IGNORED ignored, the latest MAX_ACTED of the others acted on, and the weightiest MAX_SEEN of
    those merely seen.
    """
    if len(items) <= MAX_SEEN:
        return items
    ignored = items["flags"] & IGNORED > 0
    acted = ((items["bought"] > 0) | (items["flags"] > 0) | (items["rating"] > 0)) & ~ignored
    latest = -items["last"].astype(np.float64)
    parts = (
        _first(items, ignored, latest, MAX_IGNORED),
        _first(items, acted, latest, MAX_ACTED),
        _first(items, ~(ignored | acted), -items["weight"], MAX_SEEN),
    )
    kept: NDArray[np.void] = items[np.sort(np.concatenate(parts))]
    return kept


def _first(items: NDArray[np.void], among: NDArray[np.bool_], key: NDArray[np.float64], most: int) -> NDArray[np.int64]:
    """The rows of `among` with the smallest `key`, at most so many; ties by item hash."""
    rows = np.flatnonzero(among)
    return rows[np.lexsort((items["item"][rows], key[rows]))[:most]]


@njit(cache=True)
def _slot(items: Any, filled: int, item: int) -> int:
    for index in range(filled):
        if items[index].item == item:
            return index
    return -1


@njit(cache=True)
def _count_order(total: Any, order: int) -> None:
    """Counts an order that is not among the recent ones; lines of one order come close together."""
    if order == 0:
        total.orders += 1
        return
    for index in range(RECENT_ORDERS):
        if total.recent_orders[index] == order:
            return
    for index in range(RECENT_ORDERS - 1, 0, -1):
        total.recent_orders[index] = total.recent_orders[index - 1]
    total.recent_orders[0] = order
    total.orders += 1


@njit(cache=True)
def _count(total: Any, record: Any) -> None:
    total.events += 1
    if total.events == 1 or record.time < total.first:
        total.first = record.time
    total.last = max(total.last, record.time)
    if record.code == _PURCHASE:
        total.purchases += 1
        total.revenue += record.quantity * np.float64(record.value)
        _count_order(total, record.order)
    elif record.code == _REFUND:
        total.refunded += record.quantity * np.float64(record.value)
    elif record.code == _VIEW:
        total.views += 1


@njit(cache=True)
def _mark(item: Any, record: Any) -> None:
    """What one event changes about its item besides the weight."""
    code = record.code
    if code == _PURCHASE:
        item.purchases = min(item.purchases + 1, 65_535)
        item.bought = max(item.bought, record.time)
        item.flags &= ~CARTED
    elif code in (_VIEW, _SELECT):
        item.views = min(item.views + 1, 65_535)
    elif code == _CART:
        item.flags |= CARTED
    elif code == _UNCART:
        item.flags &= ~CARTED
    elif code == _WISH:
        item.flags |= WISHED
    elif code == _UNWISH:
        item.flags &= ~WISHED
    elif code == _IGNORE:
        item.flags |= IGNORED
    elif code == _GIFT:
        item.flags |= GIFT
    elif code == _RATE:
        item.rating = np.uint8(min(max(record.value, 0.0), 5.0) + 0.5)


@njit(cache=True)
def _fold_kernel(items: Any, filled: int, totals: Any, records: Any, strength: Any, half_life: float) -> int:
    for index in range(len(records)):
        record = records[index]
        _count(totals[0], record)
        if record.item == 0 or record.code in (_TRAITS, _CONSENT):
            continue
        slot = _slot(items, filled, record.item)
        if slot < 0:
            slot = filled
            items[slot].item = record.item
            filled += 1
        items[slot].weight += strength[record.code] * 2.0 ** ((np.float64(record.time) - EPOCH) / half_life)
        items[slot].last = max(items[slot].last, record.time)
        _mark(items[slot], record)
    return filled
