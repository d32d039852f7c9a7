"""How the totals of one customer that were folded apart come together."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from etappe.customers.folding.fold import TOTALS
from etappe.customers.folding.kernels import RECENT_ORDERS
from etappe.customers.folding.ring import in_turn

_SUMS: Final = ("events", "orders", "purchases", "views", "revenue", "refunded")


def totals_of(parts: Sequence[NDArray[np.void]]) -> NDArray[np.void]:
    """TOTALS[1] of several: orders that more than one of them knows count once."""
    total = np.zeros(1, TOTALS)
    known = np.concatenate([part for part in parts if part["events"][0]] or [total])
    for name in _SUMS:
        total[name] = known[name].sum()
    total["first"], total["last"] = known["first"].min(), known["last"].max()
    recent = in_turn([orders[orders > 0][::-1] for orders in known["recent_orders"]])[::-1]
    distinct = np.sort(np.unique(recent, return_index=True)[1])
    total["orders"] -= np.uint32(len(recent) - len(distinct))
    latest = recent[distinct][:RECENT_ORDERS]
    total["recent_orders"][0, : len(latest)] = latest
    return total
