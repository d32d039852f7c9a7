"""Where Redis does not answer, customers are treated as strangers, and all is well again when it does."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.acceptance.conftest import Template
from tests.acceptance.shop import Body, Server, Waiting, accept, decided, ids_of, items_of, put, valkey_of

BOUND = 5.0
"""Seconds within which every answer has to be there: far above the budget of 0.25, far below patience."""


@pytest.fixture(scope="module")
def own(copy_of: Callable[[], Path]) -> Iterator[Server]:
    """A server of one's own."""
    with Server(copy_of()) as server:
        yield server


@pytest.fixture
def client(own: Server, template: Template) -> Iterator[httpx.Client]:
    """A client that does not wait for ever."""
    with own.client(template.secret) as found:
        found.timeout = httpx.Timeout(BOUND)
        yield found


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _recovered(client: httpx.Client, user: str) -> Body:
    waiting = Waiting()
    while waiting("degraded" in (answer := decided(client, user))):
        pass
    return answer


def test_decisions_are_made_without_redis(own: Server, client: httpx.Client, template: Template) -> None:
    """A Redis that hangs: 200 within bounds, the stranger's list, marked degraded; then as before."""
    user = template.customers[0]
    before, stranger = decided(client, user), decided(client)
    assert "degraded" not in before
    with _stopped(valkey_of(own.data)):
        for turn in range(12):
            answer = decided(client, user)
            assert True is answer["degraded"]
            assert items_of(stranger) == items_of(answer), turn
            assert False is answer["customer"]["known"]
    assert items_of(before) == items_of(_recovered(client, user))


def test_what_was_switched_off_before_stays_off(own: Server, client: httpx.Client, template: Template) -> None:
    """Degraded answers obey the catalogue as it was last known."""
    item = ids_of(decided(client))[0]
    put(client, {"id": item, "available": False})
    with _stopped(valkey_of(own.data)):
        assert item not in ids_of(decided(client, template.customers[0], limit=100))
    _recovered(client, template.customers[0])
    put(client, {"id": item, "available": True})


def test_routes_that_need_redis_say_so(own: Server, client: httpx.Client, template: Template) -> None:
    """What cannot be answered is 503 with problem details and when to come back, within bounds; it lives on."""
    client.timeout = httpx.Timeout(30)
    event = {"event": "login", "user_id": "later", "event_id": "later-1"}
    asks: list[tuple[str, str, Body | None]] = [
        ("POST", "/v1/events", {"events": [event]}),
        ("GET", f"/v1/customers/{template.customers[0]}", None),
        ("PUT", "/v1/items", {"items": [{"id": "later"}]}),
    ]
    with _stopped(valkey_of(own.data)):
        for method, path, body in asks:
            answer = client.request(method, path, json=body)
            assert answer.status_code == 503, (path, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["retry-after"] == "1"
        assert client.get("/healthz").status_code == 200
        waiting = Waiting()
        while waiting(client.get("/readyz").status_code != 503):
            pass
    _recovered(client, template.customers[0])
    waiting = Waiting()
    while waiting(client.get("/readyz").status_code != 200):
        pass
    again = client.post("/v1/events", json={"events": [event]}).json()
    assert again["accepted"] + again["duplicate"] == 1
    assert client.get("/v1/customers/later").json()["events"] == 1


def test_redis_that_died_comes_back(own: Server, client: httpx.Client, template: Template) -> None:
    """The embedded server killed: answers go on, it is started again, and nothing accepted is lost."""
    user = "survivor"
    accept(client, {"event": "view_item", "user_id": user, "item_id": "COF-0001"})
    os.kill(valkey_of(own.data), signal.SIGKILL)
    assert len(ids_of(decided(client, template.customers[0]))) == 10
    assert True is _recovered(client, user)["customer"]["known"]
    assert client.get(f"/v1/customers/{user}").json()["events"] == 1


def test_there_is_never_a_second_server(own: Server, client: httpx.Client, template: Template) -> None:
    """A server that hangs for longer than anyone waits for it is not joined by another on the same files."""
    first = valkey_of(own.data)
    with _stopped(first):
        time.sleep(7)
    _recovered(client, template.customers[0])
    assert first == valkey_of(own.data)
    folder = str(own.data / "valkey")
    servers = [pid for pid in os.listdir("/proc") if pid.isdigit() and _runs_in(pid, folder)]  # noqa: PTH208
    assert [str(first)] == servers


def test_nothing_went_wrong_behind_the_answers(own: Server) -> None:
    """No traceback in what the server wrote through all of this."""
    assert "Traceback" not in own.said


def _runs_in(pid: str, folder: str) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_text()
        return "valkey-server" in command and os.readlink(f"/proc/{pid}/cwd") == folder  # noqa: PTH115
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
