"""The lists the shop of the story showed: their propensities are exact."""

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.unit.simulation.sizes import small, small_shop

from etappe.simulation import Shop, world
from etappe.simulation.chance import stream
from etappe.simulation.journey.arrivals import NONE
from etappe.simulation.visits.shown import LIST, ShopWindow
from etappe.simulation.world import World

LISTS = 30_000


@pytest.fixture(scope="module")
def place() -> World:
    """A shop of 60 items."""
    return world.make(small(items=60, days=200))


@pytest.fixture(scope="module")
def window(place: World) -> ShopWindow:
    """Its list."""
    return ShopWindow(place.response)


@pytest.fixture(scope="module")
def day(place: World) -> float:
    """A day on which three items or more are not in stock, of the first category among others."""
    for half in range(400):
        there = place.shelf.available.at(np.arange(60), np.full(60, half / 2))
        if (~there).sum() >= 3 and not there[place.goods.category == _short(place)].all():
            return half / 2
    raise AssertionError("no such day")


def _short(place: World) -> int:
    """The largest category."""
    return int(np.bincount(place.goods.category).argmax())


def _alone(place: World, window: ShopWindow, last: int, day: float) -> NDArray[np.float64]:
    """float64[60]: the chance of each item for the first position, 0 for those that are not in stock."""
    there = place.shelf.available.at(np.arange(60), np.full(60, day))
    return np.where(there, window.chance(np.full(60, last), np.full(60, day), np.arange(60)), 0.0)


@pytest.mark.parametrize("known", [True, False])
def test_chances_sum_to_one_over_what_is_in_stock(place: World, window: ShopWindow, day: float, known: bool) -> None:
    """On any day, for visitors whose last category is known or not."""
    for when in (day, 0.3, 77.7, 199.0):
        assert _alone(place, window, _short(place) if known else NONE, when).sum() == pytest.approx(1)


@pytest.mark.parametrize("known", [True, False])
def test_lists_are_drawn_with_their_propensities(place: World, window: ShopWindow, day: float, known: bool) -> None:
    """Of 30,000 lists for one state each item is at each position as often as the chances say, given those before."""
    last = _short(place) if known else NONE
    item, likely = window.fill(stream(1, "test"), np.full(LISTS, last), np.full(LISTS, day))
    alone = _alone(place, window, last, day)
    whole = (item != NONE).all(axis=1)
    assert whole.mean() > 0.999  # now and then nothing is found in a small shop
    item, likely = item[whole], likely[whole]
    lists = np.arange(len(item))
    assert (alone[item] > 0).all()  # nothing that is sold out
    assert (np.sort(item, axis=1)[:, 1:] != np.sort(item, axis=1)[:, :-1]).all()  # nothing twice
    taken = np.zeros((len(item), 60), dtype=np.bool_)
    for position in range(LIST):
        left = np.where(taken, 0.0, alone)
        chances = left / left.sum(axis=1, keepdims=True)
        assert likely[:, position] == pytest.approx(chances[lists, item[:, position]])
        count = np.bincount(item[:, position], minlength=60)
        expected, spread = chances.sum(axis=0), np.sqrt((chances * (1 - chances)).sum(axis=0))
        assert (np.abs(count - expected) <= 4.5 * spread + 1e-9).all()
        taken[lists, item[:, position]] = True


def test_the_category_visited_last_is_shown_most(place: World, window: ShopWindow, day: float) -> None:
    """Its items have over five times the chance that they have for a visitor of whom nothing is known."""
    of_last = place.goods.category == _short(place)
    known, unknown = (_alone(place, window, last, day)[of_last].sum() for last in (_short(place), NONE))
    assert known > 5 * unknown
    assert 0.4 < known < 0.7


def test_told_propensities_are_those_of_the_lists(shop: Shop) -> None:
    """Propensities of the story lie within (0, 1], of pieces they are all alike, and no list names an item twice."""
    told = shop.responses
    lists = told.filter(placement="home.top")
    assert lists["propensity"].is_between(0, 1, closed="right").all()
    assert lists.select("decision", "item_id").is_unique().all()
    assert lists.select("decision", "position").is_unique().all()
    pieces = told.filter(placement="home.hero")["propensity"].unique().to_list()
    assert pieces == [1 / len(shop.content)]


def test_nothing_is_shown_that_is_sold_out(shop: Shop) -> None:
    """Every item of every list was in stock when it was shown."""
    shown, visits = shop.story.shown, shop.story.visits
    assert shop.story.world.shelf.available.at(shown.item, visits.day[shown.visit]).all()


def _first_sights(shop: Shop) -> NDArray[np.int64]:
    """The first home page of each stay, on which every piece and item is new."""
    visits, stays = shop.story.visits, shop.story.stays
    rows = np.flatnonzero(visits.piece != NONE)
    start = stays.person * 1e4 + stays.start
    order = np.argsort(start)
    stay = order[np.searchsorted(start[order], visits.person[rows] * 1e4 + visits.day[rows], side="right") - 1]
    return rows[np.unique(stay, return_index=True)[1]]


def test_policies_over_pieces_can_be_valued_from_the_record(shop: Shop) -> None:
    """Weighting clicks by inverse propensities gives the true value of any piece alike, of the best one, of offers."""
    visits = shop.story.visits
    rows = _first_sights(shop)
    assert (visits.seen[rows] == 0).all()
    person, day, piece, clicked = (column[rows] for column in (visits.person, visits.day, visits.piece, visits.clicked))
    count = len(shop.content)
    best = shop.oracle.best_piece(person, day)[0]
    offers = np.array([one["kind"] in ("offer", "discount") for one in shop.content])
    values = {}
    for name, policy in {
        "any": np.full((len(rows), count), 1 / count),
        "best": np.eye(count)[best],
        "offers": np.tile(offers / offers.sum(), (len(rows), 1)),
    }.items():
        gained = policy[np.arange(len(rows)), piece] * count * clicked
        values[name] = shop.oracle.policy_value(person, day, policy).mean()
        assert abs(gained.mean() - values[name]) < 4 * gained.std() / np.sqrt(len(rows))
    assert values["best"] > 1.5 * values["any"]


def test_policies_over_items_can_be_valued_from_the_record() -> None:
    """So for the first place of the list of a small shop: the value of showing any item in stock, all alike."""
    shop = small_shop(customers=2000, days=90)
    visits, shown, shelf, items = shop.story.visits, shop.story.shown, shop.story.world.shelf, shop.size.items
    first = shown.at(np.flatnonzero((shown.position == 0) & np.isin(shown.visit, _first_sights(shop))))
    person, day, count = visits.person[first.visit], visits.day[first.visit], len(first)
    who, when, item = np.repeat(person, items), np.repeat(day, items), np.tile(np.arange(items), count)
    there = shelf.available.at(item, when).reshape(count, items)
    value = shop.oracle.item_values(who, when, item, "clicks").reshape(count, items)
    truly = (value * there).sum(axis=1) / there.sum(axis=1)
    gained = first.clicked / first.propensity / there.sum(axis=1)
    error = gained.std() / np.sqrt(count)
    assert abs(gained.mean() - truly.mean()) < 4 * error
    assert error < truly.mean() / 4
