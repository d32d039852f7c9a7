"""How many connections a serving process holds, and for how long each may do what it does.

Nothing is noted while a request is worked on: a sweep looks at all connections every so often, and one that is still in
the same state for longer than that state may last is dropped.
"""

import ipaddress
from collections import Counter
from collections.abc import Hashable
from enum import Enum, auto
from typing import Final, Protocol

import msgspec

from etappe.settings import Limits

RESERVE: Final = 64
"""Connections beyond `limits.connections`, which health checks are answered on; all else gets 503 there."""
RESERVE_SECONDS: Final = 2.0
"""A connection of the reserve has sent its request within this time."""
LATE_SECONDS: Final = 1.0
"""A body that is late is given up so long after its time: whoever reads it may say so first."""
_PREFIX: Final = 64


class Phase(Enum):
    """What a connection does."""

    SILENT = auto()
    """It has not sent the head of its first request yet."""
    IDLE = auto()
    """It was answered, and may send another request."""
    HEAD = auto()
    """Some of the head of another request has come."""
    BODY = auto()
    """The head has come, the body has not, or not all of it."""
    ANSWER = auto()
    """The request has come; it is worked on, or its answer is not taken yet."""


class Watched(Protocol):
    """A connection, as far as it is watched."""

    address: str

    def state(self) -> tuple[Phase, Hashable]:
        """What it does, and something that is another once it does the same anew or gets on with it."""

    def drop(self) -> None:
        """Ends it at once, without more than a word."""


class _Seen(msgspec.Struct):
    """The state a connection was last seen in, and since when (seconds of the sweep's clock)."""

    state: tuple[Phase, Hashable] | None = None
    since: float = 0.0


class Connections:
    """The connections of one serving process."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._seen: dict[Watched, _Seen] = {}
        self._silent: dict[Watched, None] = {}  # those that count, the oldest first
        self._reserve: dict[Watched, None] = {}
        self._by_address: Counter[str] = Counter()
        self._seconds = {
            Phase.SILENT: limits.header_seconds,
            Phase.IDLE: limits.idle_seconds,
            Phase.HEAD: limits.header_seconds,
            Phase.BODY: limits.body_seconds + LATE_SECONDS,
            Phase.ANSWER: limits.stall_seconds,
        }

    def __len__(self) -> int:
        """How many there are, those of the reserve too."""
        return len(self._seen)

    @property
    def body_seconds(self) -> float:
        """How long a body may take."""
        return self._limits.body_seconds

    @property
    def most(self) -> int:
        """How many there may be at most, those of the reserve too."""
        return self._limits.connections + RESERVE

    def admit(self, connection: Watched) -> bool:
        """Takes a new connection in; False where it is one of the reserve, for health checks alone.

        A silent connection makes room for a new one where all places are taken, the oldest first: who asks at once, as
        any client does, is answered however many others say nothing.
        """
        crowded = self._by_address[connection.address] >= self._limits.connections_per_address
        full = len(self._seen) - len(self._reserve) >= self._limits.connections
        if not crowded and full and self._silent:
            self._drop(next(iter(self._silent)))
            full = False
        self._seen[connection] = _Seen()
        if crowded or full:
            if len(self._reserve) >= RESERVE:
                self._drop(next(iter(self._reserve)))
            self._reserve[connection] = None
            return False
        self._silent[connection] = None
        self._by_address[connection.address] += 1
        return True

    def heard(self, connection: Watched) -> None:
        """Notes that a connection has sent the head of a request: it is a client, and makes room for nobody."""
        self._silent.pop(connection, None)

    def leave(self, connection: Watched) -> None:
        """Forgets a connection that has ended; twice does no harm."""
        if self._seen.pop(connection, None) is None:
            return
        if connection in self._reserve:
            del self._reserve[connection]
            return
        self._silent.pop(connection, None)
        self._by_address[connection.address] -= 1
        if not self._by_address[connection.address]:
            del self._by_address[connection.address]

    def sweep(self, now: float) -> None:
        """Drops the connections that do the same for longer than they may. `now` is in seconds, of any steady clock."""
        overdue = [connection for connection, seen in self._seen.items() if self._is_overdue(connection, seen, now)]
        for connection in overdue:
            self._drop(connection)

    def _is_overdue(self, connection: Watched, seen: _Seen, now: float) -> bool:
        state = connection.state()
        if state != seen.state:
            seen.state, seen.since = state, now
            return False
        phase = state[0]
        if phase is Phase.ANSWER and state[1] is None:
            return False
        seconds = self._seconds[phase]
        if connection in self._reserve and phase is not Phase.ANSWER:
            seconds = min(seconds, RESERVE_SECONDS)
        return now - seen.since >= seconds

    def _drop(self, connection: Watched) -> None:
        self.leave(connection)
        connection.drop()


def address_of(client: tuple[str, int] | None) -> str:
    """What connections of one client are told by: its IPv4 address, or the /64 that an IPv6 host has for itself."""
    if client is None:
        return ""
    address = client[0].partition("%")[0]
    if ":" not in address:
        return address
    found = ipaddress.IPv6Address(address)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((address, _PREFIX), strict=False))
