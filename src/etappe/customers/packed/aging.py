"""What leaves a base with time: the events of a session that is over, old claims, hashes of events long since known.

Whoever stores a base takes out what is due; the worker's sweep does so for customers who do not come any more. A
decision does not: what is old says nothing there, and its clock may be set to another time.
"""

from typing import Final

import msgspec
import numpy as np

from etappe.customers.folding import claims, ring
from etappe.customers.packed.base import Base
from etappe.settings import Showing
from etappe.units import MICROSECONDS, SECONDS_PER_DAY

CLAIM_DAYS: Final = 366
"""Days that a claim holds its item back at most: no shop's floor is longer, unless the settings say so."""
_DEFAULTS: Final = Showing()


def aged(base: Base, now: float, showing: Showing = _DEFAULTS) -> Base:
    """`base` without what is due to leave by `now` (Unix seconds); the very same object where nothing is.

    Taken out at once or in steps, before or after a later fold: what stays in the end is the same.
    """
    stays = base.arrived[~ring.due(base.arrived, now)]
    recent = base.recent
    if len(recent):
        longest = max(showing.floor_days, CLAIM_DAYS) * SECONDS_PER_DAY
        seconds = np.where(claims.are_claims(recent), longest, showing.session_minutes * 60)
        recent = recent[recent["time"] >= (now - seconds) * MICROSECONDS]
    if len(stays) == len(base.arrived) and len(recent) == len(base.recent):
        return base
    return msgspec.structs.replace(base, arrived=stays, recent=recent)
