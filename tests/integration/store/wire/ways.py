"""All ways to a server there are, and servers that answer what a test says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from etappe.settings import Place
from etappe.store.server import connection
from etappe.store.wire import InMemory, RedisPy, Wire, open_wire

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
WAYS = ("bare", "redis-py")
PONG = b"+PONG\r\n"


@asynccontextmanager
async def wire_of(way: str, place: Place | None) -> AsyncIterator[Wire]:
    """A wire of one kind to the server of a place."""
    if place is None:
        yield InMemory()
    elif way == "bare":
        async with open_wire(place) as wire:
            yield wire
    else:
        async with connection.connect_async(place) as client:
            yield RedisPy(client)


@asynccontextmanager
async def answering(folder: Path, answer: Answer) -> AsyncIterator[Place]:
    """A server on a socket in `folder` that does with each connection what `answer` does, and its place."""
    path = folder / "fake.sock"
    begun: set[asyncio.Task[None]] = set()

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        begun.add(task)
        try:
            await answer(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_unix_server(met, path)
    try:
        yield Place(folder, redis_url=f"unix://{path}")
    finally:
        server.close()
        for task in begun:
            task.cancel()
        await asyncio.gather(*begun, return_exceptions=True)
