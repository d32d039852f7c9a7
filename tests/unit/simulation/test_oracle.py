"""Who knows the value of everything: against brute force, draws, and worlds without a touchpoint."""

import itertools

import msgspec
import numpy as np
import polars as pl
import pytest
from tests.unit.simulation.sizes import small, small_shop

from etappe.simulation import Oracle, Shop, effects, world
from etappe.simulation.chance import stream
from etappe.simulation.journey.journeys import Journeys, Traveller
from etappe.simulation.parameters import DECISION, Parameters
from etappe.simulation.response import EVERYTHING
from etappe.simulation.story import Story
from etappe.simulation.visits.interest import Interest
from etappe.simulation.visits.shown import of_topic
from etappe.simulation.world import World

WORTHS = ("clicks", "purchases", "revenue")


@pytest.fixture(scope="module")
def tiny() -> Shop:
    """25 items, of which some are sold out at times."""
    return small_shop(customers=60, items=25, days=120)


@pytest.fixture(scope="module")
def gap(tiny: Shop) -> float:
    """A day on which something is sold out."""
    return next(day for day in np.arange(0.5, 120) if not _stock(tiny, day).all())


def _stock(shop: Shop, day: float) -> np.ndarray:
    items = shop.size.items
    return shop.story.world.shelf.available.at(np.arange(items), np.full(items, day))


@pytest.mark.parametrize("worth", WORTHS)
def test_the_best_list_is_that_of_brute_force(tiny: Shop, gap: float, worth: str) -> None:
    """Of all 13,800 lists of three items none is worth more, and the best one is worth what it says."""
    lists = np.array(list(itertools.permutations(range(25), 3)))
    for person in (0, 30, 77):
        who, when = np.array([person]), np.array([gap])
        values = tiny.oracle.list_value(np.full(len(lists), person), np.full(len(lists), gap), lists, worth)
        best, value = tiny.oracle.best_possible(who, when, 3, worth)
        assert value[0] == pytest.approx(values.max())
        assert best[0].tolist() == lists[values.argmax()].tolist()
        assert tiny.oracle.list_value(who, when, best, worth)[0] == value[0]


def test_nothing_beats_the_best_list(shop: Shop) -> None:
    """Neither random lists nor the best ones by another worth, by attraction, or for another day, are worth more."""
    chance = np.random.default_rng(1)
    person, day = chance.integers(2000, size=300), chance.random(300) * 120
    best = {worth: shop.oracle.best_possible(person, day, 5, worth) for worth in WORTHS}
    popular = np.tile(np.argsort(-shop.story.world.goods.attraction)[:5], (300, 1))
    stale = shop.oracle.best_possible(person, 120 - day, 5)[0]
    random = [np.stack([chance.choice(1000, 5, replace=False) for _ in range(300)]) for _ in range(10)]
    for worth, (lists, value) in best.items():
        others = [other[0] for name, other in best.items() if name != worth]
        for rival in (*others, popular, stale, *random, lists[:, ::-1]):
            assert (shop.oracle.list_value(person, day, rival, worth) <= value + 1e-12).all()
        assert value.mean() > 3 * shop.oracle.list_value(person, day, random[0], worth).mean()


def test_lists_are_as_long_as_the_stock_allows(tiny: Shop, gap: float) -> None:
    """A list longer than the stock has empty places at its end; nothing that is sold out is in it."""
    best, _ = tiny.oracle.best_possible(np.array([3]), np.array([gap]), 25)
    there = _stock(tiny, gap)
    assert sorted(best[0][best[0] >= 0].tolist()) == np.flatnonzero(there).tolist()
    assert (best[0][there.sum() :] == -1).all()


@pytest.mark.parametrize("worth", WORTHS)
def test_what_cannot_be_bought_is_worth_nothing(tiny: Shop, gap: float, worth: str) -> None:
    """An empty place and a sold-out item are worth nothing, and leave the value of the places behind them alone."""
    gone, there = int(np.flatnonzero(~_stock(tiny, gap))[0]), int(np.flatnonzero(_stock(tiny, gap))[0])
    who, when = np.full(3, 5), np.full(3, gap)
    values = tiny.oracle.list_value(who, when, np.array([[gone, there], [-1, there], [gone, -1]]), worth)
    assert values[0] == values[1] > 0
    assert values[2] == 0
    examine = tiny.story.world.parameters.response.examine
    assert values[0] == pytest.approx(
        tiny.oracle.list_value(who[:1], when[:1], np.array([[there]]), worth)[0] / (1 + examine)
    )


