"""The cut, and what lies on either side of it."""

from collections.abc import Callable
from datetime import UTC, datetime

import polars as pl
import pytest

from etappe.errors import InputError
from etappe.evaluation.split import split

Row = tuple[str, str | None, str, float]
Make = Callable[[list[Row]], pl.LazyFrame]

ROWS: list[Row] = [
    ("purchase", "x", "a", 0.0),
    ("purchase", "x", "a", 1.0),
    ("purchase", "y", "b", 10.0),
    ("view_item", "x", "b", 5.0),
    ("purchase", None, "c", 5.0),
    ("purchase", "x", "b", 10.5),
    ("purchase", "x", "a", 11.0),
    ("purchase", "x", "c", 11.0),
    ("purchase", "z", "a", 12.0),
    ("purchase", "y", "d", 15.0),
    ("view_item", "x", "a", 99.0),
]


def test_the_cut_counts_from_the_last_purchase(make: Make) -> None:
    """Views after it do not move the cut, and what happens on the stroke of it is learned from."""
    cut = split(make(ROWS), 5)
    assert cut.cut == datetime(2026, 1, 11, tzinfo=UTC)
    assert cut.train.collect()["time"].max() == cut.cut


def test_customers_and_items_of_the_test_are_known_from_before(make: Make) -> None:
    """Customer z is new at the cut, item c was bought by nobody known, d not at all: only x is tested, on a and b."""
    cut = split(make(ROWS), 5)
    assert [(case.subject, case.owned, case.truth) for case in cut.cases] == [(b"x", ["a"], ["a", "b"])]
    assert (cut.customers, cut.items, cut.pairs) == (2, ["a", "b"], 2)


def test_only_what_is_asked_for_is_learned_from(make: Make) -> None:
    """By default the purchases of identified customers; with "all" also what else they did; never strangers."""
    assert split(make(ROWS), 5).train.collect()["event_id"].to_list() == ["e0", "e1", "e2"]
    assert split(make(ROWS), 5, "all").train.collect()["event_id"].to_list() == ["e0", "e1", "e2", "e3"]


@pytest.mark.parametrize(
    ("rows", "days", "message"),
    [
        (ROWS, 0, "0 test days"),
        (ROWS, 16, r"span 15\.0 days, 16 of them"),
        ([], 5, "no purchase by an identified customer"),
        ([("purchase", None, "a", 1.0)], 5, "no purchase by an identified customer"),
        ([("purchase", "x", "a", 0.0), ("purchase", "y", "a", 9.0)], 5, "no customer bought both"),
    ],
)
def test_a_log_without_a_test_says_why(make: Make, rows: list[Row], days: int, message: str) -> None:
    """The message tells what the log lacks."""
    with pytest.raises(InputError, match=message):
        split(make(rows), days)


def test_flagged_events_are_left_out(make: Make) -> None:
    """What a bot did before or after the cut is neither learned from nor tested, as if it were not in the log."""
    extra: list[Row] = [("purchase", "x", "a", 9.0), ("purchase", "y", "a", 14.0), ("purchase", "z", "b", 40.0)]
    marks = pl.Series("flag", [None] * len(ROWS) + ["bot"] * len(extra), pl.String)
    flagged = split(make(ROWS + extra).collect().with_columns(marks).lazy(), 5)
    plain = split(make(ROWS), 5)
    assert (flagged.cut, flagged.cases, flagged.pairs) == (plain.cut, plain.cases, plain.pairs)
    assert flagged.train.collect()["event_id"].to_list() == plain.train.collect()["event_id"].to_list()
