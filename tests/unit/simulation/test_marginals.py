"""The simulated shop's figures lie where real shops' do. Ranges are wide; docs/simulation.md states the values."""

from typing import Any

import polars as pl
import pytest

from etappe.simulation import Shop
from etappe.simulation.parameters import STAGES

Range = tuple[float, float]


def _count(events: pl.DataFrame, event: str) -> int:
    return events.filter(pl.col("event") == event, pl.col("person").is_not_null()).height


def _within(value: Any, allowed: Range) -> bool:
    """Whether a figure lies in its range; the message of a failure shows both."""
    low, high = allowed
    return low < float(value) < high


def test_events_a_customer_and_day(shop: Shop) -> None:
    """About 1.7, all others included: what `world.make` counts with when it refuses a size."""
    assert _within(shop.events.height / 2000 / 120, (1.3, 2.2))


def test_views_carts_purchases(events: pl.DataFrame) -> None:
    """Of 100 views, about 8 lead to the cart and 3 to a purchase."""
    views = _count(events, "view_item")
    assert _within(100 * _count(events, "add_to_cart") / views, (6, 11))
    assert _within(100 * _count(events, "purchase") / views, (2, 5))


def test_baskets_are_small(lines: pl.DataFrame) -> None:
    """Most orders have one line, the mean is about 2; some companies and households fill large ones."""
    sizes = lines.group_by("order_id").len()["len"]
    assert _within(sizes.mean(), (1.6, 2.5))
    assert _within((sizes == 1).mean(), (0.48, 0.72))
    assert 8 < sizes.max() <= 40


def test_companies_buy_more(lines: pl.DataFrame) -> None:
    """Who buys for a company takes over three times the pieces."""
    pieces = dict(lines.group_by("business").agg(pl.col("quantity").mean()).iter_rows())
    assert pieces[True] > 3 * pieces[False]


def test_purchases_have_a_long_tail(lines: pl.DataFrame) -> None:
    """The top fifth of all items makes about 62 % of the lines, and most items are sold now and then."""
    counts = lines["item_id"].value_counts(sort=True)["count"]
    assert _within(counts.head(200).sum() / counts.sum(), (0.5, 0.75))
    assert _within(len(counts), (700, 990))


def test_customers_come_again(lines: pl.DataFrame) -> None:
    """Over half of those who buy in four months do so more than once."""
    orders = lines.drop_nulls("user_id").group_by("user_id").agg(pl.col("order_id").n_unique())["order_id"]
    assert _within((orders > 1).mean(), (0.42, 0.8))
    assert _within(len(orders) / 2000, (0.4, 0.75))


def test_what_is_used_up_is_bought_again(lines: pl.DataFrame) -> None:
    """About a seventh of known lines repeat an earlier purchase of the customer, and none of what lasts."""
    known = lines.drop_nulls("user_id").with_columns(again=~pl.struct("user_id", "item_id").is_first_distinct())
    assert _within(known["again"].mean(), (0.07, 0.28))
    assert not known.filter(pl.col("cycle_days").is_null())["again"].any()


@pytest.mark.parametrize("category", ["kitchen/coffee", "pets/dog-food", "pets/cat-food", "pets/litter"])
def test_repeat_purchases_keep_their_cycle(lines: pl.DataFrame, category: str) -> None:
    """The median time between two purchases of one item is near its category's cycle; hardly any is far below."""
    kept = lines.filter(pl.col("category") == category).drop_nulls("person").sort("at")
    gaps = kept.select(
        "cycle_days", days=pl.col("at").diff().over("person", "item_id").dt.total_hours() / 24
    ).drop_nulls()
    cycle = gaps["cycle_days"].max()
    assert gaps.height > 50
    assert gaps["days"].median() == pytest.approx(cycle, rel=0.2)
    assert _within(gaps["days"].quantile(0.1) / cycle, (0.4, 0.95))


def test_lists_and_pieces_are_clicked_now_and_then(shop: Shop) -> None:
    """About 3 % of items shown in lists and 6 % of pieces are clicked; of clicked items 8 % are bought."""
    shown = shop.responses
    assert _within(shown.filter(placement="home.top")["clicked"].mean(), (0.015, 0.045))
    assert _within(shown.filter(placement="home.hero")["clicked"].mean(), (0.04, 0.1))
    assert _within(shop.story.shown.bought.sum() / shop.story.shown.clicked.sum(), (0.04, 0.16))


def test_mails_are_clicked_now_and_then(events: pl.DataFrame) -> None:
    """Of a hundred mails about four are followed."""
    assert _within(_count(events, "email_click") / _count(events, "other"), (0.02, 0.09))


def test_evenings_are_busier_than_nights(events: pl.DataFrame) -> None:
    """A view at eight in the evening is over five times as likely as one at three in the night."""
    views = events.filter(pl.col("event") == "view_item", pl.col("person").is_not_null())
    count = dict(views["at"].dt.hour().value_counts().iter_rows())
    assert count[20] > 5 * count[3]


def test_channels_have_their_share(events: pl.DataFrame, lines: pl.DataFrame) -> None:
    """Web leads, then app, e-mail, ads; stores have about a seventh of all lines, and see little else."""
    share = dict(events["channel"].value_counts(normalize=True).iter_rows())
    assert share["web"] > share["app"] > share["email"] > share["ad"] > share["store"] > 0
    assert _within((lines["channel"] == "store").mean(), (0.07, 0.24))
    assert set(events.filter(channel="store")["event"]) <= {"purchase", "store_visit", "refund"}


def test_orders_follow_the_stages(shop: Shop, lines: pl.DataFrame) -> None:
    """Most lines are bought in decision, though fewest time is spent there; the loyal buy more often than the retained."""
    bought = dict(lines["stage"].value_counts(normalize=True).iter_rows())
    stays = shop.story.stays
    time = {name: stays.length[stays.stage == place].sum() for place, name in enumerate(STAGES)}
    assert max(bought, key=bought.__getitem__) == "decision"
    rate = {name: bought[name] / time[name] for name in STAGES}
    assert rate["decision"] > rate["loyalty"] > rate["retention"] > rate["awareness"]


def test_no_week_is_empty(events: pl.DataFrame) -> None:
    """Every week of the story has orders, none over four times as many as another."""
    weeks = (
        events.filter(event="purchase")
        .group_by_dynamic("at", every="1w")
        .agg(pl.col("order_id").n_unique())["order_id"][1:-1]
    )
    assert len(weeks) >= 14
    assert weeks.max() < 4 * weeks.min()
