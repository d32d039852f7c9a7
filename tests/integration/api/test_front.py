"""The front answers as Litestar does, whatever is asked, and what it cannot answer it leaves to Litestar as it came."""

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from litestar import Litestar
from tests.integration.api.asked import SETTINGS, SIDE, Asked, Keys, asked, steady

from etappe.api import metrics
from etappe.api.app import create_app
from etappe.api.front import posts
from etappe.api.front.plain import Front
from etappe.errors import StoreUnavailableError
from etappe.settings import Limits, Place, Settings
from etappe.wiring.app import behind_checks

REQUESTS = 800
Sides = tuple["Side", "Side"]


class Told(msgspec.Struct, frozen=True):
    """An answer: status, headers but the date, body but what is another each time."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: Any


class Side:
    """An application, and how often Litestar was asked."""

    def __init__(self, name: str, app: Litestar, place: Place, *, fronted: bool) -> None:
        self.name = name
        self.litestar = app
        self.asked = 0
        self._inner = app.asgi_handler
        app.asgi_handler = self._counted  # type: ignore[method-assign]
        self.app: Any = behind_checks(Front(app) if fronted else app, place)

    async def _counted(self, *arguments: Any) -> None:
        self.asked += 1
        await self._inner(*arguments)

    async def tell(self, request: Asked) -> Told:
        """The answer to a request."""
        name = self.name.encode()
        pieces = [piece.replace(SIDE.encode(), name.ljust(len(SIDE), b"-")) for piece in request.pieces]
        messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
        if request.goes:
            messages[-1] = {"type": "http.disconnect"}
        else:
            messages[-1]["more_body"] = False
        sent: list[Any] = []

        async def receive() -> Any:
            return messages.pop(0) if messages else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(_scope(request), receive, send)
        headers = sorted((key.lower(), value) for key, value in sent[0]["headers"] if key.lower() != b"content-length")
        body = b"".join(message.get("body", b"") for message in sent[1:])
        lengths = [int(value) for key, value in sent[0]["headers"] if key.lower() == b"content-length"]
        assert request.method == "HEAD" or lengths == [len(body)] or sent[0]["status"] == 204
        return Told(sent[0]["status"], headers, steady(body.decode().replace(self.name.ljust(len(SIDE), "-"), SIDE)))


def _scope(request: Asked) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "path": request.path.replace("%64", "d"),
        "raw_path": request.path.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": request.query,
        "headers": [*request.headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }


@asynccontextmanager
async def _sides(place: Place, settings: Settings = SETTINGS) -> AsyncIterator[Sides]:
    """Litestar alone and behind the front, over one service; each with rates and room of its own."""
    first, second = create_app(place, settings), create_app(place, settings)
    async with first.lifespan():
        second.state.service = first.state.service
        yield Side("bare", first, place, fronted=False), Side("front", second, place, fronted=True)


def _run(place: Place, story: Callable[[Sides], Awaitable[None]], settings: Settings = SETTINGS) -> None:
    async def told() -> None:
        async with _sides(place, settings) as sides:
            await story(sides)

    asyncio.run(told())


def _plain(keys: Keys, path: str, body: Any, key: str | None = None, *more: tuple[bytes, bytes]) -> Asked:
    encoded = json.dumps(body).encode()
    headers = [
        (b"host", b"localhost"),
        (b"content-type", b"application/json"),
        (b"authorization", f"Bearer {key or keys.secret}".encode()),
        (b"content-length", b"%d" % len(encoded)),
    ]
    return Asked("POST", path, [*headers, *more], [encoded])


@pytest.mark.parametrize("auth", [True, False])
def test_both_answer_alike(place: Place, keys: Keys, auth: bool) -> None:
    """Status, headers and body are the same for requests of all kinds, and the front answers what is plain itself."""
    seed = 4 + auth
    draw = random.Random(seed)
    requests = [asked(draw, keys) for _ in range(REQUESTS)]

    async def story(sides: Sides) -> None:
        bare, fronted = sides
        statuses = set()
        for number, request in enumerate(requests):
            expected = await bare.tell(request)
            assert expected == await fronted.tell(request), f"seed {seed}, request {number}: {request}"
            statuses.add(expected.status)
        assert bare.asked > fronted.asked * 1.5
        assert {200, 202, 204, 400, 404, 405, 413} <= statuses
        assert ({401} if auth else {403}) <= statuses
        for side in sides:
            room = side.litestar.state.room
            assert (room.held, room.held_of_browsers) == (0, 0)

    _run(Place(place.data, place.redis_url, auth=auth), story)


def test_the_front_answers_what_is_plain(place: Place, keys: Keys) -> None:
    """Plain decisions and events with a key of each kind, from a page or none, do not reach Litestar."""

    async def story(sides: Sides) -> None:
        fronted = sides[1]
        for key in (keys.secret, keys.publishable):
            for more in ((), ((b"origin", b"https://shop.example"),), ((b"cookie", b"a=b"),)):
                for path, body, status in (
                    ("/v1/decide", {"placements": [{"name": "a"}]}, 200),
                    ("/v1/events", {"events": [{"event": "login", "anonymous_id": "x"}]}, 202),
                ):
                    assert (await fronted.tell(_plain(keys, path, body, key, *more))).status == status
        assert fronted.asked == 0

    _run(place, story)


def test_a_visitor_is_slowed_alike(place: Place, keys: Keys) -> None:
    """A visitor's events beyond its rate are 429 on both sides, and no side counts a request twice."""
    settings = msgspec.structs.replace(SETTINGS, limits=Limits(browser_events_per_second=0.5))

    async def story(sides: Sides) -> None:
        for number in range(8):
            events = [{"event": "login", "anonymous_id": f"{SIDE}v", "event_id": f"{SIDE}{number}"}]
            request = _plain(keys, "/v1/events", {"events": events}, keys.publishable)
            told = [await side.tell(request) for side in sides]
            assert [one.status for one in told] == [202 if number < 5 else 429] * 2
        assert sides[1].asked == 3

    _run(place, story, settings)


