"""A place as it is, for who only looks at it: nothing is made, moved or mended."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property

from etappe import settings as settings_module
from etappe.errors import SettingsError, StoreError
from etappe.log import Log
from etappe.settings import Place, Settings
from etappe.store.place import folder_swap
from etappe.store.server import connection
from etappe.store.server.connection import SyncRedis
from etappe.store.server.embedded import EmbeddedServer
from etappe.zones import zone_of


class Inspected:
    """A place that is looked at. What cannot be looked at raises an EtappeError when it is first asked for."""

    def __init__(self, place: Place, settings: Settings, until: ExitStack, *, deep: bool = False) -> None:
        self.place = place
        self.settings = settings
        self.deep = deep
        self.log = Log(place.data / "log")
        self._until = until

    @property
    def begun(self) -> bool:
        """Whether there is a Redis to look at: an embedded server that has never run holds nothing."""
        return self.place.redis_url is not None or EmbeddedServer(self.place.data).begun

    @cached_property
    def client(self) -> SyncRedis:
        """Redis. The embedded server is started where it has run before, and stopped when all is looked at."""
        if not self.begun:
            raise StoreError(f"nothing has run in {self.place.data} yet; `etappe serve` starts its server")
        client = self._until.enter_context(connection.connect(self.place))
        connection.refuse_emptied(client, self.place.data)
        return client


@contextmanager
def inspected(place: Place, *, deep: bool = False) -> Iterator[Inspected]:
    """A place as it is; its embedded server is up inside the block from when it is first asked for.

    `deep` asks for every byte to be read.

    Raises:
        EtappeError: the settings cannot be used, or the place is being restored.
    """
    if place.data.exists() and not place.data.is_dir():
        raise SettingsError(f"{place.data} is no folder; name one with --data")
    if place.redis_url is not None:
        connection.blocking_client(place).close()  # which refuses an address that is none; nobody is asked yet
    folder_swap.refuse_unfinished(place.data)
    settings = settings_module.load(place.data)
    zone_of(settings.catalogue.time_zone)
    with ExitStack() as until:
        yield Inspected(place, settings, until, deep=deep)
