"""What is left of a customer's state where it may hold items back and say nothing else."""

import msgspec

from etappe.customers.records import GIFT
from etappe.customers.state import State


def only_forbidding(state: State) -> State:
    """A state in which all that forbids is kept (ignored, bought, claimed), and nothing speaks for taste or session.

    Items count as gifts: what was given away tells nothing of the giver, and is not shown again all the same.
    """
    items = state.items.copy()
    items["flags"] |= GIFT
    return msgspec.structs.replace(state, items=items, recent=state.recent[:0], known=False, digest="")