def test_list_values_are_those_of_draws(shop: Shop) -> None:
    """Of 40,000 visitors who look, click and buy by chance, clicks, purchases and revenue are the stated ones."""
    draws, response, shelf = 40_000, shop.story.world.response, shop.story.world.shelf
    person, day = np.array([4]), np.array([100.0])
    lists = shop.oracle.best_possible(person, day, 4, "revenue")[0]
    stage, chance = np.repeat(shop.oracle.stage_at(person, day), 4), stream(1, "test")
    asked = (np.repeat(person, 4), stage, lists[0], np.repeat(day, 4))
    zero = np.zeros(4, np.int64)
    looks = chance.random((draws, 4)) < 1 / (1 + shop.story.world.parameters.response.examine * np.arange(4))
    clicks = looks & (chance.random((draws, 4)) < response.item_click(*asked, zero, zero))
    buys = clicks & (chance.random((draws, 4)) < response.item_buy(*asked))
    pays = buys * shelf.price(lists[0], np.repeat(day, 4))
    for worth, drawn in zip(WORTHS, (clicks, buys, pays), strict=True):
        found = drawn.sum(axis=1)
        value = shop.oracle.list_value(person, day, lists, worth)[0]
        assert abs(found.mean() - value) < 4 * found.std() / np.sqrt(draws)


def test_worths_are_consistent(shop: Shop) -> None:
    """Purchases are clicks times the chance to buy, revenue is purchases times the price of the day."""
    chance = np.random.default_rng(2)
    person, day, item = chance.integers(2600, size=200), chance.random(200) * 120, chance.integers(1000, size=200)
    clicks, purchases, revenue = (shop.oracle.item_values(person, day, item, worth) for worth in WORTHS)
    buy = shop.story.world.response.item_buy(person, shop.oracle.stage_at(person, day), item, day)
    assert purchases == pytest.approx(clicks * buy)
    assert revenue == pytest.approx(purchases * shop.story.world.shelf.price(item, day))
    pieces = {worth: shop.oracle.piece_values(person, day, worth) for worth in WORTHS}
    assert (pieces["purchases"] < pieces["clicks"]).all()
    assert (pieces["clicks"] < 1).all()


@pytest.mark.parametrize("worth", WORTHS)
def test_policies_are_worth_the_mean_of_their_pieces(shop: Shop, worth: str) -> None:
    """Any piece alike: the mean of all; always the same piece: its own; the best piece is worth most."""
    person, day = np.arange(100), np.linspace(0, 119, 100)
    values = shop.oracle.piece_values(person, day, worth)
    count = values.shape[1]
    any_piece = shop.oracle.policy_value(person, day, np.full((100, count), 1 / count), worth)
    assert any_piece == pytest.approx(values.mean(axis=1))
    assert shop.oracle.policy_value(person, day, np.tile(np.eye(count)[3], (100, 1)), worth) == pytest.approx(
        values[:, 3]
    )
    best, value = shop.oracle.best_piece(person, day, worth)
    assert value.tolist() == values.max(axis=1).tolist() == values[np.arange(100), best].tolist()
    assert (value > any_piece).all()


@pytest.fixture(scope="module")
def interest(shop: Shop) -> Interest:
    """What catches people's eye."""
    return Interest(shop.story.world.response, shop.story.world.parameters.response)


@pytest.mark.parametrize("person", [1, 999, 2400])
def test_chances_of_categories_are_those_of_the_draws(interest: Interest, person: int) -> None:
    """Of 50,000 draws each category has its share, in spring and in summer, within 4.5 standard errors."""
    for day in (5.0, 110.0):
        who, when = np.full(50_000, person), np.full(50_000, day)
        drawn = np.bincount(interest.category(stream(1, "test"), who, when), minlength=25)
        chances = interest.chances(who[:1], when[:1])[0]
        assert chances.sum() == pytest.approx(1)
        assert (np.abs(drawn - 50_000 * chances) <= 4.5 * np.sqrt(50_000 * chances * (1 - chances)) + 3).all()


def test_mean_prices_are_those_of_the_draws(shop: Shop, interest: Interest) -> None:
    """In each category the mean price of 4,000 items drawn is the stated one, within 4.5 standard errors."""
    price = shop.story.world.goods.price
    for person in (1, 999):
        means = interest.prices(np.array([person]))[0]
        for category in range(25):
            drawn = price[interest.item(stream(category, "test"), np.full(4000, person), np.full(4000, category))]
            assert abs(drawn.mean() - means[category]) <= 4.5 * drawn.std() / np.sqrt(4000) + 1e-9


