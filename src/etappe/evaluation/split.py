"""The past whose future is known: a log cut in time, and what customers bought after the cut."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import polars as pl

from etappe.errors import InputError
from etappe.units import SECONDS_PER_DAY

LearnFrom = Literal["purchases", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One customer of the test: the item ids `owned` at the cut, and those bought after it, both sorted."""

    subject: bytes
    owned: list[str]
    truth: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A log cut in two. `train` are the events to learn from, `items` the ids bought in them, sorted."""

    cut: datetime
    train: pl.LazyFrame
    cases: list[Case]
    customers: int
    items: list[str]
    pairs: int


def split(events: pl.LazyFrame, test_days: int, learn_from: LearnFrom = "purchases") -> Split:
    """Cuts `events` so that the last `test_days` days of purchases are the test.

    Only what identified customers did counts, before and after the cut, and no flagged event. Customers and items of
    the test must have purchases before it. With "purchases" nothing else is learned from; with "all" views, carts and
    refunds are too.

    Raises:
        InputError: the log is too short, or nobody in it bought both before and after the cut.
    """
    if test_days < 1:
        raise InputError(f"{test_days} test days; at least 1 is needed", field="test_days")
    known = events.filter(pl.col("subject").is_not_null())
    if "flag" in events.collect_schema():
        known = known.filter(pl.col("flag").is_null())
    bought = pl.col("event").eq("purchase") & pl.col("item_id").is_not_null()
    purchases = known.filter(bought).select("subject", "time", "item_id").collect()
    cut = _cut(purchases, test_days)
    before = purchases.filter(pl.col("time") <= cut).select("subject", "item_id").unique()
    after = purchases.filter(pl.col("time") > cut).select("subject", "item_id").unique()
    return Split(
        cut=cut,
        train=(known if learn_from == "all" else known.filter(bought)).filter(pl.col("time") <= cut),
        cases=_cases(before, after, test_days),
        customers=before["subject"].n_unique(),
        items=before["item_id"].unique().sort().to_list(),
        pairs=before.height,
    )


def _cut(purchases: pl.DataFrame, test_days: int) -> datetime:
    first, last = purchases["time"].min(), purchases["time"].max()
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        raise InputError("the log holds no purchase by an identified customer, so there is nothing to test by")
    cut = last - timedelta(days=test_days)
    if first > cut:
        span = (last - first).total_seconds() / SECONDS_PER_DAY
        raise InputError(f"purchases span {span:.1f} days, {test_days} of them as a test leave none to learn from")
    return cut


def _cases(before: pl.DataFrame, after: pl.DataFrame, test_days: int) -> list[Case]:
    tested = after.join(before.select("item_id").unique(), on="item_id", how="semi")
    truth = tested.group_by("subject").agg(truth=pl.col("item_id").sort())
    owned = before.group_by("subject").agg(owned=pl.col("item_id").sort())
    rows = truth.join(owned, on="subject").sort("subject")
    if rows.is_empty():
        raise InputError(f"no customer bought both before and in the last {test_days} days; try other test days")
    return [Case(**row) for row in rows.iter_rows(named=True)]
