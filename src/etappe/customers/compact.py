"""The compiled kernels that put totals and items of a base into few bytes, and read them again.

Totals: first and last second u4 each; events, orders, purchases and views as varints; which money there is u1, and each
sum f8 that is not 0; the orders remembered u4 each. Then the items merely seen, ascending by hash, SEEN bytes each:

    hash 7 · weight 4 · day of the last event 2 · views 1

Then what was acted on, ascending by hash, with the times that decide in microseconds and only what there is:

    hash 7 · weight 4 · mask 2 · [cart 7] · [wish list 7] · [rating 7] · [bought 4] · [purchases 2] · [day 2]
    · [views 1]

The weight is the upper half of a float64, rounded to the nearest: 20 bits behind the leading one, and the whole range,
whatever the half-life. Each packing moves a weight by at most 2^-21 of it, a thousand of them by .05 %. A bought item
mostly left the cart at that very second, and was last met on that day: then the cart's time says it all.

Arrays of records are handed in as words of 64 bits: ITEM is seven of them, TOTALS thirteen. Nothing is read beyond
`end`: bytes from Redis may be damaged.
"""

from typing import Any, Final

from numba import njit

from etappe.customers.kernels import RECENT_ORDERS, SECONDS_PER_DAY, seconds

ITEM_WORDS: Final = 7
TOTALS_WORDS: Final = 5 + RECENT_ORDERS // 2
SEEN: Final = 14
"""Bytes of an item merely seen."""
ACTED_MOST: Final = 43
"""Bytes of an item acted on, at most."""
TOTALS_MOST: Final = 8 + 4 * 5 + 1 + 16 + 4 * RECENT_ORDERS
"""Bytes of totals, at most."""

_ACTED_LEAST: Final = 13
_CART: Final = 1 << 7  # behind four bits of flags and three of the rating
_WISH: Final = 1 << 8
_RATED: Final = 1 << 9
_BOUGHT: Final = 1 << 10
_BOUGHT_WITH_CART: Final = 1 << 11
_PURCHASED_ONCE: Final = 1 << 12
_PURCHASES: Final = 1 << 13
_DAY: Final = 1 << 14
_VIEWS: Final = 1 << 15
_LOW: Final = 2**32 - 1
_MORE: Final = 128
_VARINT_SHIFTS: Final = 28
"""Bits of a varint before its fifth byte, which is the last of 32."""


@njit(cache=True)
def _read(packed: Any, at: int, width: int) -> int:
    value = 0
    for index in range(width):
        value |= int(packed[at + index]) << (8 * index)
    return value


@njit(cache=True)
def _write(out: Any, at: int, value: int, width: int) -> int:
    for index in range(width):
        out[at + index] = (value >> (8 * index)) & 255
    return at + width


@njit(cache=True)
def _write_varint(out: Any, at: int, value: int) -> int:
    while value >= _MORE:
        out[at] = value & (_MORE - 1) | _MORE
        value >>= 7
        at += 1
    out[at] = value
    return at + 1


@njit(cache=True)
def _half(bits: int) -> int:
    """The upper 32 bits of a float64, rounded to the nearest, ties to even: a carry into the exponent is right too."""
    return ((bits + 0x7FFFFFFF + ((bits >> 32) & 1)) >> 32) & _LOW


@njit(cache=True)
def _latest_act(item: Any) -> int:
    """The second of the latest of an item's deciding times."""
    latest = max(item[2], item[3], item[4])
    return int(max(seconds(latest), (item[5] >> 32) & _LOW))


@njit(cache=True)
def _merely_seen(item: Any) -> bool:
    acted = item[2] | item[3] | item[4] | (item[5] >> 32) | (item[6] & 65_535) | (item[6] >> 32)
    return bool(acted == 0)


@njit(cache=True)
def _write_totals(totals: Any, out: Any) -> int:
    at = _write(out, 0, totals[0], 8)
    for shift in (0, 32):
        at = _write_varint(out, at, (totals[1] >> shift) & _LOW)
    for shift in (0, 32):
        at = _write_varint(out, at, (totals[2] >> shift) & _LOW)
    money = (1 if totals[3] != 0 else 0) | (2 if totals[4] != 0 else 0)
    at = _write(out, at, money, 1)
    for index in range(2):
        if money >> index & 1:
            at = _write(out, at, totals[3 + index], 8)
    return at


