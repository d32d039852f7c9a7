"""The wire of a serving process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from etappe.settings import Place
from etappe.store.wire.address import address_of
from etappe.store.wire.cluster import Cluster
from etappe.store.wire.connection import Connection, Greet
from etappe.store.wire.exchange import ANSWER_SECONDS
from etappe.store.wire.port import Wire


@asynccontextmanager
async def open_wire(place: Place, greet: Greet | None = None, seconds: float = ANSWER_SECONDS) -> AsyncIterator[Wire]:
    """A wire to the server of a place, which is connected to when it is first asked. `greet` opens each connection.

    Raises:
        StoreError: ETAPPE_REDIS is no URL of a Redis.
    """
    wire = Cluster(address_of(place), lambda address: Connection(address, greet, seconds))
    try:
        yield wire
    finally:
        await wire.aclose()
