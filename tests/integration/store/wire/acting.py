"""What tests do over a wire: to a server, or to something that only takes itself for one."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from tests.integration.store.wire.ways import answering

from etappe.errors import StoreUnavailableError
from etappe.settings import Place
from etappe.store.server import connection
from etappe.store.wire import Wire, ask_one, open_wire

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
Act = Callable[[Wire], Awaitable[Any]]
PATIENCE: Final = 20.0


def with_wire(place: Place, act: Act, seconds: float = 5.0) -> Any:
    async def acting() -> Any:
        async with asyncio.timeout(PATIENCE), open_wire(place, seconds=seconds) as wire:
            return await act(wire)

    return asyncio.run(acting())


def with_fake(folder: Path, answer: Callable[[Reader, Writer], Awaitable[None]], act: Act, seconds: float = 5.0) -> Any:
    async def acting() -> Any:
        async with (
            asyncio.timeout(PATIENCE),
            answering(folder, answer) as place,
            open_wire(place, seconds=seconds) as wire,
        ):
            return await act(wire)

    return asyncio.run(acting())


async def until_answered(wire: Wire) -> None:
    """Asks until there is an answer; what comes before is that there is none."""
    while True:
        try:
            await ask_one(wire, "PING")
        except StoreUnavailableError:
            await asyncio.sleep(0.005)
        else:
            return


async def outcome_of(wire: Wire) -> Any:
    try:
        return await ask_one(wire, "PING")
    except StoreUnavailableError as error:
        return error


def pid_of(place: Place) -> int:
    with connection.connect(place) as client:
        return int(client.info("server")["process_id"])
