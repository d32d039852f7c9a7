"""A place with its store opened: what commands and the worker work on."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import msgspec

from etappe import settings as settings_module
from etappe.catalog.item import ItemPatch
from etappe.ids import item_hash
from etappe.importing import times
from etappe.serving.view import View
from etappe.settings import Place, Settings
from etappe.store import catalogues, connection, generation, journal, snapshots, swapping
from etappe.store.connection import SyncRedis
from etappe.store.log import Log


class Opened(msgspec.Struct, frozen=True):
    """A place with its store opened for blocking use."""

    place: Place
    settings: Settings
    client: SyncRedis
    log: Log
    secret: bytes

    def view(self) -> View:
        """What a replica would answer from now."""
        catalogue, _ = catalogues.load(self.client, self.place.data)
        return View(catalogue, snapshots.open_current(self.client, self.place.data))

    def upsert(self, patches: Sequence[ItemPatch]) -> None:
        """Journals item changes; on return every live replica has them."""
        position = journal.append_items(self.client, patches)
        journal.wait_until_applied_blocking(self.client, position, self.settings.store.lease_seconds)

    def known_items(self) -> Callable[[list[str]], set[str]]:
        """Which of some ids the catalogue has."""
        catalogue, _ = catalogues.load(self.client, self.place.data)
        return lambda ids: {one for one in ids if catalogue.row(item_hash(one)) >= 0}


@contextmanager
def opened(place: Place, *, unfinished: bool = False, begins: bool = True) -> Iterator[Opened]:
    """The store of a place, with the embedded server up inside the block where one is needed.

    A place whose restoring was broken off, or whose Redis has lost all, is opened only by who says that it may be
    `unfinished`. A place that has nothing yet is begun here, but in an external Redis only by who `begins`: what needs
    no log may run anywhere.

    Raises:
        EtappeError: settings, data folder or Redis cannot be used.
    """
    if not unfinished:
        swapping.refuse_unfinished(place.data)
    settings = settings_module.load(place.data)
    times.zone_of(settings.catalogue.time_zone)
    with connection.connect(place) as client:
        log = Log(place.data / "log")
        log.prepare()
        if unfinished:
            secret = connection.secret(client, place.data)
        else:
            begins = begins or place.redis_url is None
            secret = generation.join(client, log, place.data, begins=begins)
        yield Opened(place, settings, client, log, secret)
