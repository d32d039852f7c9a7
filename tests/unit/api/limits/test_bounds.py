"""Bodies are read as far as their route, their key and the process's room allow, and room is given back."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from litestar import Litestar, post
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler

from etappe.api import problems
from etappe.api.app import create_app
from etappe.api.limits import bounds
from etappe.api.limits.bounds import BODIES, ByKey, Room, giving_back
from etappe.api.limits.requests import BoundedRequest
from etappe.settings import Limits, Place, Settings

PATH = "/v1/decide"
LIMITS = BODIES[PATH]


async def _key(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    connection.state["key"] = SimpleNamespace(kind=connection.headers.get("x-kind", "secret"))


@post("/forgotten", status_code=200, guards=[_key])
async def _forgotten(request: BoundedRequest) -> int:
    return len(await request.body())


@post(PATH, status_code=200, guards=[_key])
async def _read(request: BoundedRequest) -> int:
    count = len(await request.body())
    assert request.app.state.room.held == count
    if request.headers.get("x-fail"):
        raise ZeroDivisionError
    return count


@pytest.fixture
def app() -> Litestar:
    """An application that counts the bytes of bodies."""
    return Litestar(
        [_read, _forgotten],
        exception_handlers=problems.HANDLERS,
        request_class=BoundedRequest,
        request_max_body_size=None,
        middleware=[giving_back],
        openapi_config=None,
        state=State({"room": Room(Limits())}),
    )


def _ask(app: Litestar, content: Any, path: str = PATH, **headers: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post(path, content=content, headers=headers)

    return asyncio.run(ask())


async def _pieces(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b" " * 1024


@pytest.mark.parametrize(("kind", "most"), [("secret", LIMITS.secret), ("publishable", LIMITS.publishable)])
def test_a_body_up_to_the_bound_of_its_key(app: Litestar, kind: str, most: int) -> None:
    """The bound itself is taken, one byte more is 413, with its length announced or not."""
    assert _ask(app, b" " * most, **{"x-kind": kind}).json() == most
    for content in (b" " * (most + 1), _pieces(most // 1024 + 1)):
        answer = _ask(app, content, **{"x-kind": kind})
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
        assert f"{most:,} bytes" in answer.json()["detail"]
    assert app.state.room.held == 0


@pytest.mark.parametrize(("announced", "read_of_it"), [(300_000, 2), (bounds.THROWN_AWAY_BYTES + 1, 0)])
def test_an_announced_length_is_refused(app: Litestar, announced: int, read_of_it: int) -> None:
    """A body that says it is too large takes no room: it is thrown away as it comes, and beyond all reason not read."""
    read: list[int] = []

    async def pieces() -> AsyncIterator[bytes]:
        for size in (100_000, 200_000):
            read.append(app.state.room.held)
            yield b" " * size

    assert _ask(app, pieces(), **{"content-length": str(announced)}).status_code == 413
    assert read == [0] * read_of_it


def test_a_route_that_the_table_lacks_takes_no_body(app: Litestar) -> None:
    """A new route has no body until its bound is stated."""
    assert _ask(app, b"x", "/forgotten").status_code == 413
    assert _ask(app, b"", "/forgotten").json() == 0


def test_room_is_given_back_whatever_happens(app: Litestar) -> None:
    """After an answer and after a fault nothing is held."""
    assert _ask(app, b" " * 1000).status_code == 200
    assert _ask(app, b" " * 1000, **{"x-fail": "1"}).status_code == 500
    assert (app.state.room.held, app.state.room.held_of_browsers) == (0, 0)


def test_no_room_is_503_with_retry_after(app: Litestar) -> None:
    """While other bodies fill the process's room, one more is refused and may come again; then there is room."""
    held = Limits().bodies_mb * 1_000_000 - 500
    assert app.state.room.take(held, browser=False)
    answer = _ask(app, b" " * 1000)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert app.state.room.held == held
    app.state.room.give_back(held, browser=False)
    assert _ask(app, b" " * 1000).status_code == 200


def test_browsers_leave_room_for_servers() -> None:
    """Publishable keys fill half of the room at most."""
    room = Room(Limits(bodies_mb=32))
    assert room.take(16_000_000, browser=True)
    assert not room.take(1, browser=True)
    assert room.take(16_000_000, browser=False)
    assert not room.take(1, browser=False)
    room.give_back(16_000_000, browser=True)
    assert room.take(1, browser=True)
    assert (room.held, room.held_of_browsers) == (16_000_001, 1)


def test_a_body_that_does_not_come_is_408(app: Litestar) -> None:
    """Whoever announces a body and sends it never holds room for a while only, and has to connect anew."""
    app.state.room = Room(Limits(body_seconds=0.1))

    async def pieces() -> AsyncIterator[bytes]:
        yield b" " * 100
        await asyncio.sleep(60)

    answer = _ask(app, pieces())
    assert (answer.status_code, answer.headers["connection"]) == (408, "close")
    assert app.state.room.held == 0


def test_a_client_that_goes_is_no_fault_of_ours(app: Litestar) -> None:
    """A body that is cut off is 400, and its room is given back."""
    told = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(told)

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {"type": "http", "method": "POST", "path": PATH, "headers": [], "query_string": b"", "state": {}}
    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 400
    assert app.state.room.held == 0


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The description of the API."""
    app = create_app(Place(data=Path(tmp_path_factory.mktemp("data"))), Settings())
    found: dict[str, Any] = app.openapi_schema.to_schema()
    return found


def test_every_route_with_a_body_is_in_the_table(schema: dict[str, Any]) -> None:
    """Each has a bound, and no address is in the table that there is not."""
    described = {
        path for path, item in schema["paths"].items() for told in item.values() if "requestBody" in (told or {})
    }
    assert described == set(BODIES)
    assert all(re.fullmatch(r"/[a-z0-9_/{}]+", path) for path in BODIES)


def test_a_publishable_key_may_send_less() -> None:
    """Nowhere does a publishable key have more than a secret one."""
    assert all(bound.publishable <= bound.secret for bound in (*BODIES.values(), bounds.EVENTS))
    assert ByKey(2, 1).of(ASGIConnection({"type": "http", "state": {}})) == 2  # type: ignore[typeddict-item]
