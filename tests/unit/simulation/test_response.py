"""How people respond: the formula recomputed naively, and what was drawn from it in the story."""

import itertools
import math

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from tests.unit.simulation.sizes import small_shop

from etappe.simulation import Shop
from etappe.simulation.chance import stream
from etappe.simulation.goods.pieces import pieces
from etappe.simulation.response import EVERYTHING, Response
from etappe.simulation.story import Story
from etappe.simulation.visits import shown
from etappe.simulation.visits.interest import Interest


@pytest.fixture(scope="module")
def small() -> Shop:
    """A shop whose people and items are asked about one by one."""
    return small_shop(customers=300, items=150, days=100)


@pytest.fixture(scope="module")
def response(small: Shop) -> Response:
    """How its people respond."""
    return small.story.world.response


def _logit(chance: float) -> float:
    return math.log(chance / (1 - chance))


def _utility(story: Story, person: int, item: int, day: float) -> float:
    """The utility of an item, from the world's numbers alone."""
    world = story.world
    people, goods, said = world.people, world.goods, world.parameters.response
    category = int(goods.category[item])
    path = world.assortment.categories[category].path
    changed = [row for row in range(len(world.tastes.life)) if world.tastes.life.person[row] == person]
    row = len(people) + changed[0] if changed and day >= world.tastes.life.day[changed[0]] else person
    taste = min(max(world.tastes.share[row, category] * len(world.assortment.categories), 0.05), 20.0)
    same = [float(price) for price, other in zip(goods.price, goods.category, strict=True) if other == category]
    usual = math.exp(sum(map(math.log, same)) / len(same))
    price = float(world.shelf.price(np.array([item]), np.array([day]))[0])
    peak, amplitude = world.parameters.seasons.get(path, (0.0, 0.0))
    of_year = float(world.clock.day_of_year(np.array([day]))[0])
    department = [one.name for one in world.assortment.departments].index(path.split("/")[0])
    utility = said.taste * math.log(taste)
    utility += said.season * amplitude * math.cos(2 * math.pi * (of_year - peak) / 365)
    utility += said.style if people.style[person] == goods.style[item] else 0.0
    utility -= said.price * (2 * people.price[person] - 1) * math.log(price / usual)
    utility += said.eco * people.eco[person] * goods.eco[item]
    utility += said.brand * people.brand[person] if people.favourite[person, department] == goods.brand[item] else 0.0
    return utility + said.attraction * math.log(goods.attraction[item])


def test_utility_is_what_the_world_says(small: Shop) -> None:
    """Taste, season, style, price, environment, brand and attraction, weighted as stated: 400 pairs, one by one."""
    chance = np.random.default_rng(2)
    person, item = chance.integers(390, size=400), chance.integers(150, size=400)
    day = chance.random(400) * 100
    life = small.story.world.tastes.life
    person[:20], day[:20] = life.person[:20], life.day[:20] + 0.01
    person[20:40], day[20:40] = life.person[:20], np.maximum(life.day[:20] - 0.01, 0)
    told = small.story.world.response.utility(person, item, day)
    expected = [_utility(small.story, *row) for row in zip(person.tolist(), item.tolist(), day.tolist(), strict=True)]
    assert told == pytest.approx(expected)


@pytest.mark.parametrize("stage", range(5))
def test_clicks_and_purchases_follow_the_formula(small: Shop, response: Response, stage: int) -> None:
    """examined(position) x logistic(click[stage] + utility) x fatigue^seen; logistic(buy[stage] + utility / 2)."""
    said = small.story.world.parameters.response
    for person, item, day, position, seen in [(0, 3, 5.0, 0, 0), (17, 80, 50.0, 4, 2), (388, 149, 99.0, 9, 1)]:
        asked = (np.array([person]), np.array([stage]), np.array([item]), np.array([day]))
        utility = _utility(small.story, person, item, day)
        click = 1 / (1 + math.exp(-said.click[stage] - utility))
        click *= said.fatigue**seen / (1 + said.examine * position)
        told = response.item_click(*asked, np.array([position]), np.array([seen]))
        assert told[0] == pytest.approx(click)
        assert response.item_buy(*asked)[0] == pytest.approx(1 / (1 + math.exp(-said.buy[stage] - utility / 2)))


def _click(response: Response, **changes: float) -> float:
    asked = {"person": 5, "stage": 1, "item": 7, "day": 9.0, "position": 0, "seen": 0} | changes
    return float(response.item_click(*(np.array([value]) for value in asked.values()))[0])


def test_places_further_down_are_looked_at_less(small: Shop, response: Response) -> None:
    """The fourth place brings 1 / (1 + 3 examine) of the clicks of the first, whatever stands there."""
    examine = small.story.world.parameters.response.examine
    ratios = [_click(response, position=place) / _click(response) for place in range(5)]
    assert ratios == pytest.approx([1 / (1 + examine * place) for place in range(5)])
    assert ratios == sorted(ratios, reverse=True)


