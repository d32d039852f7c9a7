"""What the log says, as matrices."""

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from etappe.customers.packed.base import EMPTY
from etappe.customers.records import EVENT
from etappe.customers.state import Whole, extend
from etappe.errors import InputError
from etappe.events.vocabulary import CODES
from etappe.ids import item_hash
from etappe.training import matrices
from etappe.training.matrices import Matrices

Log = Callable[..., pl.LazyFrame]


def _cells(data: Matrices, name: str) -> dict[tuple[int, str], float]:
    """Values of a matrix by row and item id (of items a to e)."""
    ids = {item_hash(item): item for item in "abcde"}
    matrix = getattr(data, name).tocoo()
    items = [ids[int(hashed)] for hashed in data.items[matrix.col]]
    return dict(zip(zip(matrix.row.tolist(), items, strict=True), matrix.data.tolist(), strict=True))


def test_weights_are_strengths_that_halve(log: Log) -> None:
    """A purchase a half-life ago weighs 2.5, a view now 1, and they add up; rows are customers in their own order."""
    rows = [("purchase", "y", "a", "o1", 60), ("view_item", "y", "a", None, 0), ("add_to_cart", "x", "b", None, 120)]
    data = matrices.read(log(rows), half_life_days=60)
    assert _cells(data, "weights") == pytest.approx({(0, "b"): 0.75, (1, "a"): 3.5})
    assert data.events == 3


def test_weights_equal_the_fold_of_a_record(log: Log, now: datetime) -> None:
    """For any mix of events the weight is the one that the customer's own record folds to."""
    chance = np.random.default_rng(3)
    names = ["view_item", "purchase", "refund", "add_to_cart", "remove_from_cart", "click", "ignore"]
    rows = [
        (str(chance.choice(names)), "x", str(chance.choice(list("abcde"))), None, int(chance.integers(0, 300)))
        for _ in range(200)
    ]
    records = np.zeros(len(rows), EVENT)
    records["item"] = [item_hash(str(row[2])) for row in rows]
    records["code"] = [CODES[row[0]] for row in rows]
    records["time"] = [int((now - timedelta(days=row[4])).timestamp() * 1_000_000) for row in rows]
    records = records[np.argsort(records["time"], kind="stable")]
    state = Whole.of(extend(EMPTY, records, [], 45.0), 45.0)
    weights = dict(zip(state.items["item"].tolist(), state.weights(now.timestamp()).tolist(), strict=True))
    found = _cells(matrices.read(log(rows), half_life_days=45.0, now=now), "weights")
    expected = {(0, item): weights[item_hash(item)] for item in "abcde" if weights[item_hash(item)] > 0}
    assert found == pytest.approx(expected, rel=1e-9)


def test_refunds_and_removals_leave_nothing_below_zero(log: Log) -> None:
    """Where they outweigh the rest there is no cell, and an item that was only given back is no item."""
    rows = [("add_to_cart", "x", "a", None, 90), ("remove_from_cart", "x", "a", None, 0), ("refund", "x", "b", None, 0)]
    data = matrices.read(log(rows), half_life_days=60)
    assert _cells(data, "weights") == {}
    assert data.items.tolist() == [item_hash("a")]


def test_nobody_is_no_customer(log: Log) -> None:
    """Anonymous purchases are in baskets and lines, never among customers; refunds do not undo what was bought."""
    rows = [
        ("purchase", None, "a", "o1", 1),
        ("purchase", None, "b", "o1", 1),
        ("purchase", "x", "b", "o2", 1),
        ("purchase", "x", "b", "o3", 0),
        ("refund", "x", "b", "o3", 0),
        ("view_item", "y", "a", None, 0),
    ]
    data = matrices.read(log(rows), half_life_days=60)
    assert _cells(data, "bought") == {(0, "b"): 1.0}
    assert _cells(data, "baskets") == {(0, "a"): 1.0, (0, "b"): 1.0, (1, "b"): 1.0, (2, "b"): 1.0}
    assert data.bought.shape == data.weights.shape == (2, 2)
    assert data.lines.customers.tolist() == [-1, -1, 0, 0]
    assert len(set(data.lines.buyers.tolist())) == 2


def test_a_purchase_without_order_is_an_order_of_its_own(log: Log) -> None:
    """Two such lines never came together, and an order named like an event is not mixed up with it."""
    rows = [("purchase", "x", "a", None, 0), ("purchase", "x", "b", None, 0), ("purchase", "x", "c", "e0", 0)]
    data = matrices.read(log(rows), half_life_days=60)
    assert data.baskets.shape[0] == 3
    assert data.baskets.sum(axis=1).tolist() == [1.0, 1.0, 1.0]


