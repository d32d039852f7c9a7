"""A place as it is, for who only looks at it: nothing is made, moved or mended."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from etappe import settings as settings_module
from etappe.importing import times
from etappe.settings import Place, Settings
from etappe.store import connection, swapping
from etappe.store.connection import SyncRedis
from etappe.store.log import Log


class Inspected(msgspec.Struct, frozen=True):
    """A place that is looked at."""

    place: Place
    settings: Settings
    client: SyncRedis
    log: Log


@contextmanager
def inspected(place: Place) -> Iterator[Inspected]:
    """The store of a place as it is, with the embedded server up inside the block where one is needed.

    Raises:
        EtappeError: settings, data folder or Redis cannot be used.
    """
    swapping.refuse_unfinished(place.data)
    settings = settings_module.load(place.data)
    times.zone_of(settings.catalogue.time_zone)
    with connection.connect(place) as client:
        connection.refuse_emptied(client, place.data)
        yield Inspected(place, settings, client, Log(place.data / "log"))
