"""One shop for all tests that only look at it, and what is true of its events beside them."""

import polars as pl
import pytest
from tests.unit.simulation.sizes import SEEN

from etappe.simulation import Shop, simulate


@pytest.fixture(scope="session")
def shop() -> Shop:
    """2,000 customers, 1,000 items, 120 days: some 400,000 events."""
    return simulate(SEEN)


@pytest.fixture(scope="session")
def events(shop: Shop) -> pl.DataFrame:
    """All events once each, by the true time `at`, with the true `person` and `stage`."""
    return shop.events.unique("event_id", keep="first").join(shop.truth.events, on="event_id").sort("at", "event_id")


@pytest.fixture(scope="session")
def lines(shop: Shop, events: pl.DataFrame) -> pl.DataFrame:
    """The lines of all orders, with what is true of the item (`category`, `cycle_days` ...) and of the buyer."""
    items = shop.truth.items.select("item_id", "category", "cycle_days", ecological="eco", item_style="style")
    people = shop.truth.people.select(
        "person", "persona", "style", "price", "eco", "brand", "business", owner="user_id"
    )
    bought = events.filter(event="purchase").rename({"price": "paid"})
    return bought.join(items, on="item_id").join(people, on="person", how="left").sort("at", "event_id")
