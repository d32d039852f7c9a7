"""A shop to ask."""

import pytest
from tests.integration.api.asked import Keys

from etappe.catalog.item import ItemPatch
from etappe.settings import Place
from etappe.store.config import api_keys, journal
from etappe.store.server.connection import SyncRedis
from etappe.wiring.store import opened


@pytest.fixture
def keys(place: Place, client: SyncRedis) -> Keys:
    """A shop with some items, and its keys."""
    with opened(place) as here:  # which begins it
        known = here.secret
    items = [ItemPatch(id=f"i{n}", title=f"Item {n}", price=float(n), category="c", brand="a") for n in range(1, 9)]
    journal.append_items(client, items)
    made = [api_keys.create(client, kind) for kind in ("secret", "publishable", "publishable")]
    api_keys.revoke(client, made[2][1].name)
    return Keys(made[0][0], made[1][0], made[2][0], known)
