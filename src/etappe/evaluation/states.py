"""Customers as they were at the cut: the log's events through the same fold that serves them."""

from typing import Final

import numpy as np
import polars as pl

from etappe.customers.records import EVENT
from etappe.customers.state import State
from etappe.store import history

_NOTHING: Final = np.zeros(0, EVENT)


def states(events: pl.LazyFrame, half_life_days: float) -> dict[bytes, State]:
    """The state of each identified customer after `events` (columns of `store.schema.EVENT`), by subject.

    Nobody has a session under way: what is asked for is the customer's taste.
    """
    past = history.ordered(events.filter(pl.col("subject").is_not_null()))
    return {
        one.subject: State(base=one.base, session=_NOTHING, half_life_days=half_life_days, digest="")
        for one in history.bases(past, half_life_days)
    }
