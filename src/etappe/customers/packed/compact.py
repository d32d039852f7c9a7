"""The compiled kernels that put totals and items of a base into few bytes. `expand` reads them again.

Totals: first and last second u4 each; events, orders, purchases and views as varints; which money there is u1, and each
sum f8 that is not 0; the exponent of the largest weight u2; the orders remembered u4 each. Then the items merely seen,
ascending by hash, SEEN bytes each:

    hash 7 · weight 3 · days of the last event before the customer's last 12 bits · views 4 bits

Then what was acted on, and what does not fit so, ascending by hash, with the times that decide in microseconds and only
what there is:

    hash 7 · weight 3 · mask 2 · [cart 7] · [wish list 7] · [rating 7] · [bought 4] · [purchases 2] · [day 2]
    · [views 1]

A weight has 5 bits of exponent, below that of the largest of the base, and 19 bits behind the leading one: it is
rounded to the nearest, so each packing moves it by at most 2^-20 of it, and a thousand of them by less than .1 %. The
exponent of the largest takes the whole range of a float64, whatever the half-life, and moving it rounds nothing. A
weight below 2^-30 of the largest becomes that. A bought item mostly left the cart at that very second, and was last met
on that day: then the cart's time says it all.

Arrays of records are handed in as words of 64 bits: ITEM is seven of them, TOTALS thirteen.
"""

from typing import Any, Final

from numba import njit

from etappe.customers.folding.kernels import RECENT_ORDERS, seconds
from etappe.units import SECONDS_PER_DAY

ITEM_WORDS: Final = 7
TOTALS_WORDS: Final = 5 + RECENT_ORDERS // 2
SEEN: Final = 12
"""Bytes of an item merely seen."""
ACTED_MOST: Final = 42
"""Bytes of an item acted on, at most."""
TOTALS_MOST: Final = 8 + 4 * 5 + 1 + 16 + 2 + 4 * RECENT_ORDERS
"""Bytes of totals, at most."""

CART: Final = 1 << 7  # behind four bits of flags and three of the rating
BOUGHT: Final = 1 << 10
BOUGHT_WITH_CART: Final = 1 << 11
NEGATIVE: Final = 1 << 12
PURCHASES: Final = 1 << 13
DAY: Final = 1 << 14
VIEWS: Final = 1 << 15
LOW: Final = 2**32 - 1
MORE: Final = 128
"""The bit of a byte of a varint that says that another follows."""
BACK_BITS: Final = 12
MANTISSA_BITS: Final = 19
EXPONENTS: Final = 31
"""Exponents that a weight can have below that of the largest, with it; 0 is a weight of 0."""
_SEEN_VIEWS: Final = 15
_DROPPED: Final = 52 - MANTISSA_BITS
_MAGNITUDE: Final = 2**63 - 1


@njit(cache=True)
def _write(out: Any, at: int, value: int, width: int) -> int:
    for index in range(width):
        out[at + index] = (value >> (8 * index)) & 255
    return at + width


@njit(cache=True)
def _write_varint(out: Any, at: int, value: int) -> int:
    while value >= MORE:
        out[at] = value & (MORE - 1) | MORE
        value >>= 7
        at += 1
    out[at] = value
    return at + 1


@njit(cache=True)
def _rounded(bits: int) -> int:
    """Exponent and MANTISSA_BITS of a float64's magnitude, to the nearest, ties to even: a carry goes on rightly."""
    bits &= _MAGNITUDE
    return int((bits + (1 << (_DROPPED - 1)) - 1 + ((bits >> _DROPPED) & 1)) >> _DROPPED)


@njit(cache=True)
def _weight(bits: int, largest: int) -> int:
    """The 24 bits of a weight's magnitude, where the largest of the base has the exponent `largest`."""
    rounded = _rounded(bits)
    exponent = rounded >> MANTISSA_BITS
    if exponent == 0:  # 0, and what is smaller than any weight
        return 0
    if exponent <= largest - EXPONENTS:
        return 1 << MANTISSA_BITS
    return (EXPONENTS - largest + exponent) << MANTISSA_BITS | rounded & ((1 << MANTISSA_BITS) - 1)


