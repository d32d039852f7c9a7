"""Customers as of the cut."""

from collections.abc import Callable
from datetime import timedelta

import polars as pl
import pytest

from etappe.customers.folding.fold import MAX_ACTED
from etappe.evaluation.states import states
from etappe.ids import item_hash

Make = Callable[..., pl.LazyFrame]


def test_states_hold_what_customers_did(make: Make) -> None:
    """Weights, purchases and the day of the last one are those of the customer's own events, in any order of the log."""
    events = make(
        [
            ("purchase", "x", "a", 10.0),
            ("purchase", "y", "b", 0.0),
            ("purchase", "x", "a", 0.0),
            ("view_item", "x", "b", 10.0),
            ("purchase", None, "c", 0.0),
        ]
    )
    found = states(events, 10.0)
    assert set(found) == {b"x", b"y"}
    last = events.collect()["time"].max()
    assert last is not None
    items = dict(zip(found[b"x"].items["item"].tolist(), found[b"x"].weights(last.timestamp()).tolist(), strict=True))
    assert items == pytest.approx({item_hash("a"): 7.5, item_hash("b"): 1.0})
    bought = found[b"x"].items[found[b"x"].items["item"] == item_hash("a")][0]
    assert (bought["purchases"], bought["bought"]) == (2, int(last.timestamp()))
    assert found[b"x"].base.totals["revenue"][0] == pytest.approx(5.0)
    assert found[b"y"].items["bought"][0] == int((last - timedelta(days=10)).timestamp())


def test_states_are_bounded_as_records_are(make: Make) -> None:
    """Of more items than a record holds, the latest are kept: evaluation knows no more than serving does."""
    events = make([("purchase", "x", f"i{number}", float(number)) for number in range(MAX_ACTED + 5)])
    kept = set(states(events, 60.0)[b"x"].items["item"].tolist())
    assert kept == {item_hash(f"i{number}") for number in range(5, MAX_ACTED + 5)}


def test_nobody_known(make: Make) -> None:
    """A log of strangers has no states."""
    assert states(make([("purchase", None, "a", 0.0)]), 60.0) == {}
