"""What was planted can be found again in what is told: personas, minds, styles, complements, lives, seasons."""

import numpy as np
import polars as pl
import pytest

from etappe.simulation import Shop


@pytest.fixture(scope="module")
def views(shop: Shop, events: pl.DataFrame) -> pl.DataFrame:
    """All views of people (not those made to buy again alone), with what is true of item and person."""
    goods = shop.story.world.goods
    items = shop.truth.items.select("item_id", "category", ecological="eco", item_style="style")
    items = items.with_columns(
        dear=pl.Series(np.log(goods.price)) - pl.Series(np.log(goods.price)).mean(),
        brand_of_item=pl.Series([item.brand for item in shop.items]),
    ).with_columns(dear=pl.col("dear") - pl.col("dear").mean().over("category"))
    people = shop.truth.people.select(
        pl.col("person").cast(pl.Int32), "persona", "style", "eco", "brand", minds_price="price"
    )
    looked = events.filter(pl.col("event") == "view_item", pl.col("person").is_not_null())
    return looked.drop("price").join(items, on="item_id").join(people, on="person")


def test_personas_buy_what_they_are_named_for(shop: Shop, lines: pl.DataFrame) -> None:
    """Each persona makes over 60 % of its purchases in its own categories, over 1.6 times what all people do."""
    for persona in shop.story.world.parameters.personas:
        own = pl.col("category").is_in(list(persona.tastes))
        theirs = lines.filter(persona=persona.name).select(own.mean()).item()
        assert theirs > 0.6
        assert theirs > 1.6 * lines.select(own.mean()).item()


def test_people_prefer_their_style(lines: pl.DataFrame) -> None:
    """The odds that a purchase is of a style are over twice as high for those who prefer it as for all others."""
    for style in lines["style"].unique():
        mine = pl.col("style") == style
        share = lines.group_by(mine).agg((pl.col("item_style") == style).mean()).sort("style")["item_style"]
        odds_of_others, own_odds = share / (1 - share)
        assert own_odds > 2 * odds_of_others


def test_who_minds_the_environment_looks_at_and_buys_what_is_ecological(
    views: pl.DataFrame, lines: pl.DataFrame
) -> None:
    """The mean of what the most minded view and buy is more ecological by over 4 %."""
    for frame in (views, lines):
        little, much = (frame.filter(rule)["ecological"].mean() for rule in (pl.col("eco") < 0.3, pl.col("eco") > 0.7))
        assert much > 1.04 * little


def test_who_minds_the_price_looks_at_what_is_cheaper(views: pl.DataFrame) -> None:
    """Prices, beside the usual ones of the category, are lower by over 4 % where people mind them most."""
    minds = pl.col("minds_price")
    little, much = (views.filter(rule)["dear"].mean() for rule in (minds < 0.3, minds > 0.7))
    assert much < little - 0.04


def test_the_loyal_keep_to_their_brand(shop: Shop, views: pl.DataFrame) -> None:
    """The favourite brand of the department has over 1.4 times the share in views of the loyal as of others."""
    world = shop.story.world
    brands = np.array([brand.name for brand in world.assortment.brands])
    department = world.response.department[
        views["category"].replace_strict(
            {one.path: place for place, one in enumerate(world.assortment.categories)}, return_dtype=pl.Int64
        )
    ]
    favourite = brands[world.people.favourite[views["person"].to_numpy(), department]]
    own = views.select("brand", own=pl.col("brand_of_item") == pl.Series(favourite))
    little, much = (own.filter(rule)["own"].mean() for rule in (pl.col("brand") < 0.3, pl.col("brand") > 0.7))
    assert much > 1.4 * little


def test_complements_are_bought_together_far_above_chance(shop: Shop, lines: pl.DataFrame) -> None:
    """A known partner is in the order with its item over 20 times as often as its share of orders predicts."""
    bought = lines.select("order_id", "item_id")
    pairs = bought.join(shop.truth.complements, on="item_id")
    together = pairs.join(bought.rename({"item_id": "partner_id"}), on=["order_id", "partner_id"]).height / pairs.height
    orders = bought["order_id"].n_unique()
    share = bought.group_by("item_id").agg(pl.len() / orders)
    by_chance = pairs.join(share, left_on="partner_id", right_on="item_id", how="left")["len"].fill_null(0).mean()
    assert together > 20 * by_chance
    assert 0.2 < together < 0.55


