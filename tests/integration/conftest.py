"""A store that is lived in, for tests that tell a story."""

import pytest
from tests.integration.living import Living

from etappe.log import Log
from etappe.settings import Place
from etappe.store.server.connection import SyncRedis


@pytest.fixture
def living(place: Place, client: SyncRedis, log: Log, secret: bytes) -> Living:
    """The store of `place`, lived in."""
    return Living(place, client, log, secret)
