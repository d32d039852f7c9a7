"""One open connection: what is asked within a loop tick is written at once, replies come in the order of asking.

A reply belongs to whoever asked by nothing but its place in that order. So an ask that was given up keeps its place
until its replies have come, and they are thrown away then: they are never taken for those to another ask.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

import hiredis

from etappe.errors import StoreUnavailableError
from etappe.store.wire.port import Command, Reply
from etappe.store.wire.replies import answered, refusal_of
from etappe.units import MIB

ANSWER_SECONDS: Final = 5.0
"""A reply that takes longer is given up; after so long a silence the connection is, too. redis-py waits as long."""
MOST_COMMANDS: Final = 20_000
MOST_BYTES: Final = 64 * MIB
"""In flight at most, those given up included: a server that stands still must not fill this process."""
_INCOMPLETE: Final = object()
_pack: Final[Any] = hiredis.pack_command  # its types know only commands without arguments
_PROBES: Final = ("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)
"""What keeps an idle connection known to what lies between, in seconds, where the system has these options."""
_CROWDED: Final = "Redis is behind with what it was asked; try again"


class Waiting:
    """An ask on its way: so many replies are still to come."""

    __slots__ = ("expected", "future", "replies", "size", "until")

    def __init__(self, future: "asyncio.Future[list[Reply]]", expected: int, size: int, until: float) -> None:
        self.future = future
        self.expected = expected
        self.size = size
        self.until = until
        self.replies: list[Reply] = []


class Exchange(asyncio.Protocol):
    """The protocol of one connection. Once it is `closed` it is of no use any more."""

    def __init__(self, seconds: float = ANSWER_SECONDS) -> None:
        self._loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._reader = hiredis.Reader(replyError=refusal_of, notEnoughData=_INCOMPLETE)
        self._transport: Any = None
        self._unsent: list[bytes] = []
        self._waiting: deque[Waiting] = deque()
        self._commands = self._bytes = 0
        self._heard = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.closed = False

    async def ask(self, commands: Sequence[Command]) -> list[Reply]:
        """See `Wire`."""
        if not commands:
            return []
        replies = await self._send(commands)
        answered(replies)
        return replies

    def _send(self, commands: Sequence[Command]) -> "asyncio.Future[list[Reply]]":
        if self.closed:
            raise StoreUnavailableError("Redis does not answer: the connection is closed")
        packed = b"".join([_pack(command) for command in commands])
        size, count = len(packed), len(commands)
        if self._commands and (self._commands + count > MOST_COMMANDS or self._bytes + size > MOST_BYTES):
            raise StoreUnavailableError(_CROWDED)
        future: asyncio.Future[list[Reply]] = self._loop.create_future()
        until = self._loop.time() + self._seconds
        self._waiting.append(Waiting(future, count, size, until))
        self._commands += count
        self._bytes += size
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(packed)
        if self._timer is None:
            self._timer = self._loop.call_at(until, self._give_up)
        return future

    def _flush(self) -> None:
        """Writes all that was asked since the last tick: one system call for however many asked."""
        unsent, self._unsent = self._unsent, []
        if not self.closed:
            self._transport.write(b"".join(unsent))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = transport
        told = transport.get_extra_info("socket")
        if told is not None and told.family in (socket.AF_INET, socket.AF_INET6):
            _keep_alive(told)

    def data_received(self, data: bytes) -> None:
        """Called by the loop. What is no protocol of Redis ends the connection: no later reply could be trusted."""
        self._heard = self._loop.time()
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not _INCOMPLETE:
                self._take(reply)
        except (hiredis.HiredisError, IndexError, ValueError):
            self.close()

    def _take(self, reply: Reply) -> None:
        waiting = self._waiting[0]
        waiting.replies.append(reply)
        if len(waiting.replies) < waiting.expected:
            return
        self._waiting.popleft()
        self._commands -= waiting.expected
        self._bytes -= waiting.size
        if not waiting.future.done():
            waiting.future.set_result(waiting.replies)

    def _give_up(self) -> None:
        """Ends the waits that took too long. All wait equally long, so those that end first stand first."""
        now, self._timer = self._loop.time(), None
        for waiting in self._waiting:
            if waiting.until > now:
                self._timer = self._loop.call_at(waiting.until, self._give_up)
                break
            _fail(waiting, f"Redis does not answer within {self._seconds:g} s")
        silent = self._waiting and max(self._heard, self._waiting[0].until - self._seconds) + self._seconds <= now
        if silent:  # a machine that has gone away closes nothing
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop: nobody waits for what cannot come any more."""
        self._end(str(exc) if exc else "it closed the connection")

    def close(self) -> None:
        """Closes the connection at once."""
        self._transport.abort()
        self._end("the connection was given up")

    def _end(self, why: str) -> None:
        if self.closed:
            return
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
        for waiting in self._waiting:
            _fail(waiting, f"Redis does not answer: {why}")
        self._waiting.clear()


def _fail(waiting: Waiting, why: str) -> None:
    if not waiting.future.done():
        waiting.future.set_exception(StoreUnavailableError(why))


def _keep_alive(connected: Any) -> None:
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _PROBES:
        if hasattr(socket, option):
            connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
