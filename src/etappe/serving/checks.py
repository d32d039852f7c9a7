"""The compiled checks of the gate. Each has one signature, (verdicts, rows, columns, held), and marks what it forbids.

The numbers are in the order of CHECKS, and the first check that forbids a row is the one that is told: its number is
the smallest. `columns` are the catalogue's records of `catalog.columns.GATE`. Kernels take arrays out of what they are
given before they loop: doing so counts references each time.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from etappe.catalog.columns import SHOP_FLOOR
from etappe.customers.records import IGNORED as MARKED_IGNORED
from etappe.units import MICROSECONDS, SECONDS_PER_DAY

CHECKS: Final = (
    "unavailable", "ignored", "just_bought", "bought_before", "bought_once", "on_this_page", "excluded", "filter",
)  # fmt: skip
"""As explanations name them. The last two are a placement's own, the others hold for the whole request."""
PASSES: Final = 0
UNAVAILABLE: Final = 1
IGNORED: Final = 2
JUST_BOUGHT: Final = 3
BOUGHT_BEFORE: Final = 4
BOUGHT_ONCE: Final = 5
ON_THIS_PAGE: Final = 6
EXCLUDED: Final = 7
FILTER: Final = 8

_FREE: Final = 0
"""No group has this hash."""
_HASH: Final = 0x9E3779B97F4A7C15


class Held(NamedTuple):
    """What is held back from one customer, at `now` (Unix seconds), on one page.

    `groups` uint64[size] is an open-addressing table of variant groups, with the first check that forbids each in
    `numbers` uint8[size]; `size` is a power of two. `categories` bool[k]: the codes that are closed, those beyond k
    are not.
    """

    now: float
    groups: NDArray[np.uint64]
    numbers: NDArray[np.uint8]
    categories: NDArray[np.bool_]


@njit(cache=True, nogil=True)
def judge(rows: Any, columns: Any, now: float, groups: Any, numbers: Any, categories: Any) -> Any:
    """uint8[n]: for each of `rows` the first check of the request that forbids it, or PASSES; the rest as in `Held`.

    What is held back is handed in piece by piece: as a tuple it costs a microsecond at each call.
    """
    held = Held(now, groups, numbers, categories)
    verdicts = np.full(len(rows), PASSES, dtype=np.uint8)
    _unavailable(verdicts, rows, columns, held)
    _held_groups(verdicts, rows, columns, held)
    _closed_categories(verdicts, rows, columns, held)
    return verdicts


@njit(cache=True, nogil=True, inline="always")
def _first(number: int, other: int) -> int:
    """Which of two checks is told; PASSES is none."""
    if number == PASSES:
        return other
    return number if other == PASSES else min(number, other)


@njit(cache=True, nogil=True)
def _unavailable(verdicts: Any, rows: Any, columns: Any, held: Any) -> None:
    """Switched off, or outside its time."""
    available, opens, closes, now = columns.available, columns.opens, columns.closes, held.now
    for index in range(len(rows)):
        row = rows[index]
        if not (available[row] and opens[row] <= now < closes[row]):
            verdicts[index] = _first(verdicts[index], UNAVAILABLE)


@njit(cache=True, nogil=True)
def _held_groups(verdicts: Any, rows: Any, columns: Any, held: Any) -> None:
    """Ignored, bought or on this page, it or a variant of it: one look-up, however much a customer did."""
    group, groups, numbers = columns.group, held.groups, held.numbers
    for index in range(len(rows)):
        slot = _slot(groups, group[rows[index]])
        if groups[slot] != _FREE:
            verdicts[index] = _first(verdicts[index], numbers[slot])


@njit(cache=True, nogil=True)
def _closed_categories(verdicts: Any, rows: Any, columns: Any, held: Any) -> None:
    """Of a category of which a customer buys one."""
    category, closed = columns.category, held.categories
    if len(closed) == 0:
        return
    for index in range(len(rows)):
        code = category[rows[index]]
        if code < len(closed) and closed[code]:
            verdicts[index] = _first(verdicts[index], BOUGHT_ONCE)


def table_for(count: int) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
    """An empty table for `count` groups: at least half of it stays free, so that probes are short."""
    size = max(16, 1 << (2 * count).bit_length())
    return np.zeros(size, np.uint64), np.zeros(size, np.uint8)


