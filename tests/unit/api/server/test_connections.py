"""Which connections are let in, which of them make room, and which have taken too long."""

from collections.abc import Hashable

import pytest

from etappe.api.server.connections import LATE_SECONDS, RESERVE, RESERVE_SECONDS, Connections, Phase, address_of
from etappe.settings import Limits

LIMITS = Limits(
    connections=16,
    connections_per_address=8,
    header_seconds=10.0,
    body_seconds=20.0,
    idle_seconds=30.0,
    stall_seconds=40.0,
)


class Client:
    """A connection that does what it is told."""

    def __init__(self, address: str = "192.0.2.1", phase: Phase = Phase.SILENT, marker: Hashable = 1) -> None:
        self.address = address
        self.phase = phase
        self.marker = marker
        self.dropped = False

    def state(self) -> tuple[Phase, Hashable]:
        """What it does."""
        return self.phase, self.marker

    def drop(self) -> None:
        """Ends it."""
        self.dropped = True


def _crowd(connections: Connections, count: int) -> list[Client]:
    """So many clients, each of an address of its own, all let in."""
    clients = [Client(f"198.51.100.{number}") for number in range(count)]
    assert all(connections.admit(client) for client in clients)
    return clients


def test_an_address_has_a_part_of_the_room() -> None:
    """One address fills its share and no more; others are let in, and it again once one of its own has left."""
    connections = Connections(LIMITS)
    mine = [Client() for _ in range(9)]
    assert [connections.admit(client) for client in mine] == [True] * 8 + [False]
    assert connections.admit(Client("192.0.2.2"))
    connections.leave(mine[0])
    assert connections.admit(Client())
    assert not any(client.dropped for client in mine)


def test_the_longest_silent_makes_room() -> None:
    """Where all is taken a new connection takes the place of the oldest that has asked nothing, and of no other."""
    connections = Connections(LIMITS)
    clients = _crowd(connections, 16)
    connections.heard(clients[0])
    assert connections.admit(Client())
    assert [client.dropped for client in clients] == [False, True] + [False] * 14
    assert len(connections) == 16


def test_where_none_is_silent_only_the_reserve_is_left() -> None:
    """Clients that ask keep their places; whoever comes then is held in the reserve, which makes room by age."""
    connections = Connections(LIMITS)
    clients = _crowd(connections, 16)
    for client in clients:
        connections.heard(client)
    late = [Client() for _ in range(RESERVE + 1)]
    assert not any(connections.admit(client) for client in late)
    assert [client.dropped for client in late] == [True] + [False] * RESERVE
    assert len(connections) == connections.most
    assert not any(client.dropped for client in clients)


def test_leaving_twice_does_no_harm() -> None:
    """A connection that was dropped ends once more when its socket does: it is counted once."""
    connections = Connections(LIMITS)
    mine = [Client() for _ in range(8)]
    for client in mine:
        connections.admit(client)
    for _ in range(3):
        connections.leave(mine[0])
    assert [connections.admit(Client()) for _ in range(2)] == [True, False]


@pytest.mark.parametrize(
    ("phase", "seconds"),
    [
        (Phase.SILENT, 10.0),
        (Phase.HEAD, 10.0),
        (Phase.BODY, 20.0 + LATE_SECONDS),
        (Phase.IDLE, 30.0),
        (Phase.ANSWER, 40.0),
    ],
)
def test_each_state_has_its_time(phase: Phase, seconds: float) -> None:
    """A connection in one state is dropped when that state's time is up, not before, and is counted no more."""
    connections = Connections(LIMITS)
    client = Client(phase=phase)
    connections.admit(client)
    for now in (100.0, 100.0 + seconds - 0.1):
        connections.sweep(now)
        assert not client.dropped
    connections.sweep(100.0 + seconds)
    assert (client.dropped, len(connections)) == (True, 0)


def test_whoever_gets_on_has_time_anew() -> None:
    """A next request, or an answer that is being taken, begins the time again; so does another state."""
    connections = Connections(LIMITS)
    client = Client(phase=Phase.ANSWER)
    connections.admit(client)
    for step in range(10):
        client.marker = step
        connections.sweep(step * 39.0)
    client.phase = Phase.IDLE
    connections.sweep(9 * 39.0 + 39.0)
    assert not client.dropped


def test_work_of_ours_is_no_fault_of_the_client() -> None:
    """A request that is worked on, of whose answer nothing waits to be taken, is waited for."""
    connections = Connections(LIMITS)
    client = Client(phase=Phase.ANSWER, marker=None)
    connections.admit(client)
    for now in (0.0, 1e6):
        connections.sweep(now)
    assert not client.dropped


def test_the_reserve_has_little_time() -> None:
    """A connection of the reserve that does not ask at once is dropped sooner than one that was let in."""
    connections = Connections(LIMITS)
    let_in = [Client() for _ in range(8)]
    for client in let_in:
        connections.admit(client)
    extra = Client()
    assert not connections.admit(extra)
    for now in (0.0, RESERVE_SECONDS):
        connections.sweep(now)
    assert (extra.dropped, let_in[0].dropped) == (True, False)


def test_what_an_address_is() -> None:
    """IPv4 addresses are told apart whole, also mapped into IPv6; of an IPv6 host all of its /64 is one."""
    assert address_of(("192.0.2.7", 1)) == address_of(("::ffff:192.0.2.7", 2)) == "192.0.2.7"
    assert address_of(("2001:db8::1", 1)) == address_of(("2001:db8::ffff:2", 2))
    assert address_of(("2001:db8::1", 1)) != address_of(("2001:db8:0:1::1", 1))
    assert address_of(("fe80::1%eth0", 1)) == "fe80::/64"
    assert address_of(None) == ""
