"""A place with its store opened: what commands and the worker work on."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import msgspec
import numpy as np

from etappe import settings as settings_module
from etappe.catalog.item import ItemPatch
from etappe.ids import item_hash
from etappe.log import Log, findings
from etappe.serving.viewing.view import View
from etappe.settings import Place, Settings
from etappe.store.config import catalogues, journal, snapshots
from etappe.store.place import beginning, folder_swap
from etappe.store.server import connection
from etappe.store.server.connection import SyncRedis
from etappe.wiring.losses import evidence_of
from etappe.zones import zone_of


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
        self._journal(patches, journal.ITEMS)

    def add_stubs(self, patches: Sequence[ItemPatch]) -> None:
        """As `upsert`, of items of which only events have told: those that are known stay as they are."""
        self._journal(patches, journal.STUBS)

    def _journal(self, patches: Sequence[ItemPatch], kind: str) -> None:
        position = journal.append_items(self.client, patches, kind)
        journal.wait_until_applied_blocking(self.client, position, self.settings.store.lease_seconds)

    def known_items(self) -> Callable[[list[str]], set[str]]:
        """Which of some ids the catalogue has."""
        catalogue, _ = catalogues.load(self.client, self.place.data)
        return lambda ids: {one for one in ids if catalogue.row(item_hash(one)) >= 0}

    def missing(self, named: set[int]) -> tuple[int, list[str]]:
        """How many items are for sale, and the ids of those whose hash is not `named`."""
        catalogue, _ = catalogues.load(self.client, self.place.data)
        sold = catalogue.for_sale()
        known = np.isin(catalogue.column("hash")[sold], np.fromiter(named, np.uint64, len(named)))
        return len(sold), [catalogue.fragment(int(row)).id for row in sold[~known]]


@contextmanager
def opened(
    place: Place, *, unfinished: bool = False, writes_log: bool = True, mends_log: bool = False
) -> Iterator[Opened]:
    """The store of a place, with the embedded server up inside the block where one is needed.

    A place whose restoring was broken off, or whose Redis or log has lost something, is opened only by who says that it
    may be `unfinished`. Who does not write to the log leaves it alone: it may lie on another machine. Who mends the log
    does so before Redis is rebuilt from it, whatever that has lost. A place that has nothing yet is begun here; in an
    external Redis who writes to the log has it from then on.

    Raises:
        EtappeError: settings, data folder, Redis or log cannot be used.
    """
    if not unfinished:
        folder_swap.refuse_unfinished(place.data)
    settings = settings_module.load(place.data)
    zone_of(settings.catalogue.time_zone)
    with connection.connect(place) as client:
        log = Log(place.data / "log")
        if writes_log:
            log.prepare()
        if writes_log and not unfinished:
            findings.refuse(evidence_of(client, log, place.data), findings.OF_OTHERS)
        if unfinished or mends_log:
            beginning.retake(client, log, place.data)
        if mends_log:
            secret = beginning.join_to_mend(client, log, place.data)
        else:
            secret = connection.secret(client, place.data) if unfinished else _joined(client, log, place, writes_log)
        with log.reading():
            yield Opened(place, settings, client, log, secret)


def _joined(client: SyncRedis, log: Log, place: Place, writes_log: bool) -> bytes:
    return beginning.join(client, log, place.data, begins=writes_log or place.redis_url is None)
