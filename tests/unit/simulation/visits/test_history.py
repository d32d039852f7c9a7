"""What happens in the shop fits together."""

import numpy as np
import pytest
from tests.unit.simulation.sizes import small

from etappe.simulation import world
from etappe.simulation.chance import stream
from etappe.simulation.journey.arrivals import APART, NONE, STORE
from etappe.simulation.journey.journeys import Traveller
from etappe.simulation.parameters import named_by_stage
from etappe.simulation.tables import firsts
from etappe.simulation.visits.history import Historian, History
from etappe.simulation.visits.interest import Interest
from etappe.simulation.visits.shown import ShopWindow
from etappe.simulation.world import World


@pytest.fixture(scope="module")
def place() -> World:
    """2,000 customers and 400 items over 150 days."""
    return world.make(small(customers=2000, items=400, days=150))


@pytest.fixture(scope="module")
def past(place: World) -> History:
    """What happened there."""
    said, persons = place.parameters, np.arange(len(place.people))
    traveller = Traveller(said, place.clock, place.people, place.response)
    window, interest = ShopWindow(place.response), Interest(place.response, said.response)
    historian = Historian(said, place.clock, interest, window, traveller.arrivals)
    return historian.live(stream(1, "visits"), persons, traveller.travel(stream(1, "journeys"), persons))


def test_visits_to_buy_again_do_not_overlap_with_others(past: History) -> None:
    """Visits are sorted by person and time; one made to buy again is two hours apart from all others."""
    visits = past.visits
    same = np.diff(visits.person) == 0
    assert (np.diff(visits.person) >= 0).all()
    assert (np.diff(visits.day)[same] >= 0).all()
    either = (visits.reorder[1:] | visits.reorder[:-1]) & same
    assert either.sum() > 500
    assert np.diff(visits.day)[either].min() >= APART


def test_an_item_is_once_in_a_cart(past: History) -> None:
    """No visit has two lines of one item, nor more lines than the world allows."""
    pairs = np.stack((past.lines.visit, past.lines.item))
    assert np.unique(pairs, axis=1).shape == pairs.shape
    assert np.bincount(past.lines.visit).max() <= 30


def test_every_line_was_looked_at_or_came_along(past: History) -> None:
    """A line is of an item viewed in the same visit, or the partner of one of its bought lines."""
    viewed = set(zip(past.views.visit.tolist(), past.views.item.tolist(), strict=True))
    lines = past.lines.at(~past.lines.companion)
    assert set(zip(lines.visit.tolist(), lines.item.tolist(), strict=True)) <= viewed
    assert past.lines.companion.sum() > 100
    assert past.lines.bought[past.lines.companion].all()


def test_complements_come_along_with_their_chance(place: World, past: History) -> None:
    """Of bought items with a partner in stock the stated share has it in the same order, or a bit more."""
    goods, lines = place.goods, past.lines.at(past.lines.bought)
    bought = set(zip(lines.visit.tolist(), lines.item.tolist(), strict=True))
    first = lines.at((goods.partner[lines.item] != NONE) & ~lines.companion)
    first = first.at(place.shelf.available.at(goods.partner[first.item], past.visits.day[first.visit]))
    partner = goods.partner[first.item].tolist()
    together = np.array([pair in bought for pair in zip(first.visit.tolist(), partner, strict=True)])
    expected = goods.chance[first.item].mean()
    assert len(together) > 500
    assert 0.6 * expected < together.mean() < 1.4 * expected  # owned ones do not come along, some were wanted anyway


def test_decisions_and_reorders_end_in_a_purchase(past: History) -> None:
    """Each visit to buy again buys all it looks at; a visit that ends a decision nearly always buys something."""
    visits, bought = past.visits, np.zeros(len(past.visits), dtype=np.bool_)
    bought[past.lines.visit[past.lines.bought]] = True
    assert bought[visits.keen].mean() > 0.95
    reorder = visits.reorder[past.lines.visit]
    assert past.lines.bought[reorder].all()
    assert bought[visits.reorder].mean() > 0.95


def test_nothing_sold_out_is_bought(place: World, past: History) -> None:
    """All lines are in stock when their visit begins, as are all views that did not find the shelf empty."""
    available, visits = place.shelf.available, past.visits
    assert available.at(past.lines.item, visits.day[past.lines.visit]).all()
    there = available.at(past.views.item, visits.day[past.views.visit])
    assert (there == ~past.views.empty).all()
    assert past.views.empty.sum() > 50