def test_what_fails_is_told_by_litestar_and_done_once(
    place: Place, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the work fails Litestar tells the very error, and the work is not done once more."""
    calls = 0

    async def failing(*_: Any) -> Any:
        nonlocal calls
        calls += 1
        raise StoreUnavailableError("Redis does not answer; try again")

    monkeypatch.setattr(posts.flow, "answer", lambda *_, **__: failing())
    monkeypatch.setattr(posts, "take_events", lambda *_, **__: failing())

    async def story(sides: Sides) -> None:
        for path, body in (
            ("/v1/decide", {"placements": [{"name": "a"}]}),
            ("/v1/events", {"events": [{"event": "login", "anonymous_id": "x"}]}),
        ):
            bare, fronted = [await side.tell(_plain(keys, path, body)) for side in sides]
            assert bare == fronted
            assert (fronted.status, dict(fronted.headers)[b"retry-after"]) == (503, b"1")
        assert calls == 4

    _run(place, story)


def test_no_room_is_told_alike(place: Place, keys: Keys) -> None:
    """While other bodies fill the room both sides answer 503, and what others hold stays theirs."""

    async def story(sides: Sides) -> None:
        for side in sides:
            room = side.litestar.state.room
            assert room.take(Limits().bodies_mb * 1_000_000, browser=False)
            held = room.held
            told = await side.tell(_plain(keys, "/v1/decide", {"placements": [{"name": "a"}]}))
            assert (told.status, room.held) == (503, held)

    _run(place, story)


def test_a_decision_is_counted_once(place: Place, keys: Keys) -> None:
    """A decision through the front counts once in the metrics, as one through the route does."""

    def counted() -> float:
        found = re.search(rb'etappe_decisions_total\{degraded="false"\} ([0-9.]+)', metrics.exposition(None))
        return float(found[1]) if found else 0.0

    async def story(sides: Sides) -> None:
        for side in sides:
            before = counted()
            await side.tell(_plain(keys, "/v1/decide", {"placements": [{"name": "a"}]}))
            assert counted() == before + 1

    _run(place, story)