def test_people_tire_of_what_they_have_seen(small: Shop, response: Response) -> None:
    """Each sight of an item, or of a piece, multiplies the chance by the fatigue, which is below 1."""
    fatigue = small.story.world.parameters.response.fatigue
    assert fatigue < 1
    assert [_click(response, seen=n) / _click(response) for n in range(4)] == pytest.approx(fatigue ** np.arange(4))
    who, day, piece = np.full(4, 3), np.full(4, 1.0), np.full(4, 2)
    clicks = response.piece_click(who, np.zeros(4, np.int64), piece, day, np.arange(4))
    assert clicks / clicks[0] == pytest.approx(fatigue ** np.arange(4))


def test_the_stage_moves_the_logit_by_what_is_stated(small: Shop, response: Response) -> None:
    """Between any two stages the logit of a click on the first place differs by click[one] - click[other]."""
    said = small.story.world.parameters.response.click
    logits = [_logit(_click(response, stage=stage)) for stage in range(5)]
    for one, other in itertools.combinations(range(5), 2):
        assert logits[one] - logits[other] == pytest.approx(said[one] - said[other])


def test_who_minds_the_price_clicks_more_when_it_falls(small: Shop, response: Response) -> None:
    """A promotion moves the utility by price x (2 mindedness - 1) x the fall of the log price: up or down."""
    world = small.story.world
    cents = world.shelf.cents
    steps = np.flatnonzero((np.diff(cents.value) < 0) & (np.diff(cents.owner) == 0) & (cents.day[1:] > 1)) + 1
    steps = steps[cents.day[steps] < 99]
    assert len(steps) > 20
    minding = np.argsort(world.people.price)[[0, -1]]
    for step in steps.tolist():
        item, day = np.full(2, cents.owner[step]), cents.day[step]
        after, before = np.full(2, day + 1e-6), np.full(2, day - 1e-6)
        moved = response.utility(minding, item, after) - response.utility(minding, item, before)
        fall = math.log(cents.value[step - 1] / cents.value[step])
        strength = world.parameters.response.price * (2 * world.people.price[minding] - 1)
        assert moved == pytest.approx(strength * fall, abs=1e-4)  # the season moves a little, too
        assert moved[0] < 0 < moved[1]


def test_seasons_drift_over_the_story(small: Shop, response: Response) -> None:
    """Between two days the logit of a click moves by the season's log demand, and of what has no season not at all."""
    world = small.story.world
    goods, chance = world.goods, np.random.default_rng(1)
    item = np.flatnonzero(~np.isin(np.arange(150), world.shelf.cents.owner[world.shelf.cents.day > 0]))
    person = chance.integers(390, size=len(item))
    settled = ~np.isin(person, world.tastes.life.person)
    person, item = person[settled], item[settled]
    late, early = np.full(len(item), 95.0), np.full(len(item), 5.0)
    moved = response.utility(person, item, late) - response.utility(person, item, early)
    peaks = [world.parameters.seasons.get(one.path, (0.0, 0.0)) for one in world.assortment.categories]
    angle = [[math.cos(2 * math.pi * (81 + day - peak) / 365) for peak, _ in peaks] for day in (95, 5)]
    swing = np.array([amplitude for _, amplitude in peaks]) * np.subtract(*np.array(angle))
    assert moved == pytest.approx(world.parameters.response.season * swing[goods.category[item]])
    assert np.abs(moved).max() > 0.2
    assert (moved == 0).any()


def _piece_logit(story: Story, person: int, stage: int, piece: int, day: float) -> float:
    """The logit of a click on a piece seen for the first time, from the world's numbers alone."""
    world, said, one = story.world, story.world.parameters.pieces, pieces()[piece]
    kind = said.kinds[one.kind]
    row = int(world.tastes.row(np.array([person]), np.array([day]))[0])
    wanted = 1.0
    if one.topic is not None:
        inside = [place for place, c in enumerate(world.assortment.categories) if c.path.split("/")[0] == one.topic]
        wanted = sum(world.tastes.share[row, inside]) * len(world.assortment.departments)
    of_year = float(world.clock.day_of_year(np.array([day]))[0])
    drift = said.drift * math.cos(2 * math.pi * (of_year - kind.peak) / 365)
    topic = said.topic * math.log(min(max(wanted, 0.05), 20))
    return kind.click[stage] + topic + kind.thrift * (2 * world.people.price[person] - 1) + drift


def test_clicks_on_pieces_follow_the_formula(small: Shop, response: Response) -> None:
    """Kind and stage, topic, thrift and the drift over the year, for every piece and stage on two days."""
    for piece, stage in itertools.product(range(len(pieces())), range(5)):
        for person, day in ((4, 3.0), (200, 97.0)):
            asked = (np.array([person]), np.array([stage]), np.array([piece]))
            told = response.piece_click(*asked, np.array([day]), np.array([0]))
            assert _logit(float(told[0])) == pytest.approx(_piece_logit(small.story, person, stage, piece, day))
            kind = small.story.world.parameters.pieces.kinds[pieces()[piece].kind]
            thrift = kind.thrift * (2 * small.story.world.people.price[person] - 1)
            assert _logit(float(response.piece_buy(*asked)[0])) == pytest.approx(kind.buy[stage] + thrift)
            assert response.lift(*asked[1:])[0] == kind.lift[stage]


