"""What concurrent requests of a process claim goes to the graph together.

A change of the graph is a dozen round trips under a lock that all processes share, however many claims it settles. What
comes in while one is under way goes with the next, so requests wait for each other's change and not for its lock.
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from etappe.customers.identity import Claim
from etappe.errors import StoreUnavailableError
from etappe.store.identities.linking import Linker
from etappe.store.server.failures import in_thread


class _Waiting(NamedTuple):
    """The claims of one request, and what it waits for."""

    claims: list[Claim]
    done: "asyncio.Future[None]"

    def fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class Together:
    """The way of all claims of one process to the graph."""

    def __init__(self, linker: Linker) -> None:
        self._linker = linker
        self._queue: list[_Waiting] = []
        self._linking: asyncio.Task[None] | None = None

    async def link(self, claims: Sequence[Claim]) -> None:
        """Links what is not linked yet. Who gives up waiting stops no others.

        Raises:
            StoreUnavailableError: it had to wait too long for others who change the graph; ask again.
            StoreError: Redis refuses the change.
        """
        loop = asyncio.get_running_loop()
        waiting = _Waiting(list(claims), loop.create_future())
        self._queue.append(waiting)
        if self._linking is None:
            self._linking = loop.create_task(self._link_all())
        await waiting.done

    async def _link_all(self) -> None:
        try:
            while self._queue:
                requests, self._queue = self._queue, []
                await self._link(requests)
        finally:
            self._linking = None

    async def _link(self, requests: list[_Waiting]) -> None:
        """Links the claims of requests; where that fails, of each by itself, so that one fails for its own claims."""
        try:
            await in_thread(self._linker.link, [claim for one in requests for claim in one.claims])
        except Exception as error:  # noqa: BLE001 - whatever it is, whoever waits is told
            if len(requests) == 1 or isinstance(error, StoreUnavailableError):
                for one in requests:
                    one.fail(error)
                return
            for one in requests:
                await self._link([one])
            return
        for one in requests:
            if not one.done.done():
                one.done.set_result(None)
