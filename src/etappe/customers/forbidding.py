"""What is left of a customer's state where it may hold items back and say nothing else."""

import msgspec

from etappe.customers.records import GIFT
from etappe.customers.state import State


def only_forbidding(state: State) -> State:
    """A state in which all that forbids is kept (ignored, bought, claimed), and nothing speaks for taste or session.

    Items count as gifts: what was given away tells nothing of the giver, and is not shown again all the same.
    """
    items, totals = state.items.copy(), state.base.totals.copy()
    items["flags"] |= GIFT
    totals["events"] = 0
    base = msgspec.structs.replace(state.base, items=items, totals=totals, recent=state.claims)
    return State(base=base, half_life_days=state.half_life_days, digest="")
