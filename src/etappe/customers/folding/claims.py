"""What a browser claims to have bought: it holds its item back for a while, and counts for nothing else.

Claims stand among the recent events of a base under a code of their own, so that nothing that counts purchases sees
them. A purchase of the same order takes their place, whichever of the two came first: it says what was bought.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from etappe.customers.records import CLAIM

RECENT: Final = 32
"""Events about items that a base keeps as they were, for the session under way."""
CLAIMS: Final = 32
"""Claims that a base keeps beside them, the latest."""


def are_claims(events: NDArray[np.void]) -> NDArray[np.bool_]:
    """bool[n]: which of EVENT[n] are claims of a purchase."""
    found: NDArray[np.bool_] = events["code"] == CLAIM
    return found


def kept(recent: NDArray[np.void], totals: NDArray[np.void]) -> NDArray[np.void]:
    """Of EVENT[n] in order of time the last RECENT events, and the last CLAIMS claims of orders not in TOTALS[1]."""
    claimed = are_claims(recent)
    if not claimed.any():
        return recent[-RECENT:]
    orders = totals["recent_orders"][0]
    waiting = np.flatnonzero(claimed & ~np.isin(recent["order"], orders[orders > 0]))[-CLAIMS:]
    told: NDArray[np.void] = recent[np.sort(np.concatenate([np.flatnonzero(~claimed)[-RECENT:], waiting]))]
    return told