def _errors(happened: NDArray[np.bool_], chance: NDArray[np.float64]) -> float:
    """By how many standard errors the count differs from what the chances say."""
    return float((happened.sum() - chance.sum()) / np.sqrt((chance * (1 - chance)).sum()))


@pytest.fixture(scope="module")
def responses(shop: Shop) -> pl.DataFrame:
    """All responses of the story beside their true chances."""
    told, truth = shop.responses, shop.truth.responses
    assert told.height == truth.height
    return pl.concat([told, truth], how="horizontal")


@pytest.mark.parametrize("placement", ["home.top", "home.hero"])
def test_clicks_are_as_frequent_as_their_chances(responses: pl.DataFrame, placement: str) -> None:
    """In all, and in each tenth by chance, by stage and by position: within four standard errors."""
    here = responses.filter(placement=placement)
    clicked, chance = here["clicked"].to_numpy(), here["click"].to_numpy()
    assert clicked.sum() > 1000
    assert abs(_errors(clicked, chance)) < 4
    for rows in np.array_split(np.argsort(chance, kind="stable"), 10):
        assert abs(_errors(clicked[rows], chance[rows])) < 4
    for column in ("stage", "position", "seen"):
        for _, part in here.filter(pl.len().over(column) > 200).group_by(column):
            assert abs(_errors(part["clicked"].to_numpy(), part["click"].to_numpy())) < 4


def test_purchases_are_as_frequent_as_their_chances(shop: Shop) -> None:
    """Of what was clicked in lists as much is bought, at once or later, as the chances say; nothing else is."""
    of_lists = shop.truth.responses.filter(shop.responses["item_id"].is_not_null())
    clicked, bought = shop.story.shown.clicked, shop.story.shown.bought
    chance = of_lists["buy"].to_numpy()[clicked]
    assert not (bought & ~clicked).any()
    assert bought.sum() > 200
    assert abs(_errors(bought[clicked], chance)) < 4
    for rows in np.array_split(np.argsort(chance), 5):
        assert abs(_errors(bought[clicked][rows], chance[rows])) < 4


def test_clicks_on_pieces_lead_to_purchases_with_their_chance(shop: Shop) -> None:
    """What follows from pieces, drawn twenty times: as many as stated, of their topic, at once or days later."""
    world = shop.story.world
    met = shop.story.visits
    rows = np.flatnonzero(met.clicked)
    interest, said = Interest(world.response, world.parameters.response), world.parameters.response
    nothing = shop.story.shown.at(np.arange(0))
    drawn = [shown.follow(stream(number, "test"), met, nothing, interest, world.parameters) for number in range(20)]
    person, stage, piece = (met.person[rows], met.stage[rows], met.piece[rows])
    likely = world.response.piece_buy(person, stage, piece)
    count = np.bincount(np.concatenate([one.visit for one in drawn]), minlength=len(met))[rows]
    assert abs(count.sum() - 20 * likely.sum()) < 4 * np.sqrt(20 * (likely * (1 - likely)).sum())
    later = np.concatenate([one.later for one in drawn])
    assert (later == 0).mean() == pytest.approx(said.at_once, abs=4 * 0.5 / np.sqrt(len(later)))
    assert np.median(later[later > 0]) == pytest.approx(said.delay_days, rel=0.15)
    visit, item = (np.concatenate([getattr(one, name) for one in drawn]) for name in ("visit", "item"))
    topic = world.response.topic[met.piece[visit]]
    chances = interest.chances(met.person[visit], met.day[visit])
    wanted = (chances * (world.response.department == topic[:, None])).sum(axis=1)
    missed = world.response.department[world.goods.category[item]] != topic
    narrow = topic != EVERYTHING
    assert abs(_errors(missed[narrow], (1 - wanted[narrow]) ** (shown.TRIES + 1))) < 4  # these want nothing of it
    assert missed[narrow].mean() < 0.25


def test_what_is_shown_is_bought_at_once_or_later(shop: Shop, lines: pl.DataFrame) -> None:
    """Of wanted items most are bought within two hours, and many only in the days after."""
    wanted = shop.story.shown.at(shop.story.shown.bought)
    visits = shop.story.visits.at(wanted.visit)
    moment = pl.Series(shop.story.world.clock.moment(visits.day)).cast(lines.schema["at"])
    shown_at = pl.DataFrame({"person": visits.person, "item_id": shop.named.items.gather(wanted.item), "shown": moment})
    waits = (
        shown_at.cast({"person": pl.Int32})
        .join(lines.select("person", "item_id", "at"), on=["person", "item_id"])
        .filter(pl.col("at") >= pl.col("shown"))
        .group_by("person", "item_id", "shown")
        .agg(((pl.col("at") - pl.col("shown")).dt.total_minutes() / 1440).min().alias("days"))["days"]
    )
    assert len(waits) > 0.7 * len(wanted)
    assert 0.4 < (waits < 2 / 24).mean() < 0.85
    assert 0.1 < ((waits > 2 / 24) & (waits < 10)).mean() < 0.5
