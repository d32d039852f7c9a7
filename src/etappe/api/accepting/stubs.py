"""Items that events name and the catalogue does not know: added to it, as imports of events add them."""

import logging
from collections.abc import Sequence

import numpy as np

from etappe.api.service import Service
from etappe.catalog.stubs import stub_of
from etappe.errors import StoreError
from etappe.events.intake import Accepted
from etappe.ids import item_hash
from etappe.store.config import journal

_log = logging.getLogger("etappe.stubs")


async def add(service: Service, events: Sequence[Accepted]) -> None:
    """Adds the unknown items of `events`, which a secret key sent.

    The events are in: where the catalogue cannot be changed, the next event of the item adds it.
    """
    unknown = _unknown(service, events)
    if not unknown:
        return
    try:
        position = await service.journal(journal.STUBS, [stub_of(one.event) for one in unknown.values()])
        await journal.wait_until_applied(service.client, position, service.settings.store.lease_seconds)
    except StoreError as error:
        _log.warning("%d items that only events tell of are not added: %s", len(unknown), error)


def _unknown(service: Service, events: Sequence[Accepted]) -> dict[str, Accepted]:
    """The last event of each item that the catalogue does not know, by item."""
    if not service.settings.catalogue.live_items:
        return {}
    named = {
        accepted.event.item_id: accepted for accepted in events if accepted.event.item_id and accepted.flag is None
    }
    if not named:
        return {}
    hashes = np.fromiter((item_hash(item) for item in named), np.uint64, len(named))
    rows = service.replica.view.catalogue.rows(hashes).tolist()
    return {item: accepted for (item, accepted), row in zip(named.items(), rows, strict=True) if row < 0 and item}
