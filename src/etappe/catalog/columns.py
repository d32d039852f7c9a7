"""What is asked of many items at once, as one record a row: 32 bytes, of which a change writes one."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from etappe.catalog.item import Item
from etappe.ids import item_hash

NEVER: Final = 2**32 - 1
SHOP_FLOOR: Final = -1
"""`floor_days` of an item that states none of its own."""
GATE: Final = np.dtype(
    [
        ("group", np.uint64),
        ("price", np.float64),
        ("opens", np.uint32),
        ("closes", np.uint32),
        ("category", np.int32),
        ("floor", np.int16),
        ("available", np.bool_),
        ("changed", np.bool_),
    ]
)
"""`group`: hash of the variant group or of the item. `price`: NaN for none. `opens`/`closes`: Unix seconds. `category`:
code. `floor`: days. `changed`: whether the row's document is in the overlay. Two records lie in a line of the cache, so
that a check of a candidate fetches one line and not one for each column."""


def record_of(item: Item, category: int, *, sold: bool = True) -> tuple[Any, ...]:
    """The record of an item whose category has this code, changed since the catalogue was compiled.

    What is no product (not `sold`) never opens.
    """
    return (
        item_hash(f"group:{item.item_group_id}" if item.item_group_id else item.id),
        np.nan if item.price is None else item.price,
        _seconds(item.available_from, 0, math.ceil) if sold else NEVER,
        _seconds(item.available_until, NEVER, math.floor),
        category,
        SHOP_FLOOR if item.floor_days is None else item.floor_days,
        item.available,
        True,
    )


def _seconds(time: datetime | None, default: int, whole: Callable[[float], int]) -> int:
    """Unix seconds, rounded so that nothing is open outside its time; times without a zone are UTC."""
    if time is None:
        return default
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return min(max(whole(aware.timestamp()), 0), NEVER)
