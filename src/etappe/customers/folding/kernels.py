"""The compiled kernels of the fold: one adds events to items and totals, one joins items. `fold` states the rules."""

from typing import Any, Final

import numpy as np
from numba import njit

from etappe.customers.records import CARTED, CLAIM, GIFT, IGNORED, PIECE_CODES, WISHED
from etappe.events.vocabulary import CODES
from etappe.units import MICROSECONDS, SECONDS_PER_DAY

EPOCH: Final = 1_577_836_800
"""2020-01-01T00:00Z in Unix seconds, the landmark of forward decay."""
RECENT_ORDERS: Final = 16
"""Orders remembered, by which further lines of them are recognised."""

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
_IDENTIFY: Final = CODES["identify"]
_MOST: Final = 65_535
_MOST_VIEWS: Final = 255
"""Views of one item that are counted: a base gives them a byte."""
_LAST_SECOND: Final = 2**32 - 1
_LAST_MICROSECOND: Final = 2**56 - 1
"""A base gives the times that decide seven bytes, good until the year 4253."""


@njit(cache=True)
def _slot(items: Any, known: int, filled: int, item: int) -> int:
    """The place of an item among the first `known`, which ascend by hash, or those behind up to `filled`; else -1."""
    low, high = 0, known
    while low < high:
        middle = (low + high) // 2
        if items[middle].item < item:
            low = middle + 1
        else:
            high = middle
    if low < known and items[low].item == item:
        return low
    for index in range(known, filled):
        if items[index].item == item:
            return index
    return -1


@njit(cache=True)
def seconds(time: int) -> int:
    """Unix seconds of microseconds, as 32 bits hold them."""
    return min(time // MICROSECONDS, _LAST_SECOND)


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
    time = seconds(record.time)
    total.events += 1
    if total.events == 1 or time < total.first:
        total.first = time
    total.last = max(total.last, time)
    if record.code == _PURCHASE:
        total.purchases += 1
        total.revenue += record.value
        _count_order(total, record.order)
    elif record.code == _REFUND:
        total.refunded += record.value
    elif record.code == _VIEW:
        total.views += 1


@njit(cache=True)
def _decide_cart(item: Any, time: int, inside: bool) -> None:
    if time > item.carted or (time == item.carted and not inside):
        item.carted = time
        item.flags = item.flags | CARTED if inside else item.flags & ~CARTED


@njit(cache=True)
def _decide_wish(item: Any, time: int, wished: bool) -> None:
    if time > item.wished or (time == item.wished and not wished):
        item.wished = time
        item.flags = item.flags | WISHED if wished else item.flags & ~WISHED


@njit(cache=True)
def _decide_rating(item: Any, time: int, rating: int) -> None:
    if time > item.rated or (time == item.rated and rating > item.rating):
        item.rated = time
        item.rating = rating


@njit(cache=True)
def _mark(item: Any, record: Any) -> None:
    """What one event changes about its item besides the weight. The first microsecond stands for 1970: 0 is never."""
    code, time = record.code, min(max(record.time, 1), _LAST_MICROSECOND)
    if code == _PURCHASE:
        item.purchases = min(item.purchases + 1, _MOST)
        item.bought = max(item.bought, seconds(time), 1)
        _decide_cart(item, time, False)
    elif code in (_VIEW, _SELECT):
        item.views = min(item.views + 1, _MOST_VIEWS)
    elif code in (_CART, _UNCART):
        _decide_cart(item, time, code == _CART)
    elif code in (_WISH, _UNWISH):
        _decide_wish(item, time, code == _WISH)
    elif code == CLAIM:
        _decide_cart(item, time, False)
    elif code == _IGNORE:
        item.flags |= IGNORED
    elif code == _GIFT:
        item.flags |= GIFT
    elif code == _RATE:
        _decide_rating(item, time, int(min(max(record.value, 0.0), 5.0) + 0.5))


@njit(cache=True)
def add_events(items: Any, known: int, totals: Any, records: Any, strength: Any, half_life: float) -> int:
    """Adds EVENT[m] to ITEM[], whose first `known` ascend by hash, and to TOTALS[1]; returns how many are filled.

    `strength` is float64[256] by code, `half_life` in seconds.
    """
    filled = known
    for index in range(len(records)):
        record = records[index]
        _count(totals[0], record)
        if record.item == 0 or record.code in (_TRAITS, _CONSENT, _IDENTIFY) or record.code >= PIECE_CODES:
            continue
        slot = _slot(items, known, filled, record.item)
        if slot < 0:
            slot = filled
            items[slot].item = record.item
            filled += 1
        item = items[slot]
        item.weight += strength[record.code] * 2.0 ** ((record.time / MICROSECONDS - EPOCH) / half_life)
        item.last = max(item.last, seconds(record.time) // SECONDS_PER_DAY * SECONDS_PER_DAY)
        _mark(item, record)
    return filled


@njit(cache=True)
def _add_item(item: Any, other: Any) -> None:
    item.weight += other.weight
    item.last = max(item.last, other.last)
    item.bought = max(item.bought, other.bought)
    item.purchases = min(np.int64(item.purchases) + other.purchases, _MOST)
    item.views = min(np.int64(item.views) + other.views, _MOST_VIEWS)
    item.flags |= other.flags & (IGNORED | GIFT)
    _decide_cart(item, other.carted, other.flags & CARTED > 0)
    _decide_wish(item, other.wished, other.flags & WISHED > 0)
    _decide_rating(item, other.rated, other.rating)


@njit(cache=True)
def add_items(items: Any, known: int, more: Any) -> int:
    """Adds ITEM[m], of distinct items, to ITEM[], whose first `known` ascend by hash; returns how many are filled."""
    filled = known
    for index in range(len(more)):
        other = more[index]
        slot = _slot(items, known, known, other.item)
        if slot < 0:
            items[filled] = other
            filled += 1
        else:
            _add_item(items[slot], other)
    return filled
