"""The parts of the simulated past fit together."""

from datetime import UTC, datetime

import numpy as np
import pytest

from etappe.simulation import goods, people
from etappe.simulation.assortment import assortment, personas
from etappe.simulation.browsing import Interest
from etappe.simulation.history import History, live
from etappe.simulation.rhythm import Rhythm
from etappe.simulation.tables import firsts
from etappe.simulation.visits import APART


@pytest.fixture(scope="module")
def past() -> History:
    """The history of 2,000 customers over 120 days."""
    rhythm = Rhythm(datetime(2026, 6, 30, tzinfo=UTC), 120)
    shelves = goods.make(assortment(), 500, 5)
    crowd = people.make(assortment(), personas(), 2000, 120, 5)
    return live(crowd, shelves, Interest(shelves, crowd, assortment()), rhythm, 5)


def test_visits_of_a_person_never_overlap(past: History) -> None:
    """Visits are sorted by person and time, and two of one person begin at least two hours apart."""
    visits = past.visits
    assert (np.diff(visits.person) >= 0).all()
    assert np.diff(visits.start)[~firsts(visits.person)[1:]].min() >= APART


def test_an_item_is_once_in_a_cart(past: History) -> None:
    """No visit has two lines of one item."""
    pairs = np.stack((past.lines.visit, past.lines.item))
    assert np.unique(pairs, axis=1).shape == pairs.shape


def test_every_line_was_looked_at_or_came_along(past: History) -> None:
    """A line is of an item viewed in the same visit, unless it came along as a complement."""
    viewed = set(zip(past.views.visit.tolist(), past.views.item.tolist(), strict=True))
    lines = past.lines.at(~past.lines.companion)
    assert set(zip(lines.visit.tolist(), lines.item.tolist(), strict=True)) <= viewed


def test_visits_to_buy_again_end_in_a_purchase(past: History) -> None:
    """All that is viewed in a reorder is bought, five lines at most."""
    reorders = np.flatnonzero(past.visits.reorder)
    assert len(reorders) > 300
    assert set(past.lines.visit[past.lines.bought]) >= set(reorders)


def test_no_page_is_opened_twice_in_a_row(past: History) -> None:
    """Of consecutive views in a visit fewer than 1 % are of one item (those that come back from the wish list)."""
    same_visit = np.diff(past.views.visit) == 0
    repeated = (np.diff(past.views.item) == 0)[same_visit]
    assert repeated.mean() < 0.01
