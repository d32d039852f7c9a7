"""Who comes to the shop, and what they want."""

import numpy as np
import pytest

from etappe.simulation.goods.assortment import assortment
from etappe.simulation.parameters import load
from etappe.simulation.people import people, tastes
from etappe.simulation.people.people import CHANNELS, NOBODY, People
from etappe.simulation.people.tastes import Tastes

SAID, DAYS, CUSTOMERS = load(), 300, 10_000
ERROR = 4 / np.sqrt(CUSTOMERS)
"""Four standard errors of a share, at most."""


@pytest.fixture(scope="module")
def crowd() -> People:
    """10,000 customers, and the strangers beside them."""
    return people.make(SAID, assortment(), CUSTOMERS, DAYS, 5)


@pytest.fixture(scope="module")
def wants(crowd: People) -> Tastes:
    """Their tastes over 300 days."""
    return tastes.make(SAID, assortment(), crowd, DAYS, 5)


def test_strangers_stand_behind_the_customers(crowd: People) -> None:
    """As many as stated, with nothing that takes an account."""
    assert crowd.member.tolist() == [True] * CUSTOMERS + [False] * round(CUSTOMERS * SAID.people.strangers)
    stranger = ~crowd.member
    for flags in (crowd.app, crowd.card, crowd.newsletter, crowd.business, crowd.referrer != NOBODY):
        assert not (flags & stranger).any()
    assert np.median(crowd.activity[stranger]) == pytest.approx(0.5 * np.median(crowd.activity[crowd.member]), rel=0.1)
    assert crowd.resolve[stranger].mean() == pytest.approx(-0.7, abs=ERROR)


@pytest.mark.parametrize("field", ["app", "newsletter"])
def test_shares_are_those_of_the_world(crowd: People, field: str) -> None:
    """Of what customers have the share is the stated one, within four standard errors."""
    assert getattr(crowd, field)[crowd.member].mean() == pytest.approx(getattr(SAID.people, field), abs=ERROR)


def test_other_shares_are_those_of_the_world(crowd: People) -> None:
    """Cards, companies, mail boxes behind a proxy, old customers, personas and countries, likewise."""
    member = crowd.member
    assert crowd.card[member].mean() == pytest.approx(SAID.people.loyalty_card, abs=ERROR)
    assert crowd.business[member].mean() == pytest.approx(SAID.people.business, abs=ERROR)
    assert crowd.proxied.mean() == pytest.approx(SAID.people.proxied_mail, abs=ERROR)
    assert (crowd.since < 0).mean() == pytest.approx(SAID.people.old_customers, abs=ERROR)
    for number in (crowd.persona, crowd.second):
        share = np.bincount(number) / len(crowd)
        assert share == pytest.approx([one.share for one in SAID.personas], abs=ERROR)
    country = np.bincount(crowd.country) / len(crowd)
    assert country == pytest.approx([share for _, _, share in SAID.people.countries], abs=2 * ERROR)


def test_spreads_are_those_of_the_world(crowd: People) -> None:
    """Activity and pace are log-normal around 1, resolve is normal around 0, with the stated spreads."""
    member = crowd.member
    for values, spread in (
        (np.log(crowd.activity[member]), SAID.people.activity_spread),
        (np.log(crowd.pace[member]), SAID.people.pace_spread),
        (crowd.resolve[member], SAID.people.resolve_spread),
    ):
        assert values.mean() == pytest.approx(0, abs=ERROR * spread)
        assert values.std() == pytest.approx(spread, rel=0.03)


@pytest.mark.parametrize("field", ["price", "eco", "brand"])
def test_personas_mind_what_they_are_said_to(crowd: People, field: str) -> None:
    """The mean of each persona is the stated one; people of one persona differ all the same."""
    for place, persona in enumerate(SAID.personas):
        minds = getattr(crowd, field)[crowd.persona == place]
        assert minds.mean() == pytest.approx(getattr(persona, field), abs=0.02)
        assert minds.std() > 0.1
        assert ((minds >= 0) & (minds <= 1)).all()


def test_newcomers_come_evenly_over_the_days(crowd: People) -> None:
    """Each third of the time sees a third of them; none comes in the last hours."""
    new = crowd.since[crowd.since >= 0]
    assert np.histogram(new, 3, (0, DAYS * 0.98))[0] / len(new) == pytest.approx([1 / 3] * 3, abs=0.04)
    assert new.max() < DAYS * 0.98


