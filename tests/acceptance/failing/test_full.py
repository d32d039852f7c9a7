"""A Redis filled to its maxmemory while no worker runs: all goes on that can, and the worker mends it alone."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from tests.acceptance.shop import Body, Server, Waiting, accept, decided, etappe, logged, put, stop_store
from tests.conftest import start_redis

from etappe.store import keys

ROOM = 3 * 1024 * 1024
"""Bytes that the server may hold beyond what it holds when it is configured."""
OVER = 100_000
"""Bytes by which it is then over its bound, so that no buffer that comes or goes makes a difference."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path leaves room for a socket."""
    with tempfile.TemporaryDirectory(prefix="etappe-full-") as name:
        yield Path(name)


@pytest.fixture
def url(folder: Path) -> Iterator[str]:
    """A Redis of one's own."""
    process, found = start_redis(folder)
    yield found
    process.terminate()
    process.wait()


@contextmanager
def _worker(data: Path, url: str) -> Iterator[None]:
    named = {"ETAPPE_DATA": str(data), "ETAPPE_REDIS": url}
    with data.with_name("worker.err").open("ab") as err:
        process = subprocess.Popen([sys.executable, "-m", "etappe", "worker"], env=os.environ | named, stderr=err)
        try:
            yield
        finally:
            process.terminate()
            process.wait()


def _filled(client: httpx.Client) -> tuple[list[str], httpx.Response]:
    """The ids that were answered with 202, and the first answer that was none."""
    taken: list[str] = []
    for number in range(2_000):
        ids = [f"e{number}-{n}" for n in range(20)]
        more = {"event": "view_item", "item_id": "a", "properties": {"text": "x" * 2_000}}
        batch: list[Body] = [more | {"event_id": one, "user_id": f"u{one}"} for one in ids]
        answer = client.post("/v1/events", json={"events": batch})
        if answer.status_code != 202:
            return taken, answer
        taken += ids
    pytest.fail("it was never full")


def _bound(store: redis.Redis, more: int) -> None:
    """Sets what the server may hold: `more` than it does now."""
    told: Any = store.info("memory")
    store.config_set("maxmemory", int(told["used_memory"]) + more)


def _warning(client: httpx.Client) -> str:
    ready = client.get("/readyz")
    assert ready.status_code == 200, ready.text
    return str(ready.json().get("warning", ""))


def _waiting_events(store: redis.Redis) -> int:
    lengths: list[Any] = [store.xlen(name) for name in keys.streams()]
    return sum(lengths)


def _still_decides(client: httpx.Client) -> None:
    """A known customer is decided for, by their record, with a request_id and without."""
    for more in ({}, {"request_id": "r-1"}):
        answer = decided(client, "known", **more)
        assert ("degraded" in answer, answer["customer"]["known"]) == (False, True)


def test_full_redis_is_told_of_and_mended_by_the_worker(folder: Path, url: str) -> None:
    """Events 503 with what to do, decisions undegraded, serving starts anew; a worker drains it, and no event is lost."""
    data, env = folder / "data", {"ETAPPE_REDIS": url}
    key = etappe(data, "keys", "create", "--kind", "secret", env=env).out.strip()
    store = redis.Redis.from_url(url)
    with Server(data, env=env) as server, server.client(key) as client:
        put(client, *({"id": item, "title": item} for item in "abcd"))
        accept(client, {"event": "view_item", "event_id": "first", "user_id": "known", "item_id": "a"})
        store.config_set("maxmemory", int(store.info("memory")["used_memory"]) + ROOM)
        taken, refused = _filled(client)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert "Redis is full" in refused.json()["detail"]
        assert "maxmemory" in refused.json()["detail"]
        _bound(store, -OVER)
        waiting = Waiting()
        while waiting("Redis is full" not in _warning(client)):
            pass
        _still_decides(client)
        refused_item = client.put("/v1/items", json={"items": [{"id": "e"}]})
        assert (refused_item.status_code, "Redis is full" in refused_item.json()["detail"]) == (503, True)
    store.script_flush()
    checked = etappe(data, "check", env=env)
    assert (checked.code, "FAIL memory: Redis is full" in checked.out) == (1, True), checked
    with Server(data, env=env) as server, server.client(key) as client:
        _still_decides(client)
        with _worker(data, url):
            waiting = Waiting()
            while waiting(_waiting_events(store) > 0 or client.get("/readyz").json().get("warning") is not None):
                pass
            accept(client, {"event": "view_item", "event_id": "last", "user_id": "known", "item_id": "b"})
        assert "Traceback" not in server.said
    store.close()
    found = sorted(logged(data, "event")["event_id"])
    assert sorted(["first", "last", *taken]) == sorted(set(found) & {"first", "last", *taken})
    assert len(found) == len(set(found))


def test_embedded_server_has_a_bound(folder: Path) -> None:
    """At `store.memory_mib` events are refused in the same words; the worker, once it goes on, makes room alone."""
    data = folder / "data"
    data.mkdir()
    (data / "etappe.toml").write_text("[store]\nmemory_mib = 6\n")
    key = etappe(data, "keys", "create", "--kind", "secret").out.strip()
    try:
        with Server(data) as server, server.client(key) as client:
            put(client, {"id": "a"})
            worker = server.worker()
            os.kill(worker, signal.SIGSTOP)
            try:
                taken, refused = _filled(client)
                assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
                assert "store.memory_mib" in refused.json()["detail"]
                waiting = Waiting()
                while waiting("of 6.0 MiB" not in _warning(client)):
                    pass
                assert "degraded" not in decided(client, "ue0-0")
            finally:
                os.kill(worker, signal.SIGCONT)
            waiting = Waiting()
            while waiting(client.get("/readyz").json().get("warning") is not None):
                pass
            accept(client, {"event": "view_item", "event_id": "last", "user_id": "u", "item_id": "a"})
        found = logged(data, "event")["event_id"].to_list()
        assert {*taken, "last"} <= set(found)
        assert len(found) == len(set(found))
    finally:
        stop_store(data)
