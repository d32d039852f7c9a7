"""Where a server listens and as whom it is spoken to: whatever redis-py understands of a URL."""

import asyncio
from ssl import SSLContext
from typing import Any

import msgspec
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from etappe.errors import StoreError
from etappe.settings import Place
from etappe.store.server.embedded import EmbeddedServer
from etappe.store.wire.port import Command

Factory = Any
"""Makes the asyncio.Protocol of a connection."""


class Address(msgspec.Struct, frozen=True):
    """One server, by `path` of its Unix socket or by host and port; `seconds` is the longest wait for a connection."""

    host: str = "localhost"
    port: int = 6379
    path: str | None = None
    tls: SSLContext | None = None
    database: int = 0
    username: str | None = None
    password: str | None = None
    name: str | None = None
    seconds: float = 5.0

    def __str__(self) -> str:
        """As messages may name it: without the password."""
        return self.path or f"{self.host}:{self.port}"

    def beside(self, host: str, port: int) -> "Address":
        """Another node of the same cluster; one without a host is on the same one."""
        return msgspec.structs.replace(self, host=host or self.host, port=port, path=None)

    def greeting(self) -> list[Command]:
        """What is said first on a new connection."""
        said: list[Command] = []
        if self.password is not None or self.username is not None:
            said.append(("AUTH", *([self.username] if self.username else []), self.password or ""))
        if self.database:
            said.append(("SELECT", self.database))
        if self.name:
            said.append(("CLIENT", "SETNAME", self.name))
        return said

    async def connect(self, factory: Factory) -> Any:
        """The protocol of a new connection.

        Raises:
            OSError: nothing answers there.
        """
        loop = asyncio.get_running_loop()
        if self.path is not None:
            return (await loop.create_unix_connection(factory, self.path))[1]
        return (await loop.create_connection(factory, self.host, self.port, ssl=self.tls))[1]


def address_of(place: Place) -> Address:
    """The server of a place.

    Raises:
        StoreError: ETAPPE_REDIS is no URL of a Redis.
    """
    if place.redis_url is None:
        return Address(path=str(EmbeddedServer(place.data).socket))
    try:
        return _parsed(place.redis_url)
    except (ValueError, TypeError, RedisError, OSError) as error:
        raise StoreError(f"ETAPPE_REDIS is no Redis URL: {error}; use redis://host:6379/0 or unix:///path") from error


def _parsed(url: str) -> Address:
    """redis-py reads the URL, so that one that leads it to a server leads the wire there, too."""
    told: Any = ConnectionPool.from_url(url).make_connection()  # type: ignore[no-untyped-call]
    path = getattr(told, "path", None)
    where = Address(path=path) if path is not None else Address(told.host, int(told.port))
    tls = getattr(told, "ssl_context", None)
    return msgspec.structs.replace(
        where,
        tls=tls.get() if tls is not None else None,
        database=int(told.db or 0),
        username=told.username,
        password=told.password,
        name=told.client_name,
        seconds=float(told.socket_connect_timeout or where.seconds),
    )
