"""What changes on the shelves: prices, stock, launches; and what replaces what."""

import numpy as np
import pytest
from tests.unit.simulation.sizes import END

from etappe.simulation.goods import goods, shelf
from etappe.simulation.goods.assortment import assortment
from etappe.simulation.goods.goods import Goods, rounded
from etappe.simulation.goods.seasons import Seasons, wave
from etappe.simulation.goods.shelf import Shelf
from etappe.simulation.parameters import load
from etappe.simulation.world import Clock

DAYS = 200
SAID = load().shelf


@pytest.fixture(scope="module")
def sold() -> Goods:
    """3,000 items."""
    return goods.make(assortment(), 3000, 11)


@pytest.fixture(scope="module")
def shelves(sold: Goods) -> Shelf:
    """Their shelves over 200 days."""
    return shelf.make(sold, SAID, DAYS, 11)


@pytest.fixture(scope="module")
def grid(sold: Goods) -> tuple[np.ndarray, np.ndarray]:
    """Each item at each half day."""
    item, half = (axis.ravel() for axis in np.meshgrid(np.arange(len(sold)), np.arange(2 * DAYS), indexing="ij"))
    return item, half / 2 + 0.01


def test_launched_items_are_sold_from_their_day_on(sold: Goods, shelves: Shelf) -> None:
    """About the stated share of products comes out in the story; none of them is there before, nearly all are then."""
    new = np.flatnonzero(shelves.launch >= 0)
    products = len(np.unique(sold.product[new])) / (sold.product[-1] + 1)
    assert products == pytest.approx(SAID.launched, abs=0.03)
    for before in (1e-6, 1.0, 50.0):
        assert not shelves.available.at(new, shelves.launch[new] - before).any()
    assert shelves.available.at(new, shelves.launch[new]).mean() > 0.9
    assert shelves.launch.max() < DAYS


def test_items_sell_out_and_come_again(sold: Goods, shelves: Shelf, grid: tuple[np.ndarray, np.ndarray]) -> None:
    """As often as stated (per 100 days), for a median time near the stated one; none for ever."""
    old = shelves.launch < 0
    steps = shelves.available
    gone = np.flatnonzero(~steps.value & old[steps.owner] & (steps.day >= 0) & (steps.day < DAYS))
    expected = SAID.sold_out_per_100_days * DAYS / 100
    assert len(gone) / old.sum() == pytest.approx(expected, rel=0.1)
    assert (steps.owner[gone + 1] == steps.owner[gone]).all()
    lasted = steps.day[gone + 1] - steps.day[gone]
    assert 0.5 * SAID.sold_out_days < np.median(lasted) < 1.2 * SAID.sold_out_days
    there = shelves.available.at(*grid).reshape(len(sold), -1)[old]
    assert (~there).mean() == pytest.approx(lasted.sum() / old.sum() / DAYS, rel=0.1)


def test_variants_change_their_price_together(sold: Goods, shelves: Shelf, grid: tuple[np.ndarray, np.ndarray]) -> None:
    """Where the price of one variant changes for long, so does that of the others, in the same direction."""
    price = shelves.price(*grid).reshape(len(sold), -1)
    pair = np.flatnonzero((np.diff(sold.product) == 0) & (sold.price[1:] > 20) & (sold.price[:-1] > 20))
    change = np.log(price[:, -1] / price[:, 0])
    moved = pair[(np.abs(change[pair]) > 0.05) | (np.abs(change[pair + 1]) > 0.05)]
    assert len(moved) > 50
    assert (np.sign(change[moved]) == np.sign(change[moved + 1])).mean() > 0.95


def test_promotions_lower_prices_as_stated(sold: Goods, shelves: Shelf, grid: tuple[np.ndarray, np.ndarray]) -> None:
    """Products without a lasting change are promoted for the stated time by the stated share, else cost the usual."""
    price = shelves.price(*grid).reshape(len(sold), -1)
    usual = rounded(sold.price)
    dear = (sold.price > 50) & (price[:, 0] == usual) & (price[:, -1] == usual) & (price.max(axis=1) == usual)
    part = price[dear] / sold.price[dear][:, None]
    lowered = part < 0.995
    low, high = SAID.promotion
    assert part[lowered].min() > 1 - high - 0.03  # prices are rounded
    assert np.median(part[lowered]) == pytest.approx(1 - (low + high) / 2, abs=0.04)
    expected = SAID.promoted_per_100_days / 100 * sum(SAID.promotion_days) / 2
    assert lowered.mean() == pytest.approx(expected, rel=0.35)


def test_some_prices_change_for_good(sold: Goods, shelves: Shelf) -> None:
    """About the stated share of products ends with another usual price, up as often as down."""
    first = np.unique(sold.product, return_index=True)[1]
    rows = first[sold.price[first] > 50]
    usual = np.array([np.median(shelves.price(np.full(40, row), np.linspace(DAYS - 1, DAYS + 29, 40))) for row in rows])
    ratio = usual / rounded(sold.price[rows])
    changed = np.abs(np.log(ratio)) > 0.04
    assert 0.4 * SAID.price_changes < changed.mean() < 1.2 * SAID.price_changes
    assert 0.3 < (ratio[changed] > 1).mean() < 0.7


def test_substitutes_are_near(sold: Goods, shelves: Shelf) -> None:
    """A substitute is another product of the same category and kind; the nearest comes first, by price and style."""
    pairs = shelves.substitutes
    for column in (sold.category, sold.kind):
        assert (column[pairs.item] == column[pairs.other]).all()
    assert (sold.product[pairs.item] != sold.product[pairs.other]).all()
    assert np.bincount(pairs.item).max() <= SAID.substitutes
    same = pairs.item[1:] == pairs.item[:-1]
    assert (np.diff(pairs.strength)[same] <= 0).all()
    apart = np.abs(np.log(sold.price[pairs.item] / sold.price[pairs.other]))
    style = np.where(sold.style[pairs.item] == sold.style[pairs.other], 1.0, 0.6)
    assert pairs.strength == pytest.approx(SAID.takes_substitute * np.exp(-apart / 0.25) * style)
    first = np.unique(pairs.item, return_index=True)[1]
    assert (shelves.replaced[pairs.item[first]] == pairs.other[first]).all()
    assert (shelves.chance[pairs.item[first]] == pairs.strength[first]).all()


def test_demand_peaks_at_its_time_of_the_year() -> None:
    """At the peak exp(amplitude) times the average, half a year later the inverse; without a season always the same."""
    seasons = Seasons(assortment(), load(), Clock(END, 365))
    peak, amplitude = load().seasons["garden/seeds"]
    seeds, bulbs = assortment().number_of("garden/seeds"), assortment().number_of("home/bulbs")
    day = np.array([peak - 181 + 365, peak - 181 + 365 - 182.5])
    assert seasons._clock.day_of_year(day)[0] % 365 == pytest.approx(peak)
    assert seasons.log_demand(np.full(2, seeds), day) == pytest.approx([amplitude, -amplitude])
    assert seasons.log_demand(np.full(2, bulbs), day).tolist() == [0.0, 0.0]
    assert seasons.left(day)[:, seeds] == pytest.approx([1.0, np.exp(-2 * amplitude)])
    uniform = np.random.default_rng(1).random(50_000)
    accepted = seasons.accepted(np.full(50_000, seeds), np.full(50_000, day[1]), uniform).mean()
    assert accepted == pytest.approx(np.exp(-2 * amplitude), abs=0.01)
    assert wave(np.array([10.0, 10.0 + 365 / 2]), np.array([10.0, 10.0])) == pytest.approx([1.0, -1.0])