def test_customers_live_in_households(crowd: People) -> None:
    """Sizes as stated (by household), of one country each; strangers live alone; tablets are in larger ones only."""
    size = np.bincount(crowd.household[crowd.member])[:-1]  # the last one may be cut off
    share = np.bincount(size, minlength=5)[1:] / len(size)
    assert share == pytest.approx(SAID.people.household_sizes, abs=0.03)
    assert len(np.unique(np.stack((crowd.household, crowd.country)), axis=1).T) == crowd.household.max() + 1
    alone = np.bincount(crowd.household)[crowd.household] == 1
    assert alone[~crowd.member].all()
    assert not crowd.tablet[alone].any()
    assert crowd.tablet[~alone].mean() == pytest.approx(SAID.people.shared_tablet, abs=0.05)


def test_who_brings_somebody_was_there_before(crowd: People) -> None:
    """Some newcomers, about the stated share of them, were brought along by a customer of old."""
    new = crowd.member & (crowd.since >= 0)
    brought = crowd.referrer != NOBODY
    assert not (brought & ~new).any()
    assert brought[new].mean() == pytest.approx(SAID.people.referred, abs=0.02)
    assert (crowd.since[crowd.referrer[brought]] < 0).all()
    assert crowd.member[crowd.referrer[brought]].all()


def test_everybody_prefers_a_brand_of_each_department(crowd: People) -> None:
    """The favourite brand of a department is one that it has; all are somebody's; every channel is preferred by some."""
    first = 0
    for place, department in enumerate(assortment().departments):
        brands = range(first, first + len(department.brands))
        assert set(np.unique(crowd.favourite[:, place])) == set(brands)
        first += len(department.brands)
    assert set(np.unique(crowd.channel)) == set(range(len(CHANNELS)))


def test_tastes_are_distributions(wants: Tastes) -> None:
    """Every row of tastes sums to 1, before and after what happens in a life."""
    assert wants.share.sum(axis=1) == pytest.approx(np.ones(len(wants.share)))
    assert (wants.share >= 0).all()


def test_tastes_mix_two_personas_and_everybody(crowd: People, wants: Tastes) -> None:
    """The mean taste of those of one main and second persona leans as the stated mixture does."""
    paths = [category.path for category in assortment().categories]
    table = np.array([[one.tastes.get(path, 0.0) for path in paths] for one in SAID.personas])
    table /= table.sum(axis=1, keepdims=True)
    weights = SAID.people
    for main, second in ((0, 3), (4, 1)):
        rows = np.flatnonzero((crowd.persona == main) & (crowd.second == second))
        mixture = weights.taste_main * table[main] + weights.taste_second * table[second]
        mixture += weights.taste_everybody / len(paths)
        mean = wants.share[rows].mean(axis=0)
        assert np.corrcoef(mean, mixture)[0, 1] > 0.99
        assert np.abs(mean - mixture).max() < 0.05
        assert wants.share[rows].max(axis=1).mean() > 1.5 * mixture.max()  # each wants few of them


def test_life_changes_what_is_wanted(crowd: People, wants: Tastes) -> None:
    """As often as stated; from that day on the new wants weigh as stated beside the old taste."""
    life = wants.life
    a_year = sum(one.per_year for one in SAID.life_events)
    assert len(life) / len(crowd) == pytest.approx(1 - np.exp(-a_year * DAYS / 365), abs=ERROR)
    assert len(np.unique(life.person)) == len(life)
    before, after = wants.row(life.person, life.day - 1e-6), wants.row(life.person, life.day)
    assert before.tolist() == life.person.tolist()
    paths = [category.path for category in assortment().categories]
    for place, event in enumerate(SAID.life_events):
        new = np.array([event.tastes.get(path, 0.0) for path in paths])
        rows = np.flatnonzero(life.event == place)
        expected = (1 - event.weight) * wants.share[before[rows]] + event.weight * new / new.sum()
        assert len(rows) > 50
        assert wants.share[after[rows]] == pytest.approx(expected)


def test_categories_are_drawn_by_taste(wants: Tastes) -> None:
    """Over many draws each category comes as often as the row says."""
    for row in (0, len(wants.share) - 1):
        drawn = wants.draw(np.full(100_000, row), np.random.default_rng(row).random(100_000))
        share = np.bincount(drawn, minlength=wants.share.shape[1]) / 100_000
        assert share == pytest.approx(wants.share[row], abs=0.01)
