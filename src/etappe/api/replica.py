"""What one serving process holds: catalogue, keys and snapshot, kept up with the journal of configuration."""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Final

from etappe.catalog.table import Catalogue
from etappe.errors import EtappeError, GenerationError, StoreError
from etappe.serving.viewing.view import View
from etappe.settings import Place, Settings
from etappe.store import keys
from etappe.store.config import catalogues, journal, kinds, snapshots
from etappe.store.config.api_keys import ApiKey, listed
from etappe.store.config.journal import Change
from etappe.store.place import marks
from etappe.store.place.marks import Standing
from etappe.store.server.connection import AsyncRedis, SyncRedis, blocking_client
from etappe.store.server.failures import in_thread

_MARGIN: Final = 0.75
"""Share of a lease after which a replica itself takes it for lapsed: before Redis does."""
_LOADING_SECONDS: Final = 30.0
"""Lease of a replica that loads: nothing is trimmed and changes wait for it, but not for ever where it dies."""
_PAUSE_SECONDS: Final = 0.5
_log = logging.getLogger("etappe.replica")


class Replica:
    """One serving process, named at random. `view` and `keys` are replaced or changed between two requests only.

    `standing` says whether Redis is the one that was left. While it is not, what was last known is held on to.
    """

    def __init__(self, client: AsyncRedis, place: Place, settings: Settings, standing: Standing | None = None) -> None:
        self.name = secrets.token_hex(8)
        self.view = View(catalogues.ruled(Catalogue(), settings))
        self.keys: dict[str, ApiKey] = {}
        self.position = journal.START
        self._client = client
        self._standing = standing
        self._place = place
        self._settings = settings
        self._lease = settings.store.lease_seconds
        self._valid_until = 0.0
        self._loading = asyncio.Lock()
        self._swaps: set[asyncio.Task[None]] = set()
        self._aligning = False
        self._swapping = asyncio.Lock()
        self._reloading: asyncio.Task[None] | None = None
        self._heard = False
        self._afresh = False
        self.applied_by: Mapping[str, Callable[[Change], None]] = {
            journal.ITEMS: self._put_items,
            journal.STUBS: self._put_items,
            journal.KEY: self._put_key,
            journal.SNAPSHOT: self._swap_soon,
        }

    @property
    def current(self) -> bool:
        """Whether the lease holds, so that no change can have been answered that is not applied here."""
        return time.monotonic() < self._valid_until and self.refusal is None

    @property
    def refusal(self) -> str | None:
        """Why Redis is not the one that was left; None where it is."""
        return self._standing.reason if self._standing else None

    async def start(self) -> None:
        """Loads catalogue, keys and snapshot, and catches up with the journal: later, where Redis has lost them."""
        with contextlib.suppress(GenerationError):
            await self.reload()
        await self._swap()

    async def run(self) -> None:
        """Follows the journal until cancelled, renewing the lease."""
        try:
            while True:
                try:
                    await self._follow()
                except GenerationError:  # its log has it already
                    await asyncio.sleep(_PAUSE_SECONDS)
                except (OSError, EtappeError) as error:
                    _log.warning("the journal cannot be followed: %s", error)
                    await asyncio.sleep(_PAUSE_SECONDS)
                except Exception:  # noqa: BLE001 - whatever it is, the next entry may be better
                    _log.exception("the journal cannot be followed; trying again")
                    await asyncio.sleep(_PAUSE_SECONDS)
        finally:
            with contextlib.suppress(OSError, StoreError):
                await journal.renew(self._client, self.name, self.position, 0, self._least())

    async def keep_current(self, budget: float) -> bool:
        """Whether the lease holds. Where it lapsed, catches up first: one catching up serves all who wait for it.

        Gives up after `budget` seconds where Redis says nothing, else after the time a lease lasts.
        """
        if self.current:
            return True
        if self._reloading is None or self._reloading.done():
            self._heard = False
            self._reloading = asyncio.get_running_loop().create_task(self._reload_quietly())
        await asyncio.wait({self._reloading}, timeout=budget)
        if self._heard and not self._reloading.done():
            await asyncio.wait({self._reloading}, timeout=self._lease)
        return self.current

    async def _reload_quietly(self) -> None:
        try:
            await self.reload()
        except GenerationError:
            pass  # its log has it already
        except (OSError, EtappeError) as error:
            _log.warning("the configuration cannot be reloaded: %s", error)
        except Exception:  # noqa: BLE001 - nobody would hear of it here
            _log.exception("the configuration cannot be reloaded; the next request tries again")

    async def reload(self) -> None:
        """Starts from the compiled catalogue where it is newer than what is held, then applies the journal.

        The lease taken first keeps the worker from trimming what is still to be read. After a rebuild nothing that is
        held counts: of what the log does not have Redis has lost it, too.

        Raises:
            GenerationError: Redis is not the one that was left; keys and catalogue stay as they are.
        """
        async with self._loading:
            if self.current:
                return
            self._afresh = afresh = await self._stands() or self._afresh
            held = journal.START if afresh else self.position
            await self._lease_for(_LOADING_SECONDS, held)
            self._heard = True
            with contextlib.closing(blocking_client(self._place)) as client:
                known, found = await in_thread(_load, client, self._place.data, held)
            await self._lease_for(_LOADING_SECONDS, held)  # what was loaded is of a Redis that stands
            self.keys = known
            if afresh and found is None:
                found = catalogues.ruled(Catalogue(), self._settings), journal.START
            if found is not None:
                catalogue, position = found
                await self._replace_view(lambda view: view.having(catalogue=catalogue).ready())
                self.position = position
            self._afresh = False
            await self._catch_up()
            await self._renew()
        self._swap_soon()  # the journal may have been trimmed of a snapshot published meanwhile

    async def load_snapshot(self) -> None:
        """Swaps in the current snapshot by one assignment; a damaged one is refused and the old one stays."""
        with contextlib.closing(blocking_client(self._place)) as client:
            found = await in_thread(snapshots.open_current, client, self._place.data, self.view.version)
        if found is not None:
            await self._replace_view(lambda view: view.with_snapshot(found))
            _log.info("serving snapshot %s", found.version)

    async def _replace_view(self, change: Callable[[View], View]) -> None:
        """Swaps in what `change` makes of the view: in a thread, as it may go through all of the catalogue."""
        while True:
            before = self.view
            after = await asyncio.to_thread(change, before)
            if self.view is before:  # else it would bring back a catalogue or a snapshot that was replaced meanwhile
                self.view = after
                return

    async def _follow(self) -> None:
        wait = self._lease / 4
        changes = await journal.wait_for_change(self._client, self.position, wait)
        async with self._loading:
            if self.current:  # else the journal may have been trimmed in between: it is loaded anew
                if changes:
                    await self._renew()  # they are of a Redis that stands
                for change in changes:
                    self._apply(change)
                await self._renew()
        if not self.current:
            await self.reload()

    async def _catch_up(self) -> None:
        while changes := await journal.read_async(self._client, self.position):
            for change in changes:
                self._apply(change)

    async def _renew(self) -> None:
        began = time.monotonic()
        await self._lease_for(self._lease, self.position)
        self._valid_until = began + self._lease * _MARGIN

    async def _lease_for(self, seconds: float, position: str) -> None:
        """Takes a lease; a Redis that does not stand gives none, so that it can be rebuilt meanwhile."""
        found = await journal.renew(self._client, self.name, position, seconds, self._least())
        if self._standing is None:
            return
        if isinstance(found, int):
            self._standing.heard(found)
        else:
            self._standing.check(keys.CONFIG_MARK, found)

    def _least(self) -> str:
        return self._standing.expected(keys.CONFIG_MARK) if self._standing else ""

    async def _stands(self) -> bool:
        """Whether Redis was rebuilt since; GenerationError where it is not the one that was left."""
        if self._standing is None:
            return False
        names = list(dict.fromkeys([keys.CONFIG_MARK, *self._standing.wrong]))
        return self._standing.stand(*await marks.asked(self._client, names))

    def _apply(self, change: Change) -> None:
        """Applies one change, at once and in full; one applied already is passed over, a damaged one too."""
        if journal.ordered(change.position) <= journal.ordered(self.position):
            return
        try:
            self._do(change)
        except Exception:  # noqa: BLE001 - whatever it is, nobody is served by an old catalogue for ever because of it
            _log.exception("the change at %s cannot be applied and is left out", change.position)
        self.position = change.position

    def _do(self, change: Change) -> None:
        apply = self.applied_by.get(change.kind)
        if apply is not None:
            apply(change)

    def _put_items(self, change: Change) -> None:
        kinds.put_items(self.view.catalogue, change)
        if self.view.worn and not self._aligning:
            self._aligning = True
            self._soon(self._align())

    def _put_key(self, change: Change) -> None:
        key: ApiKey = kinds.content(change)
        self.keys[key.digest] = key

    def _swap_soon(self, _: Change | None = None) -> None:
        """Whatever an entry says: what is current by then is found in Redis."""
        self._soon(self._swap())

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._swaps.add(task)
        task.add_done_callback(self._swaps.discard)

    async def _align(self) -> None:
        try:
            await self._replace_view(View.aligned)
        except Exception:  # noqa: BLE001 - nobody would hear of it here
            _log.exception("rows are not put in order anew; the next changes try again")
        finally:
            self._aligning = False

    async def _swap(self) -> None:
        """One at a time: whichever comes last finds what is current last."""
        try:
            async with self._swapping:
                await self.load_snapshot()
        except (OSError, EtappeError) as error:
            _log.error("the snapshot is refused, what was served before stays: %s", error)
        except Exception:  # noqa: BLE001 - nobody would hear of it here
            _log.exception("the snapshot is refused, what was served before stays")


def _load(client: SyncRedis, data: Path, held: str) -> tuple[dict[str, ApiKey], tuple[Catalogue, str] | None]:
    """The keys, and the compiled catalogue where it is newer than what is held."""
    return {key.digest: key for key in listed(client)}, catalogues.newer(client, data, held)
