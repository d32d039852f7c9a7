"""A small HTTP/1.1 client: some connections kept open, the next request sent when the last is answered, times kept.

It reads no more of an answer than its status and length, so that one core of it keeps a server of one core busy.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Final, cast

import msgspec

CONNECTIONS: Final = 16
_END_OF_HEADERS: Final = b"\r\n\r\n"
_OK: Final = b"HTTP/1.1 2"


class Round(msgspec.Struct, frozen=True):
    """What one run of requests showed. `latencies` are seconds, one an answer; `cpu` is the client's own seconds."""

    seconds: float
    latencies: list[float]
    failures: int
    cpu: float

    @property
    def rate(self) -> float:
        """Answers in a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """The latency in milliseconds that `share` of the answers kept below."""
        ordered = sorted(self.latencies)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] * 1000


def post(path: str, body: bytes) -> bytes:
    """A whole POST request with a JSON body."""
    told = f"content-type: application/json\r\ncontent-length: {len(body)}"
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\n{told}\r\n\r\n"
    return head.encode() + body


def run(port: int, requests: Sequence[bytes], seconds: float, connections: int = CONNECTIONS) -> Round:
    """Sends `requests` over some connections, and stops asking after `seconds`."""
    return asyncio.run(_run(port, requests, seconds, connections))


def ask(port: int, request: bytes) -> bytes:
    """The body of one answer; ConnectionError where it is not a good one."""
    return asyncio.run(_ask(port, request))


async def _run(port: int, requests: Sequence[bytes], seconds: float, count: int) -> Round:
    waiting = iter(requests)
    connections = [await _connected(port) for _ in range(min(count, len(requests)))]
    cpu, began = time.process_time(), time.perf_counter()
    await asyncio.gather(*(one.drive(waiting, began + seconds) for one in connections))
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    latencies = [latency for one in connections for latency in one.latencies]
    for one in connections:
        one.close()
    return Round(took, latencies, sum(one.failures for one in connections), cpu)


async def _ask(port: int, request: bytes) -> bytes:
    connection = await _connected(port)
    await connection.drive(iter([request]), float("inf"))
    connection.close()
    if connection.failures:
        raise ConnectionError(connection.received.decode(errors="replace"))
    return connection.received.partition(_END_OF_HEADERS)[2]


async def _connected(port: int) -> "_Connection":
    _, connection = await asyncio.get_running_loop().create_connection(_Connection, "127.0.0.1", port)
    return connection


class _Connection(asyncio.Protocol):
    """One connection, which asks for the next request itself when an answer is there."""

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self.failures = 0
        self.received = b""
        self._length = 0
        self._sent = 0.0
        self._until = 0.0
        self._requests: Iterator[bytes] = iter(())
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None

    async def drive(self, requests: Iterator[bytes], until: float) -> None:
        """Sends requests until there are no more or the time (of the performance counter) is up."""
        self._requests, self._until = requests, until
        self._next()
        await self._done

    def close(self) -> None:
        """Closes the connection."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        self.received += data
        if not self._length:
            head, found, _ = self.received.partition(_END_OF_HEADERS)
            if not found:
                return
            self._length = len(head) + len(_END_OF_HEADERS) + content_length(head)
        if len(self.received) >= self._length:
            now = time.perf_counter()
            self.latencies.append(now - self._sent)
            self.failures += not self.received.startswith(_OK)
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio; a connection lost in the middle of an answer ends the run."""
        if not self._done.done():
            self._done.set_exception(exc or ConnectionError("the server closed the connection"))

    def _next(self) -> None:
        self._sent = time.perf_counter()
        request = next(self._requests, None) if self._sent < self._until else None
        if request is None or self._transport is None:
            self._done.set_result(None)
            return
        self.received, self._length = b"", 0
        self._transport.write(request)


def content_length(head: bytes) -> int:
    """How long the body is, as the head of an answer says."""
    lowered = head.lower()
    start = lowered.index(b"content-length:") + len(b"content-length:")
    return int(lowered[start:].partition(b"\r\n")[0])
