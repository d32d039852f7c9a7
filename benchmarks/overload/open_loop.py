"""A client that sends when it is time and not when it is answered: arrivals by chance at a set rate.

It is a process of its own: python -m benchmarks.overload.open_loop PORT RATE SECONDS SEED, with requests (MessagePack)
on its standard input and what it saw on its standard output. A latency counts from when a request was to be sent, so a
server that falls behind cannot hide it by being sent less.
"""

import asyncio
import random
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from typing import Final, cast

import msgspec

from benchmarks.client import content_length

MOST_CONNECTIONS: Final = 400
MOST_REQUESTS: Final = 60_000
"""Of one run, whatever rate and seconds say."""
ANSWER_SECONDS: Final = 10.0
"""How long answers are waited for when all is sent."""
_END_OF_HEADERS: Final = b"\r\n\r\n"
_DEGRADED: Final = b'"degraded":true'


class Seen(msgspec.Struct):
    """What came of the arrivals of one run; latencies in seconds. `unsent` found every connection taken."""

    seconds: float
    accepted: list[float] = []
    refused: list[float] = []
    degraded: int = 0
    failed: int = 0
    unsent: int = 0
    late: float = 0.0
    """The longest time by which an arrival was sent after its time: how far the client itself was behind."""

    @property
    def offered(self) -> int:
        """How many requests were to be sent."""
        return len(self.accepted) + len(self.refused) + self.failed + self.unsent


def run(port: int, requests: Sequence[bytes], rate: float, seconds: float, seed: int) -> Seen:
    """Sends requests at `rate` a second for some seconds, from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.overload.open_loop", *map(str, (port, rate, seconds, seed))]
    limit = seconds + ANSWER_SECONDS + 30.0
    done = subprocess.run(
        command, input=msgspec.msgpack.encode(requests), stdout=subprocess.PIPE, timeout=limit, check=True
    )
    return msgspec.msgpack.decode(done.stdout, type=Seen)


def main() -> None:
    """Sends what stands on standard input, and tells what was seen."""
    port, rate, seconds, seed = int(sys.argv[1]), *map(float, sys.argv[2:4]), int(sys.argv[4])
    requests = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=list[bytes])
    chance, times, at = random.Random(seed), list[float](), 0.0
    while (at := at + chance.expovariate(rate)) < seconds and len(times) < MOST_REQUESTS:
        times.append(at)
    seen = asyncio.run(_send(port, requests, times, seconds))
    sys.stdout.buffer.write(msgspec.msgpack.encode(seen))


async def _send(port: int, requests: Sequence[bytes], times: Sequence[float], seconds: float) -> Seen:
    seen, free = Seen(seconds), deque["_Connection"]()
    for _ in range(MOST_CONNECTIONS):
        free.append(await _connected(port, seen, free))
    began = time.perf_counter() + 0.05
    for number, at in enumerate(times):
        if (ahead := began + at - time.perf_counter()) > 0:
            await asyncio.sleep(ahead)
        seen.late = max(seen.late, time.perf_counter() - began - at)
        if free:
            free.popleft().send(requests[number % len(requests)], began + at)
        else:
            seen.unsent += 1
        if not number % 20:  # answers are read also where sending is behind
            await asyncio.sleep(0)
    until = time.perf_counter() + ANSWER_SECONDS
    while len(free) < MOST_CONNECTIONS and time.perf_counter() < until:  # noqa: ASYNC110 - no clock is watched here
        await asyncio.sleep(0.01)
    seen.failed += MOST_CONNECTIONS - len(free)
    return seen


async def _connected(port: int, seen: Seen, free: "deque[_Connection]") -> "_Connection":
    loop = asyncio.get_running_loop()
    return (await loop.create_connection(lambda: _Connection(seen, free), "127.0.0.1", port))[1]


class _Connection(asyncio.Protocol):
    """A connection that is free again when its request is answered."""

    def __init__(self, seen: Seen, free: "deque[_Connection]") -> None:
        self._seen = seen
        self._free = free
        self._received = b""
        self._due = 0.0
        self._transport: asyncio.Transport | None = None

    def send(self, request: bytes, due: float) -> None:
        """Sends a request that was due at a time of the performance counter."""
        self._due, self._received = due, b""
        if self._transport is not None:
            self._transport.write(request)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        self._received += data
        head, found, body = self._received.partition(_END_OF_HEADERS)
        if found and len(body) >= content_length(head):
            self._note(head, body)
            self._free.append(self)

    def _note(self, head: bytes, body: bytes) -> None:
        took = time.perf_counter() - self._due
        if head.startswith(b"HTTP/1.1 2"):
            self._seen.accepted.append(took)
            self._seen.degraded += _DEGRADED in body
        elif head.startswith(b"HTTP/1.1 503"):
            self._seen.refused.append(took)
        else:
            self._seen.failed += 1


if __name__ == "__main__":
    main()
