"""Ports that nobody has."""

import socket

import pytest
from tests.integration.store.wire.servers import FreePort


@pytest.fixture
def free_port() -> FreePort:
    """Gives a port of loopback that is free, low enough for a cluster's second one."""

    def found() -> int:
        for port in range(21_000, 29_000, 7):
            with socket.socket() as trial, socket.socket() as bus:
                try:
                    trial.bind(("127.0.0.1", port))
                    bus.bind(("127.0.0.1", port + 10_000))
                except OSError:
                    continue
                if port not in given:
                    given.add(port)
                    return port
        raise AssertionError("no port is free")

    given: set[int] = set()
    return found
