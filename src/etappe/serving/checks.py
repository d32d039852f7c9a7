"""The compiled checks of the gate. Each has one signature, (row, columns, held), and gives its number, or PASSES.

The numbers are in the order of CHECKS, and the first check that forbids a row is the one that is told: its number is
the smallest.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from etappe.catalog.table import SHOP_FLOOR
from etappe.customers.fold import SECONDS_PER_DAY
from etappe.customers.kernels import MICROSECONDS
from etappe.customers.records import IGNORED as MARKED_IGNORED

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


class Columns(NamedTuple):
    """What the checks read of a row: columns of the catalogue."""

    available: NDArray[np.bool_]
    opens: NDArray[np.uint32]
    closes: NDArray[np.uint32]
    group: NDArray[np.uint64]
    category: NDArray[np.int32]
    floor: NDArray[np.int16]


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
def judge(rows: Any, columns: Any, held: Any) -> Any:
    """uint8[n]: for each of `rows` the first check of the request that forbids it, or PASSES."""
    verdicts = np.empty(len(rows), dtype=np.uint8)
    for index in range(len(rows)):
        row = rows[index]
        verdict = _unavailable(row, columns, held)
        verdict = _first(verdict, _held_group(row, columns, held))
        verdicts[index] = _first(verdict, _closed_category(row, columns, held))
    return verdicts


@njit(cache=True, nogil=True)
def _first(number: int, other: int) -> int:
    """The smaller of two checks that forbid."""
    if number == PASSES:
        return other
    return number if other == PASSES else min(number, other)


@njit(cache=True, nogil=True)
def _unavailable(row: int, columns: Any, held: Any) -> int:
    """Switched off, or outside its time."""
    is_open = columns.available[row] and columns.opens[row] <= held.now < columns.closes[row]
    return PASSES if is_open else UNAVAILABLE


@njit(cache=True, nogil=True)
def _held_group(row: int, columns: Any, held: Any) -> int:
    """Ignored, bought or on this page, it or a variant of it: one look-up, however much a customer did."""
    slot = _slot(held.groups, columns.group[row])
    return held.numbers[slot] if held.groups[slot] != _FREE else PASSES


@njit(cache=True, nogil=True)
def _closed_category(row: int, columns: Any, held: Any) -> int:
    """Of a category of which a customer buys one."""
    code = columns.category[row]
    return BOUGHT_ONCE if code < len(held.categories) and held.categories[code] else PASSES


@njit(cache=True, nogil=True)
def table_for(count: int) -> tuple[Any, Any]:
    """An empty table for `count` groups: at least half of it stays free, so that probes are short."""
    size = 16
    while size < 2 * count:
        size *= 2
    return np.zeros(size, dtype=np.uint64), np.zeros(size, dtype=np.uint8)


@njit(cache=True, nogil=True)
def _slot(groups: Any, group: Any) -> Any:
    """Where a group is in the table, or would go."""
    mask = np.uint64(len(groups) - 1)
    slot = (np.uint64(group) * np.uint64(_HASH)) >> np.uint64(32) & mask
    while groups[slot] != np.uint64(_FREE) and groups[slot] != group:
        slot = (slot + np.uint64(1)) & mask
    return np.int64(slot)


@njit(cache=True, nogil=True)
def _hold(groups: Any, numbers: Any, group: int, number: int) -> None:
    slot = _slot(groups, group)
    groups[slot] = group
    numbers[slot] = _first(numbers[slot], number)


@njit(cache=True, nogil=True)
def hold_items(
    groups: Any,
    numbers: Any,
    items: Any,
    rows: Any,
    columns: Any,
    shares: Any,
    now: float,
    floor_days: int,
    least: float,
) -> None:
    """Holds back what ITEM[n] says was ignored or bought. `rows` are theirs, `shares` of buyers who bought again.

    Beyond its floor, what was bought stays held where less than the `least` share buys it again, unless the item
    states a floor of its own: then the shop has decided.
    """
    for index in range(len(items)):
        group, bought = columns.group[rows[index]], np.int64(items[index].bought)
        if items[index].flags & MARKED_IGNORED:
            _hold(groups, numbers, group, IGNORED)
        if bought == 0:
            continue
        if _inside_floor(rows[index], columns, bought, now, floor_days):
            _hold(groups, numbers, group, JUST_BOUGHT)
        if columns.floor[rows[index]] == SHOP_FLOOR and shares[index] < least:
            _hold(groups, numbers, group, BOUGHT_BEFORE)


@njit(cache=True, nogil=True)
def hold_claims(groups: Any, numbers: Any, claims: Any, rows: Any, columns: Any, now: float, floor_days: int) -> None:
    """Holds back what a browser says was bought (EVENT[n], with the `rows` of their items) so recently."""
    for index in range(len(claims)):
        bought = claims[index].time // MICROSECONDS
        if bought > 0 and _inside_floor(rows[index], columns, bought, now, floor_days):
            _hold(groups, numbers, columns.group[rows[index]], JUST_BOUGHT)


@njit(cache=True, nogil=True)
def hold_page(groups: Any, numbers: Any, rows: Any, columns: Any) -> None:
    """Holds back what is on the page already."""
    for index in range(len(rows)):
        _hold(groups, numbers, columns.group[rows[index]], ON_THIS_PAGE)


@njit(cache=True, nogil=True)
def _inside_floor(row: Any, columns: Any, bought: Any, now: float, floor_days: int) -> Any:
    """Bought (Unix seconds) so recently that the buyer has no use for another."""
    own = np.int64(columns.floor[row])
    return now - bought < (floor_days if own == SHOP_FLOOR else own) * SECONDS_PER_DAY
