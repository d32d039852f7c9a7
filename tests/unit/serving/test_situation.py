"""The situation: what the customer took to, and what they are at just now."""

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
from tests.unit.serving.planted import NOW, Done, Model, catalogue_items, overlaid, state

from etappe.catalog.item import Item
from etappe.customers import records
from etappe.customers.packed.base import pack
from etappe.customers.state import State, fold_state
from etappe.events.vocabulary import CODES, STRENGTH, Rate
from etappe.ids import item_hash
from etappe.serving.request import Context
from etappe.serving.situation import Situation, situation
from etappe.serving.sources import category
from etappe.serving.viewing.view import View

SESSION = 30 * 60.0
JUST_NOW = 0.001
VIEW = float(STRENGTH[CODES["view_item"]])
CART = float(STRENGTH[CODES["add_to_cart"]])


Told = Callable[..., Situation]


@pytest.fixture
def here(model: Model) -> Told:
    """The situation of a customer who did these things, on a page."""

    def told(done: list[Done] | State, **context: object) -> Situation:
        view = View(overlaid([*catalogue_items(), Item(id="later", category="later")]), model.snapshot)
        who = done if isinstance(done, State) else state(done)
        return situation(view, who, Context(**context), NOW.timestamp(), SESSION)

    return told


def _names(told: Situation, rows: np.ndarray) -> list[str]:
    return [told.view.catalogue.item(row).id for row in told.view.to_rows(rows).tolist()]


def _history(told: Situation) -> list[str]:
    return sorted(_names(told, told.history))


def _seeds(told: Situation) -> dict[str, float]:
    return dict(zip(_names(told, told.seeds), told.seed_weights.tolist(), strict=True))


@pytest.mark.parametrize("event", ["gift", "ignore"])
def test_gifts_and_what_is_ignored_are_no_taste(here: Told, event: str) -> None:
    """What was bought as a gift, or turned down, is neither in the history nor looked for as a session goes on."""
    done = [("purchase", "tea-0", 20.0), ("purchase", "coffee-0", 20.0), ("view_item", "tea-0", JUST_NOW)]
    assert (_history(here(done)), _seeds(here(done))) == (["coffee-0", "tea-0"], {"tea-0": VIEW})
    told = here([*done, (event, "tea-0", 10.0)])
    assert _history(told) == ["coffee-0"]
    assert _seeds(told) == {}
    assert told.interests.tolist() == [item_hash("coffee-0")]


@pytest.mark.parametrize(("rating", "liked"), [(1, False), (2, False), (3, True), (5, True)])
def test_what_is_rated_badly_is_no_taste(here: Told, rating: int, liked: bool) -> None:
    """One or two of five say that the customer does not like it; three and more do not."""
    tail = records.encode(Rate(item_id="tea-0", properties={"rating": rating}), "r", NOW - timedelta(days=1))
    bought = state([("purchase", "tea-0", 20.0)]).base
    told = here(fold_state(pack(bought), tail, 60.0))
    assert _history(told) == (["tea-0"] if liked else [])


def test_the_page_weighs_as_three(here: Told) -> None:
    """The item on the page and each in the cart are seeds of weight 3, added to what the session says of them."""
    told = here([("view_item", "tea-0", JUST_NOW)], item="tea-1", cart=["tea-0", "coffee-2"])
    assert _seeds(told) == {"tea-0": VIEW + 3.0, "coffee-2": 3.0, "tea-1": 3.0}
    assert _seeds(here([], item="tea-1", cart=["tea-1"])) == {"tea-1": 6.0}
    assert _names(told, told.cart) == ["tea-0", "coffee-2"]


def test_what_is_ignored_counts_while_it_is_on_the_page(here: Told) -> None:
    """Whoever looks at an item that they once ignored is at it all the same."""
    assert _seeds(here([("ignore", "tea-0", 3.0)], item="tea-0")) == {"tea-0": 3.0}


def test_sessions_end(here: Told) -> None:
    """Events count as a session for thirty minutes, each with its strength; what has none left is no seed."""
    minute = 1 / 1440
    done = [("add_to_cart", "tea-0", 29 * minute), ("view_item", "tea-0", minute), ("view_item", "tea-1", 31 * minute)]
    assert _seeds(here(done)) == {"tea-0": CART + VIEW}
    assert _seeds(here([("remove_from_cart", "tea-0", minute)])) == {}


def test_the_latest_sixteen_are_seeds(here: Told) -> None:
    """Of eighteen items that were looked at, the two looked at first are no seeds; looked at again, one is the last."""
    ids = [item.id for item in catalogue_items()]
    done = [("view_item", name, JUST_NOW * (len(ids) - place)) for place, name in enumerate(ids)]
    told = here(done)
    assert (len(ids), list(_seeds(told))) == (18, ids[2:])
    again = here([*done, ("view_item", ids[0], 0.0)])
    assert list(_seeds(again)) == [*ids[3:], ids[0]]


def test_what_the_snapshot_does_not_know_tells_of_categories(here: Told) -> None:
    """A new item on the page is no seed, but its category is what the customer is in."""
    told = here([("purchase", "tea-0", 30.0)], item="later")
    assert (_seeds(told), told.interests.tolist()) == ({}, [item_hash("later")])
    codes = category.categories(told)
    assert [told.view.catalogue.categories[code] for code in codes] == ["later"]


def test_categories_come_most_frequent_first(here: Told) -> None:
    """By how many of the seeds are in each; without seeds, of what the customer took to."""
    told = here([("purchase", "coffee-1", 30.0)], cart=["tea-1", "garden-1", "garden-3"])
    names = told.view.catalogue.categories
    assert [names[code] for code in category.categories(told)] == ["garden", "tea"]
    known = here([("purchase", "coffee-1", 30.0)])
    assert [names[code] for code in category.categories(known)] == ["coffee"]


def test_a_stranger_is_at_nothing(model: Model) -> None:
    """Without a state and a page all is empty, with a snapshot and without."""
    for snapshot in (model.snapshot, None):
        told = situation(View(overlaid(catalogue_items()), snapshot), None, Context(), NOW.timestamp(), SESSION)
        sizes = [len(part) for part in (told.history, told.items, told.weights, told.seeds, told.cart, told.interests)]
        assert sizes == [0] * 6
        assert told.taste is None