def test_pieces_bring_the_price_of_what_is_then_bought(shop: Shop, interest: Interest) -> None:
    """A purchase because of a piece is worth the mean price of 20,000 such purchases, of its topic or of anything."""
    topics = shop.story.world.response.topic
    for person in (7, 1234):
        who, day = np.full(20_000, person), np.full(20_000, 60.0)
        purchases, revenue = (shop.oracle.piece_values(who[:1], day[:1], worth)[0] for worth in WORTHS[1:])
        for topic in (EVERYTHING, 0, 3):
            item = of_topic(stream(3, "test"), who, day, np.full(20_000, topic), interest)
            price = shop.story.world.goods.price[item]
            piece = int(np.flatnonzero(topics == topic)[0])
            assert abs(price.mean() - revenue[piece] / purchases[piece]) < 4.5 * price.std() / np.sqrt(20_000)


def _travelled(place: World, seed: int) -> Journeys:
    traveller = Traveller(place.parameters, place.clock, place.people, place.response)
    return traveller.travel(stream(seed, "journeys"), np.arange(len(place.people)))


def _totals(journeys: Journeys) -> np.ndarray:
    """float64[2]: how often somebody moved on, and bought at the end of a decision."""
    stays = journeys.stays
    return np.array([stays.onward.sum(), (stays.onward & (stays.stage == DECISION)).sum()], dtype=np.float64)


def _without(said: Parameters, name: str) -> Parameters:
    points = tuple(
        msgspec.structs.replace(one, effect=(0.0,) * 5) if one.name == name else one for one in said.touchpoints
    )
    return msgspec.structs.replace(said, touchpoints=points)


RUNS = 10
NAMES = ("social-prospecting", "organic-search")


@pytest.fixture(scope="module")
def place() -> World:
    """6,000 customers over 150 days."""
    return world.make(small(customers=6000, items=25, days=150))


@pytest.fixture(scope="module")
def runs(place: World) -> list[Journeys]:
    """Their journeys, four times."""
    return [_travelled(place, seed) for seed in range(RUNS)]


def _story(place: World, journeys: Journeys) -> Story:
    """A story of which only the journeys are told."""
    parts = dict.fromkeys(Story.__struct_fields__) | {"world": place}
    return Story(**(parts | {"stays": journeys.stays, "touches": journeys.touches}))


@pytest.mark.parametrize("name", NAMES)
def test_touchpoints_brought_what_worlds_without_them_lack(place: World, runs: list[Journeys], name: str) -> None:
    """The same people without the effect of one touchpoint move on the less often by what it brought, but for chance.

    They buy less, too, until the end of the story, as many purchases as it brought; some who fall back come again.
    """
    number = [point.name for point in place.parameters.touchpoints].index(name)
    moved, bought = sum(np.array(Oracle(_story(place, run)).brought()) for run in runs)[:, number]
    other = world.make(place.size, _without(place.parameters, name))
    lacking = [_totals(_travelled(other, 100 + seed)) for seed in range(RUNS)]
    all_there = [_totals(run) for run in runs]
    difference = np.sum(all_there, axis=0) - np.sum(lacking, axis=0)
    assert moved > 1500
    assert difference[0] == pytest.approx(moved, rel=0.35)
    assert difference[1] == pytest.approx(bought, rel=0.35)


def test_nothing_is_brought_by_what_has_no_effect(shop: Shop) -> None:
    """Display ads brought nothing, bad service made people stay; all gains of the truth add up to what was brought."""
    moved, bought = shop.oracle.brought()
    names = [point.name for point in shop.story.world.parameters.touchpoints]
    assert moved[names.index("display-season")] == bought[names.index("display-season")] == 0
    assert moved[names.index("service-bad")] < -20
    table = shop.truth.touches.group_by("touchpoint").agg(pl.col("gain").sum())
    assert dict(table.rows()) == pytest.approx(dict(zip(names, moved.tolist(), strict=True)))
    told = shop.truth.touchpoints
    assert told["moved_on"].to_list() == moved.tolist()
    assert told["purchases"].to_list() == bought.tolist()
    assert told["worked"].to_list() == [shop.truth.touches.filter("worked", touchpoint=name).height for name in names]


def test_purchases_to_come_are_those_that_came(place: World, runs: list[Journeys]) -> None:
    """Over those who enter a stage when so many days are left, the mean of what is to come is the mean of what came."""
    stays = runs[0].stays
    to_come = effects.ToCome(_story(place, runs[0]))
    bought = stays.onward & (stays.stage == DECISION)
    for stage in range(5):
        entered = np.flatnonzero((stays.stage == stage) & (stays.start >= 20) & (stays.start < 90))
        later = [
            int((bought & (stays.person == stays.person[row]) & (stays.start >= stays.start[row])).sum())
            for row in entered[:600].tolist()
        ]
        left = place.clock.days - stays.start[entered[:600]]
        told = to_come.after(stays.person[entered[:600]], left)[:, stage]
        assert told.mean() == pytest.approx(np.mean(later), abs=4 * np.std(later) / np.sqrt(len(later)))
    assert (to_come.after(np.arange(10), np.zeros(10)) == 0).all()