@njit(cache=True, nogil=True, inline="always")
def _slot(groups: Any, group: Any) -> Any:
    """Where a group is in the table, or would go."""
    mask = np.uint64(len(groups) - 1)
    slot = (np.uint64(group) * np.uint64(_HASH)) >> np.uint64(32) & mask
    while groups[slot] != np.uint64(_FREE) and groups[slot] != group:
        slot = (slot + np.uint64(1)) & mask
    return np.int64(slot)


@njit(cache=True, nogil=True, inline="always")
def _hold(groups: Any, numbers: Any, group: Any, number: int) -> None:
    slot = _slot(groups, group)
    groups[slot] = group
    numbers[slot] = _first(numbers[slot], number)


@njit(cache=True, nogil=True)
def forbidding(items: Any, claims: Any, hashes: Any) -> int:
    """Fills uint64[] with the hashes of ITEM[n] that were ignored or bought, then of EVENT[m]; returns how many."""
    filled = 0
    for index in range(len(items)):
        if _forbids(items[index]):
            hashes[filled] = items[index].item
            filled += 1
    for index in range(len(claims)):
        hashes[filled] = claims[index].item
        filled += 1
    return filled


@njit(cache=True, nogil=True, inline="always")
def _forbids(item: Any) -> bool:
    return bool(item.flags & MARKED_IGNORED or item.bought > 0)


@njit(cache=True, nogil=True)
def hold(
    groups: Any, numbers: Any, items: Any, claims: Any, rows: Any, columns: Any,
    to_model: Any, repeats: Any, customers: Any, now: float, floor_days: int, least: float,
) -> None:  # fmt: skip
    """Holds back what ITEM[n] says was ignored or bought, what a browser claims in EVENT[m], and what is on the page.

    `rows` are those of the hashes that `forbidding` told, -1 for what the catalogue lacks, then those of the page;
    `to_model`, `repeats` and `customers` are `View.again`.
    """
    place, again = 0, (to_model, repeats, customers)
    for index in range(len(items)):
        if _forbids(items[index]):
            if rows[place] >= 0:
                _hold_item(groups, numbers, items[index], rows[place], columns, again, (now, floor_days, least))
            place += 1
    group, floor = columns.group, columns.floor
    for index in range(len(claims)):
        row, bought = rows[place + index], claims[index].time // MICROSECONDS
        if row >= 0 and bought > 0 and _inside_floor(floor[row], bought, now, floor_days):
            _hold(groups, numbers, group[row], JUST_BOUGHT)
    for index in range(place + len(claims), len(rows)):
        if rows[index] >= 0:
            _hold(groups, numbers, group[rows[index]], ON_THIS_PAGE)


@njit(cache=True, nogil=True, inline="always")
def _hold_item(groups: Any, numbers: Any, item: Any, row: int, columns: Any, again: Any, rule: Any) -> None:
    """Holds back one item that was ignored or bought.

    Beyond its floor, what was bought stays held where less than the `least` share buys it again, unless the item
    states a floor of its own: then the shop has decided.
    """
    now, floor_days, least = rule
    mine, own, bought = columns.group[row], columns.floor[row], np.int64(item.bought)
    if item.flags & MARKED_IGNORED:
        _hold(groups, numbers, mine, IGNORED)
    if bought > 0 and _inside_floor(own, bought, now, floor_days):
        _hold(groups, numbers, mine, JUST_BOUGHT)
    if bought > 0 and own == SHOP_FLOOR and _again_share(row, again) < least:
        _hold(groups, numbers, mine, BOUGHT_BEFORE)


@njit(cache=True, nogil=True, inline="always")
def _again_share(row: int, again: Any) -> float:
    """The share of an item's buyers who bought it in two orders or more; 0 where nobody is known.

    One buyer more is assumed than there are, so that a single one proves little.
    """
    to_model, repeats, customers = again
    model_row = to_model[row]
    return repeats[model_row] / (customers[model_row] + 1) if model_row >= 0 else 0.0


@njit(cache=True, nogil=True, inline="always")
def _inside_floor(own: Any, bought: Any, now: float, floor_days: int) -> Any:
    """Bought (Unix seconds) so recently that the buyer has no use for another; `own` are the days an item states."""
    days = floor_days if own == SHOP_FLOOR else np.int64(own)
    return now - bought < days * SECONDS_PER_DAY
