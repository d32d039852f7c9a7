"""A Redis that has come to its maxmemory."""

from collections.abc import Iterator
from contextlib import contextmanager

from etappe.store.server.connection import SyncRedis

NOTHING = 1
"""No server holds as little as this many bytes, so with it each is full whatever is deleted."""


@contextmanager
def full(client: SyncRedis, most: int = NOTHING) -> Iterator[None]:
    """Inside the block the server may hold `most` bytes."""
    before = client.config_get("maxmemory")["maxmemory"]  # type: ignore[index,call-overload]
    client.config_set("maxmemory", most)
    try:
        yield
    finally:
        client.config_set("maxmemory", before)


def held(client: SyncRedis) -> int:
    """What the server holds just now (bytes)."""
    return int(client.info("memory")["used_memory"])