@njit(cache=True)
def latest_act(item: Any) -> int:
    """The second of the latest of an item's deciding times."""
    latest = max(item[2], item[3], item[4])
    return int(max(seconds(latest), (item[5] >> 32) & LOW))


@njit(cache=True)
def _merely_seen(item: Any, last_day: int) -> bool:
    acted = item[2] | item[3] | item[4] | (item[5] >> 32) | (item[6] & 65_535) | (item[6] >> 32)
    back = last_day - (item[5] & LOW) // SECONDS_PER_DAY
    fits = 0 <= back < 1 << BACK_BITS and (item[6] >> 16) & 65_535 <= _SEEN_VIEWS
    return bool(acted == 0 and fits and item[1] >= 0)


@njit(cache=True)
def _write_totals(totals: Any, largest: int, out: Any) -> int:
    at = _write(out, 0, totals[0], 8)
    for index in range(4):
        at = _write_varint(out, at, (totals[1 + index // 2] >> (32 * (index & 1))) & LOW)
    money = (1 if totals[3] != 0 else 0) | (2 if totals[4] != 0 else 0)
    at = _write(out, at, money, 1)
    for index in range(2):
        if money >> index & 1:
            at = _write(out, at, totals[3 + index], 8)
    return _write(out, at, largest, 2)


@njit(cache=True)
def _mask_of(item: Any) -> int:
    """Flags, rating, and what an item acted on has of its own."""
    last, bought = item[5] & LOW, (item[5] >> 32) & LOW
    mask = (item[6] >> 32) & 15 | ((item[6] >> 40) & 7) << 4
    for index in range(3):
        mask |= CART << index if item[2 + index] else 0
    if bought:
        mask |= BOUGHT_WITH_CART if bought == max(seconds(item[2]), 1) else BOUGHT
    mask |= NEGATIVE if item[1] < 0 else 0
    mask |= PURCHASES if item[6] & 65_535 != (1 if bought else 0) else 0
    mask |= DAY if last // SECONDS_PER_DAY != latest_act(item) // SECONDS_PER_DAY else 0
    return int(mask | (VIEWS if (item[6] >> 16) & 65_535 else 0))


@njit(cache=True)
def _write_acted(item: Any, largest: int, out: Any, at: int) -> int:
    mask = _mask_of(item)
    at = _write(out, at, item[0], 7)
    at = _write(out, at, _weight(item[1], largest), 3)
    at = _write(out, at, mask, 2)
    for index in range(3):
        if mask & (CART << index):
            at = _write(out, at, item[2 + index], 7)
    if mask & BOUGHT:
        at = _write(out, at, item[5] >> 32, 4)
    if mask & PURCHASES:
        at = _write(out, at, item[6], 2)
    if mask & DAY:
        at = _write(out, at, (item[5] & LOW) // SECONDS_PER_DAY, 2)
    if mask & VIEWS:
        at = _write(out, at, min((item[6] >> 16) & 65_535, 255), 1)
    return at


@njit(cache=True)
def write_body(items: Any, totals: Any, out: Any) -> tuple[int, int, int]:
    """Writes int64[n, 7] items and int64[13] totals to uint8[]; returns the length, the items seen, the orders.

    `out` has TOTALS_MOST bytes and ACTED_MOST for each item.
    """
    largest, orders, seen, last_day = 0, 0, 0, ((totals[0] >> 32) & LOW) // SECONDS_PER_DAY
    for index in range(len(items)):
        largest = max(largest, _rounded(items[index, 1]) >> MANTISSA_BITS)
    at = _write_totals(totals, largest, out)
    for index in range(RECENT_ORDERS):
        order = (totals[5 + index // 2] >> (32 * (index & 1))) & LOW
        if order:
            at = _write(out, at, order, 4)
            orders += 1
    for index in range(len(items)):
        item = items[index]
        if _merely_seen(item, last_day):
            back, views = last_day - (item[5] & LOW) // SECONDS_PER_DAY, (item[6] >> 16) & _SEEN_VIEWS
            at = _write(out, at, item[0], 7)
            at = _write(out, at, _weight(item[1], largest) | back << 24 | views << (24 + BACK_BITS), 5)
            seen += 1
    for index in range(len(items)):
        if not _merely_seen(items[index], last_day):
            at = _write_acted(items[index], largest, out, at)
    return at, seen, orders
