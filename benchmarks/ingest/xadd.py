"""The yardstick of ingest: the same events as plain XADDs, a batch written at once, to the same kind of server."""

import asyncio
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, cast

import hiredis
import msgspec

from benchmarks.client import Round
from etappe.ids import PARTITIONS

Batch = tuple[bytes, int]
"""Commands as they go over the wire, and how many replies they get."""
_STREAM: Final = "etappe:{%03d}:stream"
_SUBJECT: Final = bytes(16)


def packed(batch: Sequence[dict[str, Any]]) -> Batch:
    """A batch of events as one XADD each, spread over as many streams as Etappe has."""
    commands = [hiredis.pack_command(_xadd(event)) for event in batch]
    return b"".join(commands), len(commands)


def run(socket: Path, requests: Sequence[Batch], seconds: float, connections: int) -> Round:
    """Sends `requests` over some connections, and stops asking after `seconds`; a latency is that of a whole batch."""
    return asyncio.run(_run(socket, requests, seconds, connections))


async def _run(socket: Path, requests: Sequence[Batch], seconds: float, count: int) -> Round:
    loop = asyncio.get_running_loop()
    waiting = iter(requests)
    made = [await loop.create_unix_connection(_Connection, str(socket)) for _ in range(min(count, len(requests)))]
    connections = [connection for _, connection in made]
    cpu, began = time.process_time(), time.perf_counter()
    await asyncio.gather(*(one.drive(waiting, began + seconds) for one in connections))
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    for transport, _ in made:
        transport.close()
    latencies = [latency for one in connections for latency in one.latencies]
    return Round(took, latencies, sum(one.failures for one in connections), cpu)


def _xadd(event: dict[str, Any]) -> tuple[Any, ...]:
    whom = event.get("user_id") or event.get("anonymous_id") or event.get("order_id") or ""
    stream = _STREAM % (zlib.crc32(whom.encode()) % PARTITIONS)
    return "XADD", stream, "*", "s", _SUBJECT, "e", msgspec.json.encode(event)


class _Connection(asyncio.Protocol):
    """One connection, which sends the next batch when every reply to the last is there."""

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self.failures = 0
        self._reader = hiredis.Reader()
        self._left = 0
        self._sent = 0.0
        self._until = 0.0
        self._requests: Iterator[Batch] = iter(())
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None

    async def drive(self, requests: Iterator[Batch], until: float) -> None:
        """Sends batches until there are no more or the time (of the performance counter) is up."""
        self._requests, self._until = requests, until
        self._next()
        await self._done

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        self._reader.feed(data)
        while (reply := self._reader.gets()) is not False:
            self.failures += isinstance(reply, Exception)
            self._left -= 1
        if self._left == 0:
            self.latencies.append(time.perf_counter() - self._sent)
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio; a connection lost before its replies ends the run."""
        if not self._done.done():
            self._done.set_exception(exc or ConnectionError("the server closed the connection"))

    def _next(self) -> None:
        self._sent = time.perf_counter()
        request = next(self._requests, None) if self._sent < self._until else None
        if request is None or self._transport is None:
            self._done.set_result(None)
            return
        commands, self._left = request
        self._transport.write(commands)
