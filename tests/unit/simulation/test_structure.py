"""What was planted can be found again: personas, styles, complements, wish lists, identities."""

import json
from datetime import timedelta

import polars as pl

from etappe.simulation import Shop
from etappe.simulation.assortment import personas


def test_personas_buy_what_they_are_named_for(lines: pl.DataFrame) -> None:
    """Each persona makes over 60 % of its purchases in its own categories, over 1.6 times what all people do."""
    for persona in personas():
        own = pl.col("category").is_in(list(persona.tastes))
        theirs = lines.filter(persona=persona.name).select(own.mean()).item()
        everybodys = lines.select(own.mean()).item()
        assert theirs > 0.6
        assert theirs > 1.6 * everybodys


def test_tastes_of_personas_overlap() -> None:
    """Every persona shares a category with another one."""
    wants = [set(persona.tastes) for persona in personas()]
    assert all(any(one & other for other in wants if other is not one) for one in wants)


def test_people_prefer_their_style(lines: pl.DataFrame) -> None:
    """The odds that a purchase is of a style are over 2.5 times as high for those who prefer it as for all others."""
    known = lines.drop_nulls("user_id")
    for style in known["style"].unique():
        mine = pl.col("customer_style") == style
        share = known.group_by(mine).agg((pl.col("style") == style).mean()).sort("customer_style")["style"]
        odds_of_others, own_odds = share / (1 - share)
        assert own_odds > 2.5 * odds_of_others


def test_complements_are_bought_together_far_above_chance(shop: Shop, lines: pl.DataFrame) -> None:
    """A known partner is in the order with its item over 20 times as often as its share of orders predicts."""
    bought = lines.select("order_id", "item_id")
    pairs = bought.join(shop.truth.complements, on="item_id")
    together = pairs.join(bought.rename({"item_id": "partner_id"}), on=["order_id", "partner_id"]).height / pairs.height
    orders = bought["order_id"].n_unique()
    share = bought.group_by("item_id").agg(pl.len() / orders)
    by_chance = pairs.join(share, left_on="partner_id", right_on="item_id", how="left")["len"].fill_null(0).mean()
    assert together > 20 * by_chance
    assert 0.2 < together < 0.45


def test_complements_are_those_of_the_categories(shop: Shop) -> None:
    """The partner of a lamp is a bulb, that of a tent a sleeping bag or mat."""
    category = dict(shop.truth.items.select("item_id", "category").iter_rows())
    pairs = {(category[item], category[partner]) for item, partner, _ in shop.truth.complements.iter_rows()}
    assert {("home/lighting", "home/bulbs"), ("outdoor/tents", "outdoor/sleeping-bags")} <= pairs
    assert len({item for item, _ in pairs}) == len(pairs)


def test_what_is_wished_for_is_bought_more_often(shop: Shop) -> None:
    """Of what a customer put on the wish list, over twice the share is bought as of what they only viewed."""
    by_event = {
        event: shop.events.filter(event=event).select("user_id", "item_id").drop_nulls().unique()
        for event in ("view_item", "add_to_wishlist", "purchase")
    }
    share = {
        event: by_event[event].join(by_event["purchase"], on=["user_id", "item_id"]).height / by_event[event].height
        for event in ("view_item", "add_to_wishlist")
    }
    assert share["add_to_wishlist"] > 2 * share["view_item"]


def test_traits_are_set_when_someone_is_first_known(shop: Shop) -> None:
    """Each customer has one set_traits event with country and language; only login or e-mail click may come before."""
    known = shop.events.drop_nulls("user_id")
    traits = known.filter(event="set_traits")
    assert traits.height == traits["user_id"].n_unique() == known["user_id"].n_unique()
    assert all({"country", "language"} == set(json.loads(text)) for text in traits["properties"])
    before = known.join(traits.select("user_id", first="timestamp"), on="user_id").filter(
        pl.col("timestamp") < pl.col("first")
    )
    assert set(before["event"]) <= {"login", "sign_up", "email_click"}


def test_some_visitors_stay_anonymous_and_some_log_in(shop: Shop) -> None:
    """20 to 40 % of events name no user; many cookies are later known; no cookie belongs to two users."""
    events = shop.events
    assert 0.2 < events["user_id"].is_null().mean() < 0.4
    cookies = (
        events.drop_nulls("anonymous_id")
        .group_by("anonymous_id")
        .agg(
            pl.col("user_id").drop_nulls().n_unique().alias("users"),
            pl.col("user_id").is_null().any().alias("anonymous"),
        )
    )
    assert cookies["users"].max() == 1
    assert cookies.filter(pl.col("anonymous") & (pl.col("users") == 1)).height > 500


def test_truth_knows_whose_each_anonymous_id_is(shop: Shop) -> None:
    """Where an event has both ids, the truth gives the anonymous id to the same customer."""
    both = shop.events.drop_nulls(["user_id", "anonymous_id"]).select("user_id", "anonymous_id").unique()
    whose = shop.truth.devices.join(shop.truth.customers.select("person", owner="user_id"), on="person")
    joined = both.join(whose, on="anonymous_id", how="left")
    assert joined["user_id"].equals(joined["owner"].rename("user_id"))


def test_purchases_follow_views_and_carts(shop: Shop) -> None:
    """Outside the store, whoever buys an item viewed it and put it into the cart before."""
    online = shop.events.filter(pl.col("channel") != "store").drop_nulls(["anonymous_id", "item_id"])
    first = online.group_by("anonymous_id", "item_id", "event").agg(pl.col("timestamp").min())
    wide = first.pivot("event", index=["anonymous_id", "item_id"], values="timestamp").drop_nulls("purchase")
    assert (wide["view_item"] < wide["add_to_cart"]).all()
    assert (wide["add_to_cart"] < wide["purchase"]).all()


def test_newcomers_sign_up_and_were_not_there_before(shop: Shop) -> None:
    """A quarter to half of all customers are new, have no event before they came, and alone sign up."""
    since = shop.truth.customers.drop_nulls(["user_id", "since"]).select("user_id", "since")
    assert 500 < since.height < 1000
    known = shop.events.join(since, on="user_id")
    assert (known["timestamp"] > known["since"] - timedelta(hours=1)).all()
    signed_up = set(shop.events.filter(event="sign_up")["user_id"])
    assert signed_up <= set(since["user_id"])
    assert len(signed_up) > 0.5 * since.height


def test_truth_columns_of_taste_sum_to_one(shop: Shop) -> None:
    """A person's taste over all categories is a distribution."""
    tastes = shop.truth.customers.select(pl.sum_horizontal(pl.col("^taste .*$"))).to_series()
    assert ((tastes - 1).abs() < 1e-9).all()
