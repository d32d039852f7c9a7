"""One shop for all tests that only look at it."""

from datetime import UTC, datetime

import polars as pl
import pytest

from etappe.simulation import Shop, simulate

END = datetime(2026, 6, 30, 12, 34, 56, tzinfo=UTC)


@pytest.fixture(scope="session")
def shop() -> Shop:
    """2,000 customers, 1,000 items, 120 days: some 200,000 events."""
    return simulate(2000, 1000, 120, 7, end=END)


@pytest.fixture(scope="session")
def lines(shop: Shop) -> pl.DataFrame:
    """The purchase lines of `shop`, with category (and cluster) of the item and persona of who bought it."""
    bought = shop.events.filter(event="purchase")
    items = shop.truth.items.select("item_id", "category", "style", "cycle_days")
    people = shop.truth.customers.select("user_id", "persona", customer_style="style")
    return bought.join(items, on="item_id").join(people, on="user_id", how="left")
