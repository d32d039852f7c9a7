"""Servers to test against: the embedded one and a real Redis, each started once and emptied between tests."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from tests import workers

from etappe.events.intake import Accepted, read_event
from etappe.log import Log
from etappe.settings import Place, Settings
from etappe.store.ingesting.ingest import ingest
from etappe.store.server import connection
from etappe.store.server.connection import SyncRedis
from etappe.store.server.embedded import EmbeddedServer
from etappe.store.wire import RedisPy

SECRET: Final = b"a secret of thirty-two bytes ..."
NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
_START_SECONDS: Final = 20.0


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config, specs: list[Any]) -> None:
    """Several processes of tests share the cores; each has compiled kernels of its own, which are the same at first."""
    caches = [config.rootpath / ".pytest_cache" / "numba" / str(number) for number in range(len(specs))]
    workers.with_kernels(caches)
    for cache, spec in zip(caches, specs, strict=True):
        spec.env |= workers.environment(cache)


def start_redis(folder: Path) -> tuple["subprocess.Popen[bytes]", str]:
    """A redis-server of its own in `folder` that syncs every write, and its URL; skips (fails in CI) without one."""
    binary = shutil.which("redis-server")
    if binary is None:
        message = "no redis-server on PATH: the store is not tested against an external Redis"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    socket = folder / "redis.sock"
    options = ["--port", "0", "--unixsocket", str(socket), "--dir", str(folder), "--save", ""]
    durable = ["--appendonly", "yes", "--appendfsync", "always"]
    with (folder / "redis.log").open("ab") as log:
        process = subprocess.Popen([binary, *options, *durable], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    deadline = time.monotonic() + _START_SECONDS
    while not answers(socket):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            pytest.fail(f"redis-server did not start: {(folder / 'redis.log').read_text()[-500:]}")
        time.sleep(0.005)
    return process, f"unix://{socket}"


def answers(socket: Path) -> bool:
    """Whether a server answers on `socket`."""
    client = redis.Redis(unix_socket_path=str(socket), retry=Retry(NoBackoff(), 0))
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
    finally:
        client.close()


@pytest.fixture(scope="session")
def short_folder() -> Iterator[Path]:
    """A folder for servers whose path leaves room for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="etappe-test-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def external_url(short_folder: Path) -> Iterator[str]:
    """The URL of a real Redis for the whole session."""
    folder = short_folder / "redis"
    folder.mkdir()
    process, url = start_redis(folder)
    yield url
    process.terminate()
    process.wait()


@pytest.fixture(scope="session")
def embedded_data(short_folder: Path) -> Iterator[Path]:
    """The data folder of an embedded server for the whole session."""
    data = short_folder / "embedded"
    with connection.server(Place(data)):
        yield data


@pytest.fixture(params=["embedded", "external"])
def backend(request: pytest.FixtureRequest) -> str:
    """Which server: every test that asks for a `place` runs on both."""
    return str(request.param)


@pytest.fixture
def place_on(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Place]:
    """Gives the place on a server of one kind, emptied."""

    def made(backend: str) -> Place:
        if backend == "external":
            found = Place(tmp_path, redis_url=request.getfixturevalue("external_url"))
        else:
            data: Path = request.getfixturevalue("embedded_data")
            for left in data.iterdir():
                if left.name != "valkey":
                    shutil.rmtree(left) if left.is_dir() else left.unlink()
            found = Place(data)
        client = connection.blocking_client(found)
        client.flushall()
        client.close()
        return found

    return made


@pytest.fixture
def place(backend: str, place_on: Callable[[str], Place]) -> Place:
    """A place with an empty store: the embedded server's folder, or a fresh folder beside a real Redis."""
    return place_on(backend)


class OwnServer:
    """A server of one test's own, that may be killed."""

    def __init__(self, backend: str, folder: Path) -> None:
        self._folder = folder
        self._external = backend == "external"
        self._embedded = EmbeddedServer(folder)
        self._process: subprocess.Popen[bytes] | None = None
        url = f"unix://{folder}/redis.sock" if self._external else None
        self.place = Place(folder, redis_url=url)

    def start(self) -> None:
        """Starts it, again where it was killed."""
        if self._external:
            self._process, _ = start_redis(self._folder)
        else:
            self._embedded.open()

    def kill(self) -> None:
        """Kills it with -9, as the system does when memory runs out."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            return
        with connection.connect(self.place) as client:
            pid = int(client.info("server")["process_id"])
            os.kill(pid, signal.SIGKILL)
            while not self._embedded._gone():
                time.sleep(0.001)
        self._embedded.close()

    def stop(self) -> None:
        """Stops it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
        self._embedded.close()


@pytest.fixture
def own_server(backend: str, short_folder: Path) -> Iterator[OwnServer]:
    """A server of this test's own, of either kind."""
    server = OwnServer(backend, Path(tempfile.mkdtemp(dir=short_folder)))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_place(own_server: OwnServer) -> Place:
    """The place of the test's own server."""
    return own_server.place


@pytest.fixture
def kill_and_restart(own_server: OwnServer) -> Callable[[], None]:
    """Kills the test's own server with -9 and starts it again."""

    def again() -> None:
        own_server.kill()
        own_server.start()

    return again


@pytest.fixture
def client(place: Place) -> Iterator[SyncRedis]:
    """A connection to the server of `place`, with the scripts loaded."""
    with connection.connect(place) as found:
        yield found


@pytest.fixture
def log(place: Place) -> Log:
    """The log in the data folder of `place`."""
    found = Log(place.data / "log")
    found.prepare()
    return found


@pytest.fixture
def settings() -> Settings:
    """The default settings."""
    return Settings()


@pytest.fixture
def accept() -> Callable[..., Accepted]:
    """Makes a valid event: by default someone looks at an item."""

    def made(event_id: str, event: str = "view_item", **fields: Any) -> Accepted:
        whole = {"event_id": event_id, "event": event, "user_id": "u", "item_id": "i"} | fields
        given = {name: value for name, value in whole.items() if value is not None}
        return read_event(json.dumps(given).encode(), NOW)

    return made


@pytest.fixture
def take(place: Place, client: SyncRedis, settings: Settings) -> Callable[..., list[bool]]:
    """Ingests events as the API does: True for each new one."""

    def taken(*events: Accepted, settings: Settings = settings) -> list[bool]:
        async def send() -> list[bool]:
            async with connection.connect_async(place) as redis_client:
                return await ingest(RedisPy(redis_client), SECRET, events, settings)

        return asyncio.run(send())

    return taken


@pytest.fixture
def secret() -> bytes:
    """The secret that `take` keys subjects with."""
    return SECRET
