"""A connection that is opened when it is asked for, and again when it was lost: once for all who wait for it."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

from redis.exceptions import RedisError

from etappe.errors import GenerationError, StoreError, StoreUnavailableError
from etappe.store.wire.address import Address
from etappe.store.wire.exchange import ANSWER_SECONDS, Exchange
from etappe.store.wire.port import Command, Reply, Wire

Greet = Callable[[Wire], Awaitable[None]]
"""What is asked first on each new connection; where it raises, the connection is not used."""
_PAUSES: Final = (0.02, 0.05, 0.1, 0.2, 0.5)
"""Seconds between attempts: a server that restarts is found soon, one that is gone is not run down."""
_PATIENCE: Final = 0.05
"""How long an ask waits for a server that did not answer the last time: others have waited for it already."""


class Connection:
    """A wire to one server."""

    def __init__(self, address: Address, greet: Greet | None = None, seconds: float = ANSWER_SECONDS) -> None:
        self.address = address
        self._greet = greet
        self._seconds = seconds
        self._exchange: Exchange | None = None
        self._attempt: asyncio.Task[None] | None = None
        self._failed: StoreError | None = None
        self._failures = 0
        self._not_before = 0.0

    async def ask(self, commands: Sequence[Command]) -> list[Reply]:
        """See `Wire`."""
        exchange = self._exchange
        if exchange is None or exchange.closed:
            exchange = await self._connected()
        return await exchange.ask(commands)

    async def _connected(self) -> Exchange:
        loop = asyncio.get_running_loop()
        if self._attempt is None:
            if self._failed is not None and loop.time() < self._not_before:
                raise _again(self._failed)
            self._attempt = loop.create_task(self._try())
        await asyncio.wait({self._attempt}, timeout=_PATIENCE if self._failed else None)
        exchange = self._exchange
        if exchange is None or exchange.closed:
            raise _again(self._failed)
        return exchange

    async def _try(self) -> None:
        """One attempt, whose outcome is noted: all who wait for it look there."""
        try:
            async with asyncio.timeout(self.address.seconds):
                self._exchange = await self._open()
            self._failed, self._failures = None, 0
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a server, whoever asks has to hear of it
            self._note(error)
        finally:
            self._attempt = None

    def _note(self, error: Exception) -> None:
        why = str(error) or "in time"
        known = error if isinstance(error, StoreError) else None
        self._failed = known or StoreUnavailableError(f"Redis does not answer at {self.address}: {why}")
        pause = _PAUSES[min(self._failures, len(_PAUSES) - 1)] * random.uniform(0.5, 1.0)  # noqa: S311 - spreads attempts
        self._failures += 1
        self._not_before = asyncio.get_running_loop().time() + pause

    async def _open(self) -> Exchange:
        exchange: Exchange = await self.address.connect(lambda: Exchange(self._seconds))
        try:
            await self._greeted(exchange)
        except BaseException:
            exchange.close()
            raise
        return exchange

    async def _greeted(self, exchange: Exchange) -> None:
        for reply in await exchange.ask(self.address.greeting()):
            if isinstance(reply, RedisError):
                raise StoreUnavailableError(f"Redis does not let us in at {self.address}: {reply}")
        if self._greet is not None:
            await self._greet(exchange)

    async def aclose(self) -> None:
        """Closes it for good; who still waits hears that nothing came."""
        if self._attempt is not None:
            self._attempt.cancel()
            with suppress(asyncio.CancelledError):
                await self._attempt
        if self._exchange is not None:
            self._exchange.close()


def _again(failed: StoreError | None) -> StoreError:
    """A new exception for each who waits: a shared one would collect all their tracebacks."""
    if isinstance(failed, GenerationError):
        return GenerationError(*failed.args)
    return StoreUnavailableError(*(failed.args if failed else ["Redis does not answer in time"]))
