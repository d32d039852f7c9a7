"""Customers as they were at the cut: the log's events through the same fold that serves them."""

import polars as pl

from etappe.customers.state import State, Whole
from etappe.store.logged import history


def states(events: pl.LazyFrame, half_life_days: float) -> dict[bytes, State]:
    """The state of each identified customer after `events` (columns of `store.schema.EVENT`), by subject."""
    past = history.ordered(events.filter(pl.col("subject").is_not_null()))
    return {one.subject: Whole.of(one.base, half_life_days) for one in history.bases(past, half_life_days)}