@njit(cache=True)
def _write_acted(item: Any, out: Any, at: int) -> int:
    last, bought = item[5] & _LOW, (item[5] >> 32) & _LOW
    purchases, views = item[6] & 65_535, (item[6] >> 16) & 65_535
    mask = (item[6] >> 32) & 15 | ((item[6] >> 40) & 7) << 4
    mask |= _CART if item[2] else 0
    mask |= _WISH if item[3] else 0
    mask |= _RATED if item[4] else 0
    if bought:
        mask |= _BOUGHT_WITH_CART if bought == max(seconds(item[2]), 1) and item[2] else _BOUGHT
    if purchases:
        mask |= _PURCHASED_ONCE if purchases == 1 else _PURCHASES
    mask |= _DAY if last // SECONDS_PER_DAY != _latest_act(item) // SECONDS_PER_DAY else 0
    mask |= _VIEWS if views else 0
    at = _write(out, at, item[0], 7)
    at = _write(out, at, _half(item[1]), 4)
    at = _write(out, at, mask, 2)
    for index in range(3):
        if mask & (_CART << index):
            at = _write(out, at, item[2 + index], 7)
    if mask & _BOUGHT:
        at = _write(out, at, bought, 4)
    if mask & _PURCHASES:
        at = _write(out, at, purchases, 2)
    if mask & _DAY:
        at = _write(out, at, last // SECONDS_PER_DAY, 2)
    if mask & _VIEWS:
        at = _write(out, at, views, 1)
    return at


@njit(cache=True)
def write_body(items: Any, totals: Any, out: Any) -> tuple[int, int, int]:
    """Writes int64[n, 7] items and int64[13] totals to uint8[]; returns the length, the items seen, the orders.

    `out` has TOTALS_MOST bytes and ACTED_MOST for each item.
    """
    at, orders, seen = _write_totals(totals, out), 0, 0
    for index in range(RECENT_ORDERS):
        order = (totals[5 + index // 2] >> (32 * (index & 1))) & _LOW
        if order:
            at = _write(out, at, order, 4)
            orders += 1
    for index in range(len(items)):
        item = items[index]
        if _merely_seen(item):
            at = _write(out, at, item[0], 7)
            at = _write(out, at, _half(item[1]), 4)
            at = _write(out, at, (item[5] & _LOW) // SECONDS_PER_DAY, 2)
            at = _write(out, at, (item[6] >> 16) & 255, 1)
            seen += 1
    for index in range(len(items)):
        if not _merely_seen(items[index]):
            at = _write_acted(items[index], out, at)
    return at, seen, orders


@njit(cache=True)
def _read_totals(packed: Any, at: int, end: int, orders: int, totals: Any) -> int:
    """Where the totals end; beyond `end` where they are cut off."""
    if at + 8 > end or orders > RECENT_ORDERS:
        return end + 1
    totals[0] = _read(packed, at, 8)
    at += 8
    for index in range(4):
        value, shift = 0, 0
        while at < end and packed[at] >= _MORE and shift < _VARINT_SHIFTS:
            value |= (int(packed[at]) & (_MORE - 1)) << shift
            shift += 7
            at += 1
        if at >= end:
            return end + 1
        value |= int(packed[at]) << shift
        totals[1 + index // 2] |= value << (32 * (index & 1))
        at += 1
    money = packed[at] if at < end else 0
    at += 1
    for index in range(2):
        if money >> index & 1 and at + 8 <= end:
            totals[3 + index] = _read(packed, at, 8)
        at += 8 * (money >> index & 1)
    for index in range(orders):
        if at + 4 <= end:
            totals[5 + index // 2] |= _read(packed, at, 4) << (32 * (index & 1))
        at += 4
    return at


@njit(cache=True)
def _read_acted(packed: Any, at: int, end: int, item: Any) -> int:
    """Where the item that begins at `at` ends; beyond `end` where it is cut off."""
    mask = _read(packed, at + 11, 2)
    width = 7 * ((mask >> 7 & 1) + (mask >> 8 & 1) + (mask >> 9 & 1)) + 4 * (mask >> 10 & 1)
    width += 2 * ((mask >> 13 & 1) + (mask >> 14 & 1)) + (mask >> 15 & 1)
    item[0], item[1] = _read(packed, at, 7), _read(packed, at + 7, 4) << 32
    at += _ACTED_LEAST
    if at + width > end:
        return end + 1
    for index in range(3):
        item[2 + index] = 0
        if mask & (_CART << index):
            item[2 + index] = _read(packed, at, 7)
            at += 7
    bought, purchases, views = 0, 1 if mask & _PURCHASED_ONCE else 0, 0
    if mask & _BOUGHT:
        bought = _read(packed, at, 4)
        at += 4
    elif mask & _BOUGHT_WITH_CART:
        bought = max(seconds(item[2]), 1)
    item[5] = bought << 32
    day = _latest_act(item) // SECONDS_PER_DAY
    if mask & _PURCHASES:
        purchases = _read(packed, at, 2)
        at += 2
    if mask & _DAY:
        day = _read(packed, at, 2)
        at += 2
    if mask & _VIEWS:
        views = int(packed[at])
        at += 1
    item[5] |= min(day * SECONDS_PER_DAY, _LOW)
    item[6] = purchases | views << 16 | (mask & 15) << 32 | (mask >> 4 & 7) << 40
    return at


@njit(cache=True)
def read_body(packed: Any, at: int, end: int, seen: int, orders: int, items: Any, totals: Any) -> bool:
    """Reads what `write_body` wrote to `packed` from `at` up to `end` into int64[n, 7], by hash, and int64[13].

    False where the bytes are damaged: they do not end where they should.
    """
    at = _read_totals(packed, at, end, orders, totals)
    acted = at + seen * SEEN
    if acted > end:
        return False
    seen_end = acted
    for index in range(len(items)):
        item = items[index]
        more = acted + _ACTED_LEAST <= end
        if at < seen_end and (not more or _read(packed, at, 7) < _read(packed, acted, 7)):
            item[0], item[1] = _read(packed, at, 7), _read(packed, at + 7, 4) << 32
            item[2], item[3], item[4] = 0, 0, 0
            item[5] = min(_read(packed, at + 11, 2) * SECONDS_PER_DAY, _LOW)
            item[6] = int(packed[at + 13]) << 16
            at += SEEN
        elif more:
            acted = _read_acted(packed, acted, end, item)
        else:
            return False
    return at == seen_end and acted == end
