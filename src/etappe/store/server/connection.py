"""Connections to Redis: the one named by ETAPPE_REDIS, else the embedded server of the data folder."""

import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError
from redis.retry import Retry

from etappe.errors import StoreError, StoreUnavailableError
from etappe.settings import Place
from etappe.store import keys, scripts
from etappe.store.server.embedded import EmbeddedServer

SECRET_FILE: Final = "secret"  # noqa: S105 - a file name
SECRET_BYTES: Final = 32
OLDEST: Final = (6, 2)
_MOST_CONNECTIONS: Final = 50
"""Of a serving process, beside the one of its wire: more would not be served sooner."""
_FREE_SECONDS: Final = 5.0
"""The longest wait for a connection that is free."""

AsyncRedis = redis.asyncio.Redis
AsyncConnection = redis.asyncio.connection.AbstractConnection
SyncRedis = redis.Redis
C = TypeVar("C", SyncRedis, AsyncRedis)


@contextmanager
def connect(place: Place) -> Iterator[SyncRedis]:
    """A blocking connection for commands and the worker, with the embedded server started if it is needed.

    Raises:
        StoreUnavailableError: nothing answers there.
        StoreError: what answers is no Redis Etappe can use.
    """
    with server(place):
        client = _client(SyncRedis, place)
        try:
            check(client, place)
            yield client
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise _unavailable(place, error) from error
        finally:
            client.close()


@asynccontextmanager
async def connect_async(
    place: Place, greet: Callable[[AsyncConnection], Awaitable[None]] | None = None
) -> AsyncIterator[AsyncRedis]:
    """A connection pool for the API, where one waits for a connection that is free rather than being refused.

    The embedded server must be running already. `greet` opens each connection.
    """
    client = AsyncRedis.from_pool(_waiting_pool(place, retry=Retry(NoBackoff(), 1), redis_connect_func=greet))
    try:
        yield client
    finally:
        await client.aclose()


def blocking_client(place: Place) -> SyncRedis:
    """A blocking connection for work in a thread. The embedded server must be running already."""
    return _client(SyncRedis, place)


@contextmanager
def server(place: Place) -> Iterator[EmbeddedServer]:
    """Keeps the embedded server up inside the block, unless the place names an external Redis."""
    embedded = EmbeddedServer(place.data)
    if place.redis_url is not None:
        yield embedded
        return
    embedded.open()
    try:
        yield embedded
    finally:
        embedded.close()


def check(client: SyncRedis, place: Place) -> None:
    """Makes sure the server is one Etappe can use. Nothing is written: a full one has to be drained first.

    Raises:
        StoreError: it is too old.
    """
    info: dict[str, Any] = client.info("server")
    version = str(info["redis_version"])
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        raise StoreError(f"{shown(place)} is Redis {version}; Etappe needs 6.2 or newer, or Valkey")


def durability_warning(client: SyncRedis) -> str | None:
    """What to change where the server may lose accepted events; None where it keeps them."""
    settings: dict[str, str] = client.config_get("append*")  # type: ignore[assignment]
    if settings.get("appendonly") != "yes":
        return "Redis keeps no append-only file, so accepted events can be lost: set appendonly yes"
    if settings.get("appendfsync") != "always":
        return "Redis syncs its append-only file only now and then: set appendfsync always to lose nothing"
    return None


def known_to_lose(client: SyncRedis) -> str | None:
    """As `durability_warning`; None also where the server does not tell: managed ones forbid CONFIG GET."""
    with suppress(redis.ResponseError):
        return durability_warning(client)
    return None


def secret(client: SyncRedis, data: Path) -> bytes:
    """The secret that subjects are keyed with: Redis and the data folder keep the same one, made when first asked for.

    Written only where Redis has none, so that a full one can be opened.

    Raises:
        StoreError: the two differ, so the folder belongs to another Redis; or neither has the one that the log needs.
    """
    path = data / SECRET_FILE
    kept = kept_secret(path)
    if not client.exists(keys.SECRET):
        if kept is None and has_log(data):
            raise StoreError(lost_secret(data))
        client.set(keys.SECRET, kept or secrets.token_bytes(SECRET_BYTES), nx=True)
    current: bytes = client.get(keys.SECRET)  # type: ignore[assignment]
    if kept is None:
        _keep_secret(path, current)
    elif kept != current:
        raise StoreError(f"{path} does not match the secret in Redis; the folder and that Redis do not belong together")
    return current


def known_secret(client: SyncRedis, data: Path) -> bytes:
    """The secret of a place that was begun, which is not made anew: a Redis that was emptied must stay known as such.

    Raises:
        StoreError: neither the data folder nor Redis has one.
    """
    kept = kept_secret(data / SECRET_FILE) or client.get(keys.SECRET)
    if kept is None:
        raise StoreError("Redis has no secret: it was emptied; run `etappe rebuild` where the log lies")
    return bytes(kept)  # type: ignore[arg-type]


