"""World 2 has people as real shops have them; ranges are wide around the figures that its file names."""

from datetime import UTC, datetime

import polars as pl
import pytest

from etappe.simulation import Shop, Size, simulate

GAP = pl.duration(minutes=30)
DAYS = 120


@pytest.fixture(scope="module")
def shop() -> Shop:
    """600 customers and their strangers over 120 days."""
    return simulate(
        Size(customers=600, items=300, days=DAYS, seed=3, end=datetime(2026, 6, 30, 12, tzinfo=UTC), world=2)
    )


@pytest.fixture(scope="module")
def events(shop: Shop) -> pl.DataFrame:
    """All events of people once each, by the true time `at`, with the true `person` and `stage`."""
    once = shop.events.unique("event_id", keep="first").join(shop.truth.events, on="event_id")
    return once.drop_nulls("person").sort("at", "event_id")


@pytest.fixture(scope="module")
def visits(events: pl.DataFrame) -> pl.DataFrame:
    """One row a visit as a shop's log has them: what a browser sent without a break of half an hour."""
    online = events.drop_nulls("anonymous_id").sort("anonymous_id", "at")
    new = (pl.col("anonymous_id") != pl.col("anonymous_id").shift()) | (pl.col("at").diff() > GAP)
    numbered = online.with_columns(visit=new.fill_null(value=True).cum_sum())
    views = (pl.col("event") == "view_item").sum().alias("views")
    bought = (pl.col("event") == "purchase").any().alias("bought")
    return numbered.group_by("visit").agg(pl.col("person").first(), views, bought).filter(pl.col("views") > 0)


def test_visits_are_short(visits: pl.DataFrame) -> None:
    """Three views in the mean, two in the median, a long tail; four in ten visits have one view."""
    views = visits["views"]
    assert 2.6 < views.mean() < 4.2  # type: ignore[operator]
    assert views.median() == 2
    assert 0.32 < (views == 1).mean() < 0.48  # type: ignore[operator]
    assert 6 <= views.quantile(0.9) <= 9  # type: ignore[operator]
    assert views.max() > 20  # type: ignore[operator]


def test_most_come_once_or_twice(visits: pl.DataFrame) -> None:
    """The median visitor of four months comes once or twice, and a tenth of them makes over a third of the visits."""
    counts = visits.group_by("person").len()["len"].sort(descending=True)
    assert counts.median() <= 2  # type: ignore[operator]
    assert (counts == 1).mean() > 0.33  # type: ignore[operator]
    assert counts.head(len(counts) // 10).sum() > 0.35 * counts.sum()


def test_few_visits_end_in_an_order(visits: pl.DataFrame) -> None:
    """Some in a hundred visits buy."""
    assert 0.02 < visits["bought"].mean() < 0.09  # type: ignore[operator]


def _last_month(shop: Shop, events: pl.DataFrame, stage: str) -> pl.DataFrame:
    """One row for each person in `stage` at the end who was seen in the 30 days before: views, carts, searches, orders."""
    there = shop.truth.stages.filter(pl.col("until").is_null(), pl.col("stage") == stage)["person"]
    month = events.filter(pl.col("person").is_in(there.implode()), pl.col("at") > shop.size.end - pl.duration(days=30))
    counts = [(pl.col("event") == name).sum().alias(name) for name in ("view_item", "add_to_cart", "search")]
    return month.group_by("person").agg(counts)


def test_a_stage_looks_like_it(shop: Shop, events: pl.DataFrame) -> None:
    """In a month: awareness a few views and no cart, consideration more of them and searches, decision carts."""
    aware, considers, decides = (
        _last_month(shop, events, stage).mean() for stage in ("awareness", "consideration", "decision")
    )
    assert aware["view_item"][0] < 7
    assert aware["add_to_cart"][0] < 0.2
    assert 1.3 * aware["view_item"][0] < considers["view_item"][0] < 25
    assert considers["search"][0] > 2 * aware["search"][0]
    assert decides["add_to_cart"][0] > 2 * considers["add_to_cart"][0]


def test_other_systems_speak(events: pl.DataFrame) -> None:
    """Parcels, complaints, goods that come back, answers, mails and messages are told in events of their own."""
    names = {"delivery", "complaint", "return", "survey", "email_send", "message_send", "message_open", "message_click"}
    assert names <= set(events["event"])


def test_who_waited_recommends_less(events: pl.DataFrame) -> None:
    """The answers after a late parcel are lower, as the world's file says."""
    late = events.filter(event="delivery").select("person", late=pl.col("properties").str.contains("true"))
    said = events.filter(pl.col("event") == "survey", pl.col("properties").str.contains("recommends"))
    answers = said.select("person", score=pl.col("properties").str.json_path_match("$.answer").cast(pl.Int64))
    both = answers.join(late.group_by("person").agg(pl.col("late").any()), on="person")
    means = dict(both.group_by("late").agg(pl.col("score").mean()).iter_rows())
    assert means[True] < means[False] - 0.3
