"""Three replicas on one Redis, each with a data folder of its own: a change is answered when all that live have it."""

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import redis
from tests.acceptance.shop import Server, decided, etappe, ids_of, put
from tests.conftest import start_redis

from etappe.store import keys
from etappe.store.config import journal

ITEMS = 30
TURNS = 40
LEASE = 3.0
SETTINGS = f"[store]\nlease_seconds = {LEASE}\nbudget_ms = 20000\n"
"""A short lease, and a budget that a busy machine does not exceed: a degraded answer may be old."""


@dataclass(frozen=True)
class Replicas:
    """Three servers, a client with a secret key for each, and their Redis."""

    servers: list[Server]
    clients: list[httpx.Client]
    redis: redis.Redis
    env: dict[str, str]

    def key(self, kind: str) -> str:
        """A new key."""
        return self.command("keys", "create", "--kind", kind).strip()

    def command(self, *arguments: str) -> str:
        """Runs a command on the first one's folder, which has to succeed."""
        ran = etappe(self.servers[0].data, *arguments, env=self.env)
        assert ran.code == 0, ran.err
        return ran.out


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder whose path leaves room for a socket."""
    with tempfile.TemporaryDirectory(prefix="etappe-three-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def replicas(folder: Path) -> Iterator[Replicas]:
    """Three replicas with a small catalogue."""
    process, url = start_redis(folder)
    env = {"ETAPPE_REDIS": url}
    try:
        with ExitStack() as stack:
            servers = [stack.enter_context(_server(folder / f"replica{number}", env)) for number in range(3)]
            ran = etappe(servers[0].data, "keys", "create", "--kind", "secret", env=env)
            assert ran.code == 0, ran.err
            clients = [stack.enter_context(server.client(ran.out.strip())) for server in servers]
            put(clients[0], *({"id": f"i{number}", "title": f"Item {number}"} for number in range(ITEMS)))
            connection = stack.enter_context(redis.Redis.from_url(url))
            yield Replicas(servers, clients, connection, env)
    finally:
        process.terminate()
        process.wait()


def test_out_of_stock_everywhere(replicas: Replicas) -> None:
    """Whichever replica takes the change: when it is answered, the next decision on none of the three shows the item."""
    for turn in range(TURNS):
        item = f"i{turn % ITEMS}"
        put(replicas.clients[turn % 3], {"id": item, "available": False})
        assert _showing(replicas, item) == [False] * 3
        put(replicas.clients[(turn + 1) % 3], {"id": item, "available": True})
        assert _showing(replicas, item) == [True] * 3


def test_paused_replica_reloads_before_it_answers(replicas: Replicas) -> None:
    """A change is answered while a replica sleeps beyond its lease; woken, that one gives not one old answer."""
    for turn in range(3):
        writer, reader = replicas.clients[turn], replicas.clients[(turn + 1) % 3]
        item, asked = f"i{turn}", (turn + 1) % 3
        with _paused(replicas.servers[asked]), ThreadPoolExecutor(8) as pool:
            put(writer, {"id": item, "available": False})
            waiting = [pool.submit(decided, reader, limit=100) for _ in range(6)]
            shown = pool.submit(reader.get, f"/v1/items/{item}")
            time.sleep(0.2)  # they wait at the door of the sleeper
            assert not any(one.done() for one in (*waiting, shown))
            os.kill(replicas.servers[asked].serving()[0], signal.SIGCONT)
            answers = [one.result() for one in waiting]
        assert [answer for answer in answers if item in ids_of(answer)] == []
        assert [answer for answer in answers if answer.get("degraded")] == []
        assert shown.result().json()["available"] is False
        put(writer, {"id": item, "available": True})


def test_short_pause_holds_the_change_up(replicas: Replicas) -> None:
    """A replica that sleeps for less than its lease is waited for: it has the change when the change is answered."""
    with ThreadPoolExecutor(1) as pool:
        with _paused(replicas.servers[2]):
            answered = pool.submit(put, replicas.clients[0], {"id": "i5", "available": False})
            time.sleep(LEASE / 8)
            assert not answered.done()
        answered.result()
    assert "i5" not in ids_of(decided(replicas.clients[2], limit=100))
    put(replicas.clients[0], {"id": "i5", "available": True})


def test_killed_replica_holds_nothing_up(replicas: Replicas, folder: Path) -> None:
    """A replica that was killed is not waited for beyond its lease, and the others have the change."""
    with _server(folder / "killed", replicas.env) as fourth:
        assert replicas.redis.zcard(keys.LEASES) == 4
        fourth.kill()
        put(replicas.clients[0], {"id": "i7", "available": False})
    assert _showing(replicas, "i7") == [False] * 3
    put(replicas.clients[0], {"id": "i7", "available": True})
    assert replicas.redis.zcard(keys.LEASES) == 3


def test_revoked_key_is_refused_everywhere(replicas: Replicas) -> None:
    """A key is taken by all three when its creation is answered, and refused by all three when its revocation is."""
    for _ in range(3):
        key = replicas.key("publishable")
        assert _statuses(replicas, key) == [200] * 3
        replicas.command("keys", "revoke", key[:9])
        assert _statuses(replicas, key) == [401] * 3


def test_key_revoked_during_a_pause(replicas: Replicas) -> None:
    """A replica that slept while a key was revoked refuses it with the first answer it gives."""
    key = replicas.key("publishable")
    with replicas.servers[1].client(key) as client, ThreadPoolExecutor(1) as pool:
        assert client.get("/v1/popular").status_code == 200
        with _paused(replicas.servers[1]):
            replicas.command("keys", "revoke", key[:9])
            answer = pool.submit(client.get, "/v1/popular")
        assert answer.result().status_code == 401


def test_late_replica_is_told(replicas: Replicas) -> None:
    """Where a replica lives on without applying a change, the change is a 503 that says so, and holds all the same."""
    replicas.redis.zadd(keys.LEASES, {"hanging": 1e15})
    replicas.redis.hset(keys.LEASE_POSITIONS, "hanging", "1-1")
    try:
        answer = replicas.clients[0].put("/v1/items", json={"items": [{"id": "i9", "available": False}]})
    finally:
        replicas.redis.zrem(keys.LEASES, "hanging")
        replicas.redis.hdel(keys.LEASE_POSITIONS, "hanging")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert "has not applied the change" in answer.json()["detail"]
    put(replicas.clients[0], {"id": "i9", "available": False})
    assert _showing(replicas, "i9") == [False] * 3
    put(replicas.clients[0], {"id": "i9", "available": True})


@pytest.mark.parametrize("kind", [journal.ITEMS, journal.KEY])
def test_damaged_change_is_left_out(replicas: Replicas, folder: Path, kind: str) -> None:
    """An entry of the journal that cannot be read stops no replica, neither one that runs nor one that starts."""
    replicas.redis.xadd(keys.CONFIG_STREAM, {"k": kind, "p": b'{"of a later": "version"}'})
    put(replicas.clients[1], {"id": "i11", "available": False})
    assert _showing(replicas, "i11") == [False] * 3
    with _server(folder / f"later-{kind}", replicas.env) as later:
        key = replicas.key("publishable")
        with later.client(key) as client:
            assert "i11" not in ids_of(decided(client, limit=100))
    put(replicas.clients[1], {"id": "i11", "available": True})


def _server(data: Path, env: dict[str, str]) -> Server:
    data.mkdir()
    (data / "etappe.toml").write_text(SETTINGS)
    return Server(data, env=env)


@contextmanager
def _paused(server: Server) -> Iterator[None]:
    """Stops the serving process of a server during the block."""
    sleeper = server.serving()[0]
    os.kill(sleeper, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(sleeper, signal.SIGCONT)


def _showing(replicas: Replicas, item: str) -> list[bool]:
    """For each replica whether its next decision, which has room for the whole catalogue, shows the item."""
    return [item in ids_of(decided(client, limit=100)) for client in replicas.clients]


def _statuses(replicas: Replicas, key: str) -> list[int]:
    found: list[int] = []
    for server in replicas.servers:
        with server.client(key) as client:
            found.append(client.get("/v1/popular").status_code)
    return found