def test_lines_without_order_that_share_an_id(log: Log) -> None:
    """Two customers, or two who will not be known, who use one event_id for a line without order share no basket."""
    rows = [("purchase", who, item, None, 0) for who, item in (("x", "a"), ("y", "b"), (None, "a"), (None, "b"))]
    data = matrices.read(log(rows).with_columns(event_id=pl.lit("1")), half_life_days=60)
    assert data.baskets.sum(axis=1).tolist() == [1.0] * 4


def test_now_is_the_last_event_or_what_is_said(log: Log, now: datetime) -> None:
    """Ages count from the last event; with an earlier `now` what came after it was not seen."""
    rows = [("purchase", "x", "a", "o1", 40), ("purchase", "x", "b", "o2", 10)]
    data = matrices.read(log(rows), half_life_days=60)
    assert data.now == (now - timedelta(days=10)).timestamp()
    assert data.lines.ages.tolist() == pytest.approx([30.0, 0.0])
    earlier = matrices.read(log(rows), half_life_days=60, now=now - timedelta(days=20))
    assert earlier.items.tolist() == [item_hash("a")]
    assert earlier.lines.ages.tolist() == pytest.approx([20.0])


def test_the_order_of_the_log_does_not_matter(log: Log) -> None:
    """The same events in another order give the same matrices."""
    rows = [("purchase", f"c{n % 7}", "abcde"[n % 5], f"o{n % 11}", float(n % 3)) for n in range(40)]
    one, other = (matrices.read(log(given), half_life_days=60) for given in (rows, rows[::-1]))
    assert _cells(one, "weights") == pytest.approx(_cells(other, "weights"))
    assert _cells(one, "baskets") == _cells(other, "baskets")
    assert one.items.tolist() == other.items.tolist()


@pytest.mark.parametrize(
    "rows",
    [[], [("login", "x", None, None, 0)], [("ignore", "x", "a", None, 0)], [("refund", "x", "a", None, 0)]],
    ids=["empty", "no item", "no taste", "refunds only"],
)
def test_a_log_of_nothing_says_what_is_missing(log: Log, rows: list[tuple[str, str, str, str, float]]) -> None:
    """A log without anything to learn from is refused, and the message names the events that would do."""
    with pytest.raises(InputError, match=r"no event to learn from.*view_item.*purchase"):
        matrices.read(log(rows), half_life_days=60)


def test_items_of_one_hash_are_refused(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two ids with the same 64-bit hash would be one item; the message names both."""
    monkeypatch.setattr(matrices, "item_hash", lambda name: 7 if name in "ab" else 8)
    rows = [("purchase", "x", item, "o", 0) for item in "abc"]
    with pytest.raises(InputError, match="items a and b have the same hash"):
        matrices.read(log(rows), half_life_days=60)


def test_a_few_stragglers_do_not_age_the_rest(log: Log) -> None:
    """Two purchases years after a thousand others leave those as fresh as they were, and count as fresh themselves."""
    rows = [("purchase", f"u{number:04}", "a", None, 4000.0 + number / 1000) for number in range(1000)]
    late = [("purchase", "late", "b", None, 0.0), ("purchase", "late", "b", None, 1.0)]
    found = _cells(matrices.read(log([*rows, *late]), half_life_days=30.0), "weights")
    assert found.pop((0, "b")) == pytest.approx(10.0)
    assert min(found.values()) == pytest.approx(5.0, rel=0.05)


def test_flagged_events_are_left_out(log: Log) -> None:
    """What a bot or staff did is neither a taste nor a purchase, and the end of the log is not theirs; see `traffic`."""
    rows = [("purchase", "x", "a", "o1", 3), ("purchase", "y", "b", "o2", 2), ("view_item", "x", "b", None, 0)]
    flags = pl.Series("flag", [None, "staff", "bot"], pl.String)
    flagged = log(rows).collect().with_columns(flags).lazy()
    data = matrices.read(flagged, half_life_days=60)
    assert _cells(data, "weights") == {(0, "a"): 5.0}
    assert (data.events, data.baskets.shape) == (1, (1, 1))
    assert matrices.read(log(rows).drop("flag"), half_life_days=60).events == 3