def test_nothing_is_seen_before_it_is_out(place: World, past: History) -> None:
    """Views, lists and lines are of items that had come out by then."""
    for part in (past.views, past.lines, past.shown):
        assert (past.visits.day[part.visit] >= place.shelf.launch[part.item]).all()


def test_no_page_is_opened_twice_in_a_row(past: History) -> None:
    """Of consecutive views in a visit fewer than 3 % are of one item, nearly all of them on the way to a wish."""
    views = past.views
    again = (np.diff(views.visit) == 0) & (np.diff(views.item) == 0)
    wish = views.wished | views.returning
    assert again.mean() < 0.03
    assert (again & ~wish[1:]).mean() < 0.002


def test_what_lasts_is_bought_once(place: World, past: History) -> None:
    """Nobody buys an item twice that is not used up."""
    lines = past.lines.at(past.lines.bought & np.isinf(place.goods.cycle[past.lines.item]))
    pairs = np.stack((past.visits.person[lines.visit], lines.item))
    assert np.unique(pairs, axis=1).shape == pairs.shape


def test_carts_are_as_frequent_as_the_stage_has_it(place: World, past: History) -> None:
    """A first view of a plain visit leads to the cart with the stated chance, in every stage, within 4.5 errors."""
    visits, views = past.visits, past.views
    plain = ~visits.keen & ~visits.reorder & (visits.channel != STORE) & ~place.people.business[visits.person]
    person = visits.person[views.visit]
    first = np.zeros(len(views), dtype=np.bool_)
    first[np.unique(person * 1000 + views.item, return_index=True)[1]] = True
    usable = first & plain[views.visit] & ~views.empty & ~views.returning & (views.place >= 0)
    in_cart = set(zip(past.lines.visit.tolist(), past.lines.item.tolist(), strict=True))
    filled = np.array([pair in in_cart for pair in zip(views.visit.tolist(), views.item.tolist(), strict=True)])
    for mood, expected in enumerate(place.parameters.by_stage("cart").tolist()):
        here = usable & (visits.mood[views.visit] == mood)
        assert here.sum() > 2000
        # items looked at again in the same visit, and companions, add a little; what is owned already lacks
        assert 0.75 * expected < filled[here].mean() < 1.4 * expected + 0.002


def test_returning_to_the_wish_list_leads_to_the_cart(past: History) -> None:
    """A view that comes back to a wish leads to the cart more than twice as often as others."""
    in_cart = set(zip(past.lines.visit.tolist(), past.lines.item.tolist(), strict=True))
    filled = np.array(
        [pair in in_cart for pair in zip(past.views.visit.tolist(), past.views.item.tolist(), strict=True)]
    )
    assert past.views.returning.sum() > 300
    assert filled[past.views.returning].mean() > 2 * filled[~past.views.returning].mean()


def test_visits_stay_with_their_category(place: World, past: History) -> None:
    """In a visit most views are of one category; in decision the next visit is of the same one far oftener."""
    visits, category = past.visits, place.goods.category[past.views.item]
    plain = ~visits.reorder[past.views.visit] & (past.views.place >= 0)
    visit, category = past.views.visit[plain], category[plain]
    table = np.zeros((len(visits), 25))
    np.add.at(table, (visit, category), 1)
    many = table.sum(axis=1) >= 3
    assert (table[many].max(axis=1) / table[many].sum(axis=1)).mean() > 0.75
    main = table.argmax(axis=1)
    same = {}
    seen = np.flatnonzero(table.sum(axis=1) > 0)
    pairs = seen[1:][visits.person[seen[1:]] == visits.person[seen[:-1]]]
    before = seen[:-1][visits.person[seen[1:]] == visits.person[seen[:-1]]]
    for mood in range(5):
        here = visits.mood[pairs] == mood
        same[mood] = (main[pairs[here]] == main[before[here]]).mean()
    order = named_by_stage(place.parameters.visits.same_category).argsort()
    assert same[int(order[0])] + 0.15 < same[int(order[-1])]


def test_customers_of_old_come_again_for_what_is_used_up(place: World, past: History) -> None:
    """Visits to buy again are of customers, for items that are used up; they begin with the first days already."""
    visits = past.visits.at(past.visits.reorder & (past.visits.item != NONE))
    early = visits.at(visits.day < 20)
    assert np.isfinite(place.goods.cycle[early.item]).mean() > 0.5  # others come for what they were shown
    assert place.people.member[visits.person].mean() > 0.9
    assert firsts(visits.person).sum() > 300
