"""Nothing unavailable is shown by any replica once the change was answered."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.acceptance.conftest import Template
from tests.acceptance.shop import Body, Server, decided, ids_of, must, put

FLIPS = 10
MOST = 20_000
"""Requests a hammering thread sends at most."""

Asking = Callable[[httpx.Client], list[str]]


class Hammer:
    """Asks in a thread, and keeps of each answer when it began and ended and what it showed."""

    def __init__(self, client: httpx.Client, ask: Asking) -> None:
        self._client, self._ask = client, ask
        self.seen: list[tuple[float, float, list[str]]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        for _ in range(MOST):
            if self._stop.is_set():
                return
            began = time.monotonic()
            shown = self._ask(self._client)
            self.seen.append((began, time.monotonic(), shown))

    @contextmanager
    def running(self) -> Iterator["Hammer"]:
        """Hammers during the block."""
        self._thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            self._thread.join()


def _flip(writer: httpx.Client, hammer: Hammer, item: str) -> list[tuple[float, float]]:
    """Switches an item off and on again; the times between which no answer may show it."""
    closed: list[tuple[float, float]] = []
    for _ in range(FLIPS):
        put(writer, {"id": item, "available": False})
        off = time.monotonic()
        answered = len(hammer.seen)
        while len(hammer.seen) < answered + 5:
            time.sleep(0.001)
        closed.append((off, time.monotonic()))
        put(writer, {"id": item, "available": True})
    return closed


@pytest.mark.parametrize("kind", ["decide", "stranger", "popular", "related"])
def test_other_replica_never_shows_it(here: httpx.Client, there: httpx.Client, template: Template, kind: str) -> None:
    """No answer of the other server that began after `PUT /v1/items` was answered shows what was switched off."""
    best = decided(there, template.customers[0])
    asks: dict[str, tuple[str, Asking]] = {
        "decide": (ids_of(best)[0], lambda client: ids_of(decided(client, template.customers[0]))),
        "stranger": (ids_of(decided(there))[0], lambda client: ids_of(decided(client))),
        "popular": (_popular(there)[0], _popular),
        "related": (_related(there)[0], _related),
    }
    item, ask = asks[kind]
    with Hammer(there, ask).running() as hammer:
        closed = _flip(here, hammer, item)
    assert any(item in shown for *_, shown in hammer.seen)
    within = [shown for began, ended, shown in hammer.seen if any(off <= began and ended <= on for off, on in closed)]
    assert len(within) >= FLIPS
    assert [shown for shown in within if item in shown] == []
    assert item in ask(there)


def test_sibling_process_never_shows_it(here: httpx.Client, template: Template) -> None:
    """The two processes of one server agree: whoever answers after the PUT knows of it."""
    for user in template.customers[:25]:
        item = ids_of(decided(here, user))[0]
        put(here, {"id": item, "available": False})
        assert [item] * 6 == [item for _ in range(6) if item not in ids_of(decided(here, user, limit=100))]
        put(here, {"id": item, "available": True})


def test_outside_its_window_it_is_gone_everywhere(here: httpx.Client, there: httpx.Client, template: Template) -> None:
    """An item whose availability has ended, or not begun, is on no list: decided, popular, related."""
    user = template.customers[0]
    for change in ({"available_until": "2020-01-01T00:00:00Z"}, {"available_from": "2099-01-01T00:00:00Z"}):
        item = ids_of(decided(there, user))[0]
        put(here, {"id": item, **change})
        assert item not in ids_of(decided(there, user, limit=100))
        assert item not in ids_of(decided(there, limit=100))
        assert item not in _popular(there, 100)
        for other in template.items[:40]:
            assert item not in _ids(there.get(f"/v1/items/{other}/related", params={"limit": 100}).json())
        put(here, {"id": item, "available_until": None, "available_from": None})
        assert item in ids_of(decided(there, user))


def test_new_item_can_be_shown_at_once(here: httpx.Client, there: httpx.Client) -> None:
    """An item no snapshot has heard of is in the next answer that its filter fits."""
    for number in range(5):
        put(here, {"id": f"brand-new-{number}", "title": "New", "category": f"novelties/{number}", "price": 1.0})
        placement = {"name": "p", "filter": {"category": f"novelties/{number}"}}
        assert [f"brand-new-{number}"] == ids_of(decided(there, placements=[placement]))
        put(here, {"id": f"brand-new-{number}", "available": False})
        assert ids_of(decided(there, placements=[placement])) == []


def test_replica_that_slept_catches_up_first(copy_of: Callable[[], Path], template: Template) -> None:
    """A replica that slept through changes shows nothing forbidden and takes no revoked key when it wakes."""
    data = copy_of()
    with (
        Server(data) as awake,
        Server(data) as asleep,
        awake.client(template.secret) as writer,
        asleep.client(template.secret) as reader,
        asleep.client(template.publishable) as revoked,
        ThreadPoolExecutor(2) as pool,
    ):
        item = ids_of(decided(reader))[0]
        assert revoked.get("/v1/popular").status_code == 200
        sleeper = asleep.serving()[0]
        os.kill(sleeper, signal.SIGSTOP)
        try:
            put(writer, {"id": item, "available": False})
            must(data, "keys", "revoke", template.publishable[:9])
            listed = pool.submit(decided, reader, limit=100)
            refused = pool.submit(revoked.get, "/v1/popular")
            time.sleep(0.2)
        finally:
            os.kill(sleeper, signal.SIGCONT)
        assert item not in ids_of(listed.result())
        assert refused.result().status_code == 401


def _popular(client: httpx.Client, limit: int = 10) -> list[str]:
    return _ids(client.get("/v1/popular", params={"limit": limit}).json())


def _related(client: httpx.Client) -> list[str]:
    return _ids(client.get("/v1/items/COF-0001/related").json())


def _ids(answer: Body) -> list[str]:
    return [item["id"] for item in answer["items"]]
