"""A replica and the journal."""

import asyncio

from etappe.api.replica import Replica
from etappe.catalog.item import ItemPatch
from etappe.settings import Place, Settings
from etappe.store.config import catalogues, journal
from etappe.store.server.connection import SyncRedis, connect_async


def test_what_was_trimmed_while_a_replica_slept_is_loaded(place: Place, client: SyncRedis, settings: Settings) -> None:
    """A replica whose lease lapsed, and whose next entries were compiled and trimmed, does not go on behind the gap."""

    async def story() -> bool:
        async with connect_async(place) as redis:
            replica = Replica(redis, place, settings)
            await replica.start()
            journal.append_items(client, [ItemPatch(id="x", available=True)])
            await replica._follow()
            await journal.renew(redis, replica.name, replica.position, 0)
            replica._valid_until = 0.0
            journal.append_items(client, [ItemPatch(id="x", available=False)])
            journal.trim(client, catalogues.compile_current(client, place.data))
            journal.append_items(client, [ItemPatch(id="y")])
            await replica._follow()
            found = replica.view.catalogue.find("x")
            assert found is not None
            assert replica.view.catalogue.find("y") is not None
            return found.available

    assert asyncio.run(story()) is False
