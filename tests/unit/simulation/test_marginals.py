"""The simulated shop's figures lie where real shops' do. Ranges are wide; docs/simulation.md states the values."""

import polars as pl
import pytest

from etappe.simulation import Shop


def _count(shop: Shop, event: str) -> int:
    return shop.events.filter(event=event).height


def _share_of_top(items: pl.Series, share: float, of: int) -> float:
    counts = items.value_counts(sort=True)["count"]
    return counts.head(round(of * share)).sum() / counts.sum()


def test_views_carts_purchases(shop: Shop) -> None:
    """Of 100 views, about 6 lead to the cart and 3 to a purchase."""
    views = _count(shop, "view_item")
    assert 4.5 < 100 * _count(shop, "add_to_cart") / views < 8
    assert 2.2 < 100 * _count(shop, "purchase") / views < 4.5


def test_baskets_have_one_to_five_lines(lines: pl.DataFrame) -> None:
    """Every order has 1 to 5 lines of different items; most have one, the mean is between 1.5 and 2.2."""
    orders = lines.group_by("order_id").agg(pl.len(), pl.col("item_id").n_unique().alias("items"))
    assert orders["len"].is_between(1, 5).all()
    assert orders["len"].equals(orders["items"].rename("len"))
    assert 1.5 < orders["len"].mean() < 2.2
    assert (orders["len"] == 1).mean() > 0.45


def test_lines_of_an_order_belong_together(lines: pl.DataFrame) -> None:
    """The lines of an order have one time, one customer and one channel."""
    keys = lines.group_by("order_id").agg(pl.struct("timestamp", "user_id", "anonymous_id", "channel").n_unique())
    assert (keys["timestamp"] == 1).all()


def test_purchases_have_a_long_tail(shop: Shop, lines: pl.DataFrame) -> None:
    """The top fifth of all items makes 55 to 75 % of the purchases, and most items are sold now and then."""
    assert 0.55 < _share_of_top(lines["item_id"], 0.2, len(shop.items)) < 0.75
    assert lines["item_id"].n_unique() > 0.6 * len(shop.items)


def test_what_is_used_up_is_bought_again(lines: pl.DataFrame) -> None:
    """8 to 30 % of lines repeat an earlier purchase of the customer, and none of what lasts."""
    known = lines.drop_nulls("user_id").with_columns(again=~pl.struct("user_id", "item_id").is_first_distinct())
    assert 0.08 < known["again"].mean() < 0.30
    assert not known.filter(pl.col("cycle_days").is_null())["again"].any()


def test_repeat_purchases_keep_their_cycle(lines: pl.DataFrame) -> None:
    """The median time between two purchases of the same coffee is near its cycle of 26 days, or a multiple of it."""
    coffee = lines.filter(pl.col("category") == "kitchen/coffee").drop_nulls("user_id").sort("timestamp")
    gaps = coffee.select(pl.col("timestamp").diff().over("user_id", "item_id").dt.total_days()).drop_nulls()
    assert gaps.height > 30
    assert gaps.to_series().median() == pytest.approx(26, rel=0.2)


def test_evenings_are_busier_than_nights(shop: Shop) -> None:
    """A visit at eight in the evening is over five times as likely as one at three in the night."""
    hours = shop.events["timestamp"].dt.hour().value_counts()
    count = dict(hours.iter_rows())
    assert count[20] > 5 * count[3]


def test_channels_have_their_share(shop: Shop) -> None:
    """Web leads, then the app; e-mail and store are there; a store sees only purchases and who they are."""
    share = dict(shop.events["channel"].value_counts(normalize=True).iter_rows())
    assert share["web"] > share["app"] > share["email"] > share["store"] > 0
    assert set(shop.events.filter(channel="store")["event"]) <= {"purchase", "set_traits"}


def test_prices_have_their_categories_level(shop: Shop) -> None:
    """Bulbs cost a few euros, lamps some ten times that, tents hundreds; every price is positive."""
    prices = pl.DataFrame(
        {"category": [item.category for item in shop.items], "price": [item.price for item in shop.items]}
    )
    median = dict(prices.group_by("category").agg(pl.col("price").median()).iter_rows())
    assert median["home/bulbs"] < 15 < median["home/lighting"] < 150 < median["outdoor/tents"]
    assert prices["price"].min() > 0