def test_truth_names_the_substitutes(shop: Shop) -> None:
    """The first substitute of each item is the one that is taken where it is sold out, with the stated chance."""
    shelf, goods = shop.story.world.shelf, shop.story.world.goods
    pairs = shop.truth.substitutes
    assert set(pairs["item_id"]) <= {item.id for item in shop.items}
    assert pairs["chance"].is_between(0, shop.story.world.parameters.shelf.takes_substitute).all()
    first = pairs.group_by("item_id", maintain_order=True).first()
    rows = {item.id: row for row, item in enumerate(shop.items)}
    for item, other, chance in first.head(200).iter_rows():
        assert shelf.replaced[rows[item]] == rows[other]
        assert shelf.chance[rows[item]] == chance
        assert goods.kind[rows[item]] == goods.kind[rows[other]]


def test_what_is_wished_for_is_bought_more_often(events: pl.DataFrame) -> None:
    """Of what people put on the wish list, over 1.25 times the share is bought as of what they viewed."""
    pairs = {
        event: events.filter(event=event).select("person", "item_id").drop_nulls().unique()
        for event in ("view_item", "add_to_wishlist", "purchase")
    }
    share = {
        event: pairs[event].join(pairs["purchase"], on=["person", "item_id"]).height / pairs[event].height
        for event in ("view_item", "add_to_wishlist")
    }
    assert share["add_to_wishlist"] > 1.25 * share["view_item"]


def test_lives_change_what_people_look_at(shop: Shop, views: pl.DataFrame) -> None:
    """After a new home, dog, cat, garden or hobby the share of what it makes people want is over 1.5 times as high."""
    life = shop.truth.life_events.select(pl.col("person").cast(pl.Int32), since="at", life="event")
    changed = views.join(life, on="person").with_columns(after=pl.col("at") >= pl.col("since"))
    for event in shop.story.world.parameters.life_events:
        own = (
            changed.filter(pl.col("life") == event.name)
            .group_by("after")
            .agg(pl.len(), share=pl.col("category").is_in(list(event.tastes)).mean())
        )
        (_, few, before), (_, many, after) = own.sort("after").rows()
        assert min(few, many) > 500
        assert after > 1.5 * before


def test_seasons_move_what_people_look_at(shop: Shop, views: pl.DataFrame) -> None:
    """Each category's share of views in April against June leans as its season does; bulbs have none."""
    month = views.filter(pl.col("at").dt.month().is_in([4, 6]))
    share = {
        when: dict(part["category"].value_counts(normalize=True).iter_rows())
        for (when,), part in month.group_by(pl.col("at").dt.month())
    }
    lean, expected = {}, {}
    for category in shop.story.world.assortment.categories:
        peak, amplitude = shop.story.world.parameters.seasons.get(category.path, (0.0, 0.0))
        wave = np.cos(2 * np.pi * (np.array([105, 166]) - peak) / 365)
        expected[category.path] = amplitude * (wave[0] - wave[1])
        lean[category.path] = np.log(share[4][category.path] / share[6][category.path])
    assert np.corrcoef(list(lean.values()), list(expected.values()))[0, 1] > 0.5
    assert lean["garden/seeds"] > 0.2
    assert lean["outdoor/tents"] < 0
    assert abs(lean["home/bulbs"]) < 0.25


def test_truth_and_catalogue_speak_of_the_same_items(shop: Shop) -> None:
    """The truth has a row an item in the order of the catalogue; clusters are category and style."""
    items = shop.truth.items
    assert items["item_id"].to_list() == [item.id for item in shop.items]
    assert items["category"].to_list() == [item.category for item in shop.items]
    assert items["style"].to_list() == [item.attributes["style"] for item in shop.items]
    assert (items["cluster"] == items["category"] + "/" + items["style"]).all()


def test_truth_columns_of_taste_sum_to_one(shop: Shop) -> None:
    """A person's taste over all categories is a distribution; customers have their account's id, strangers none."""
    people = shop.truth.people
    tastes = people.select(pl.sum_horizontal(pl.col("^taste .*$"))).to_series()
    assert ((tastes - 1).abs() < 1e-9).all()
    assert people["user_id"].null_count() == 600
    assert people["user_id"].drop_nulls().is_unique().all()
