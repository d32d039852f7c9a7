"""The compiled kernels that read totals and items of a base from the few bytes that `compact` made of them.

Nothing is read beyond `end`: bytes from Redis may be damaged.
"""

from typing import Any, Final

from numba import njit

from etappe.customers.folding.kernels import RECENT_ORDERS, seconds
from etappe.customers.packed.compact import (
    BACK_BITS,
    BOUGHT,
    BOUGHT_WITH_CART,
    CART,
    DAY,
    EXPONENTS,
    LOW,
    MANTISSA_BITS,
    MORE,
    NEGATIVE,
    PURCHASES,
    SEEN,
    VIEWS,
    latest_act,
)
from etappe.units import SECONDS_PER_DAY

_ACTED_LEAST: Final = 12
_VARINT_SHIFTS: Final = 28
"""Bits of a varint before its fifth byte, which is the last of 32."""
_SIGN: Final = -(2**63)


@njit(cache=True)
def read(packed: Any, at: int, width: int) -> int:
    """A number of `width` bytes."""
    value = 0
    for index in range(width):
        value |= int(packed[at + index]) << (8 * index)
    return value


@njit(cache=True)
def _weight_bits(weight: int, largest: int) -> int:
    """The bits of a float64 of the 24 of a weight, where the largest of the base has the exponent `largest`."""
    exponent = (weight >> MANTISSA_BITS) + largest - EXPONENTS
    if weight == 0 or exponent <= 0:
        return 0
    return exponent << 52 | (weight & ((1 << MANTISSA_BITS) - 1)) << (52 - MANTISSA_BITS)


@njit(cache=True)
def _read_counts(packed: Any, at: int, end: int, totals: Any) -> int:
    for index in range(4):
        value, shift = 0, 0
        while at < end and packed[at] >= MORE and shift < _VARINT_SHIFTS:
            value |= (int(packed[at]) & (MORE - 1)) << shift
            shift += 7
            at += 1
        if at >= end:
            return end + 1
        value |= int(packed[at]) << shift
        totals[1 + index // 2] |= (value & LOW) << (32 * (index & 1))
        at += 1
    return at


@njit(cache=True)
def _read_totals(packed: Any, at: int, end: int, orders: int, totals: Any) -> tuple[int, int]:
    """Where the totals end, beyond `end` where they are cut off, and the exponent of the largest weight."""
    if at + 8 > end or orders > RECENT_ORDERS:
        return end + 1, 0
    totals[0] = read(packed, at, 8)
    at = _read_counts(packed, at + 8, end, totals)
    if at >= end:
        return end + 1, 0
    money = int(packed[at])
    at += 1
    if at + 8 * ((money & 1) + (money >> 1 & 1)) + 2 + 4 * orders > end:
        return end + 1, 0
    for index in range(2):
        if money >> index & 1:
            totals[3 + index] = read(packed, at, 8)
            at += 8
    largest = read(packed, at, 2)
    at += 2
    for index in range(orders):
        totals[5 + index // 2] |= read(packed, at, 4) << (32 * (index & 1))
        at += 4
    return at, largest


@njit(cache=True)
def _read_seen(packed: Any, at: int, largest: int, last_day: int, item: Any) -> None:
    told = read(packed, at + 7, 5)
    item[0], item[1] = read(packed, at, 7), _weight_bits(told & ((1 << 24) - 1), largest)
    item[2], item[3], item[4] = 0, 0, 0
    item[5] = max(last_day - (told >> 24 & ((1 << BACK_BITS) - 1)), 0) * SECONDS_PER_DAY
    item[6] = (told >> (24 + BACK_BITS)) << 16


@njit(cache=True)
def _width(mask: int) -> int:
    """Bytes of what an item acted on has of its own, by its mask."""
    times = (mask >> 7 & 1) + (mask >> 8 & 1) + (mask >> 9 & 1)
    return 7 * times + 4 * (mask >> 10 & 1) + 2 * (mask >> 13 & 1) + 2 * (mask >> 14 & 1) + (mask >> 15 & 1)


@njit(cache=True)
def _read_acted(packed: Any, at: int, end: int, largest: int, item: Any) -> int:
    """Where the item that begins at `at` ends; beyond `end` where it is cut off."""
    mask = read(packed, at + 10, 2)
    item[0], item[1] = read(packed, at, 7), _weight_bits(read(packed, at + 7, 3), largest)
    item[1] |= _SIGN if mask & NEGATIVE else 0
    at += _ACTED_LEAST
    if at + _width(mask) > end:
        return end + 1
    for index in range(3):
        item[2 + index] = 0
        if mask & (CART << index):
            item[2 + index] = read(packed, at, 7)
            at += 7
    bought, views = 0, 0
    if mask & BOUGHT:
        bought = read(packed, at, 4)
        at += 4
    elif mask & BOUGHT_WITH_CART:
        bought = max(seconds(item[2]), 1)
    item[5] = bought << 32
    purchases, day = 1 if bought else 0, latest_act(item) // SECONDS_PER_DAY
    if mask & PURCHASES:
        purchases = read(packed, at, 2)
        at += 2
    if mask & DAY:
        day = read(packed, at, 2)
        at += 2
    if mask & VIEWS:
        views = int(packed[at])
        at += 1
    item[5] |= min(day * SECONDS_PER_DAY, LOW)
    item[6] = purchases | views << 16 | (mask & 15) << 32 | (mask >> 4 & 7) << 40
    return at


@njit(cache=True)
def read_body(packed: Any, at: int, end: int, seen: int, orders: int, items: Any, totals: Any) -> bool:
    """Reads what `write_body` wrote to `packed` from `at` up to `end` into int64[n, 7], by hash, and int64[13].

    False where the bytes are damaged: they do not end where they should.
    """
    at, largest = _read_totals(packed, at, end, orders, totals)
    seen_end = at + seen * SEEN
    if seen_end > end:
        return False
    acted, last_day = seen_end, ((totals[0] >> 32) & LOW) // SECONDS_PER_DAY
    for index in range(len(items)):
        more = acted + _ACTED_LEAST <= end
        if at < seen_end and (not more or read(packed, at, 7) < read(packed, acted, 7)):
            _read_seen(packed, at, largest, last_day, items[index])
            at += SEEN
        elif more:
            acted = _read_acted(packed, acted, end, largest, items[index])
        else:
            return False
    return at == seen_end and acted == end