def refuse_emptied(client: SyncRedis, data: Path) -> None:
    """Makes sure that a Redis that has lost everything is not taken for a new one: it would forget who is whom.

    Raises:
        StoreError: the folder has a secret and a log, and Redis has no secret.
    """
    if (data / SECRET_FILE).exists() and has_log(data) and not client.exists(keys.SECRET):
        raise StoreError(f"Redis is empty, but the log in {data} is not; bring it back with `etappe rebuild`")


def has_log(data: Path) -> bool:
    """Whether anything has come into the log of a data folder, also where its commits are gone."""
    log = data / "log"
    return any((log / "commits").glob("*")) or any(log.glob("*/*/*.parquet"))


def lost_secret(data: Path) -> str:
    """That nobody knows the secret any more, and what to do."""
    return (
        f"{data / SECRET_FILE} is gone, and Redis has none: without it nobody in the log can be told from another;"
        " put the file back, or `etappe restore` a backup with `--replace`"
    )


def run_script(client: SyncRedis, script: scripts.Script, names: list[str], arguments: list[Any]) -> Any:
    """Calls a script, loading it where the server has forgotten it."""
    try:
        return client.evalsha(script.digest, len(names), *names, *arguments)
    except NoScriptError:
        return client.eval(script.text, len(names), *names, *arguments)


def run_scripts(client: SyncRedis, calls: list[tuple[scripts.Script, list[str], list[Any]]]) -> list[Any]:
    """Calls scripts in one round trip, those that the server has forgotten once more."""
    pipe = client.pipeline(transaction=False)
    for script, names, arguments in calls:
        pipe.evalsha(script.digest, len(names), *names, *arguments)
    replies = pipe.execute(raise_on_error=False)
    for place, (call, reply) in enumerate(zip(calls, replies, strict=True)):
        if isinstance(reply, NoScriptError):
            replies[place] = run_script(client, *call)
        elif isinstance(reply, Exception):
            raise reply
    return replies


async def run_script_async(client: AsyncRedis, script: scripts.Script, names: list[str], arguments: list[Any]) -> Any:
    """As `run_script`, without blocking."""
    try:
        return await client.evalsha(script.digest, len(names), *names, *arguments)
    except NoScriptError:
        return await client.eval(script.text, len(names), *names, *arguments)


def kept_secret(path: Path) -> bytes | None:
    """The secret in a file; None where there is no such file.

    Raises:
        StoreError: what it holds is none.
    """
    if not path.exists():
        return None
    try:
        found = bytes.fromhex(path.read_text().strip())
    except ValueError:
        found = b""
    if not found:
        raise StoreError(f"{path} is no secret; move it away, and the one in Redis is kept anew")
    return found


def _keep_secret(path: Path, value: bytes) -> None:
    """Puts the file in place whole, readable by its owner alone: another process may look for it at any time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    with os.fdopen(handle, "w") as file:
        file.write(value.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    Path(partial).replace(path)


def shown(place: Place) -> str:
    """The Redis of a place as messages may name it: without the password."""
    if place.redis_url is None:
        return f"the embedded server in {place.data}"
    scheme, _, rest = place.redis_url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"


def _client(kind: type[C], place: Place, **options: Any) -> C:
    if place.redis_url is None:
        return kind(unix_socket_path=str(EmbeddedServer(place.data).socket), **options)
    try:
        return kind.from_url(place.redis_url, socket_connect_timeout=5, **options)
    except ValueError as error:
        raise _no_url(error) from error


def _waiting_pool(place: Place, **options: Any) -> redis.asyncio.BlockingConnectionPool:
    options = {"max_connections": _MOST_CONNECTIONS, "timeout": _FREE_SECONDS} | options
    if place.redis_url is None:
        path = str(EmbeddedServer(place.data).socket)
        kind = redis.asyncio.UnixDomainSocketConnection
        return redis.asyncio.BlockingConnectionPool(connection_class=kind, path=path, **options)
    try:
        return redis.asyncio.BlockingConnectionPool.from_url(place.redis_url, socket_connect_timeout=5, **options)
    except ValueError as error:
        raise _no_url(error) from error


def _no_url(error: ValueError) -> StoreError:
    return StoreError(f"ETAPPE_REDIS is no Redis URL: {error}; use redis://host:6379/0 or unix:///path")


def _unavailable(place: Place, error: Exception) -> StoreUnavailableError:
    return StoreUnavailableError(f"{shown(place)} does not answer ({error}); is it running, and is the address right?")
