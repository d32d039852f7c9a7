"""A connection that answers plain requests itself gives the bytes that one gives that answers none."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from litestar import Litestar
from tests.integration.api.asked import SETTINGS, SIDE, Asked, Keys, asked, steady
from uvicorn import Config
from uvicorn.server import ServerState

from etappe.api.app import create_app
from etappe.api.front import posts
from etappe.api.server.connections import Connections, Phase
from etappe.api.server.direct import DirectProtocol, Heads
from etappe.api.server.process import only_health
from etappe.api.server.protocol import GuardedProtocol
from etappe.errors import StoreUnavailableError
from etappe.settings import Place
from etappe.wiring.app import whole_and_direct

BATCHES = 250
PATIENCE = 30.0
DATE = [(b"date", b"today")]
DECIDE = {"placements": [{"name": "a"}]}


class Sent:
    """A transport that keeps what is written to it, call by call."""

    def __init__(self) -> None:
        self.calls: list[bytes] = []
        self.closing = False
        self._more = asyncio.Event()

    def write(self, data: bytes) -> None:
        """Keeps it."""
        assert not self.closing
        self.calls.append(bytes(data))
        self._more.set()

    def close(self) -> None:
        """Ends."""
        self.closing = True
        self._more.set()

    async def more(self) -> None:
        """Returns when there is more than there was the last time."""
        await self._more.wait()
        self._more.clear()

    abort = close

    def is_closing(self) -> bool:
        """Whether it ends."""
        return self.closing

    def get_write_buffer_size(self) -> int:
        """All is taken at once."""
        return 0

    def get_extra_info(self, name: str) -> Any:
        """Where it comes from."""
        return ("127.0.0.1", 1) if name in ("peername", "sockname") else None

    def pause_reading(self) -> None:
        """Has no effect on what was read."""

    resume_reading = pause_reading


class Side:
    """A server whose connections answer plain requests themselves, or do not, and how often they did."""

    def __init__(self, name: str, app: Litestar, place: Place, *, directly: bool) -> None:
        self.name, self.litestar, self.answered = name, app, 0
        whole, self.direct = whole_and_direct(app, place)
        self.state = ServerState()
        self.state.default_headers = DATE
        connections = Connections(SETTINGS.limits)
        config = Config(whole, lifespan="off", ws="none", log_config=None, access_log=False)
        made: Any = partial(GuardedProtocol, connections, only_health(whole))
        if directly:
            made = partial(DirectProtocol, self, Heads(), connections, only_health(whole))
        self._made = partial(made, config=config, server_state=self.state, app_state={})

    def takes(self, *told: Any) -> Any:
        """See `Direct`."""
        return self.direct.takes(*told)

    def refused(self, *told: Any) -> Any:
        """See `Direct`."""
        return self.direct.refused(*told)

    async def answer(self, *told: Any) -> Any:
        """See `Direct`; counted."""
        self.answered += 1
        return await self.direct.answer(*told)

    def connected(self) -> tuple[GuardedProtocol, Sent]:
        """A connection, and what it sends."""
        sent, protocol = Sent(), self._made()
        protocol.connection_made(sent)
        return protocol, sent

    async def tell(self, chunks: list[bytes], count: int, *, hasty: bool = True) -> tuple[list[Any], bool]:
        """The answers to what comes in chunks, and whether the connection ends behind them."""
        protocol, sent = self.connected()
        for chunk in chunks:
            if sent.closing:
                break
            protocol.data_received(chunk.replace(SIDE.encode(), self.name.ljust(len(SIDE), "-").encode()))
            if not hasty:
                await asyncio.sleep(0.002)
        async with asyncio.timeout(PATIENCE):
            while not sent.closing and len(self._answers(sent)) < count:
                await sent.more()
            await asyncio.gather(*self.state.tasks, return_exceptions=True)
        told = self._answers(sent), sent.closing
        protocol.connection_lost(None)
        return told

    def _answers(self, sent: Sent) -> list[Any]:
        return answers(b"".join(sent.calls).replace(self.name.ljust(len(SIDE), "-").encode(), SIDE.encode()))


def answers(received: bytes) -> list[Any]:
    """The answers in what a client has received, each as its head but for the length, and its body."""
    told = []
    while received:
        head, found, received = received.partition(b"\r\n\r\n")
        assert found
        lines = head.split(b"\r\n")
        length = next((int(line.split()[1]) for line in lines if line.startswith(b"content-length")), 0)
        body, received = received[:length], received[length:]
        told.append(([line for line in lines if not line.startswith(b"content-length")], steady(body.decode())))
    return told


@asynccontextmanager
async def _sides(place: Place) -> AsyncIterator[tuple[Side, Side]]:
    first, second = create_app(place, SETTINGS), create_app(place, SETTINGS)
    async with first.lifespan():
        second.state.service = first.state.service
        yield Side("around", first, place, directly=False), Side("direct", second, place, directly=True)


def _run(place: Place, story: Callable[[tuple[Side, Side]], Awaitable[None]]) -> None:
    async def told() -> None:
        async with _sides(place) as sides:
            await story(sides)

    asyncio.run(told())


def _bytes(request: Asked) -> bytes:
    target = request.path + ("?" + request.query.decode() if request.query else "")
    lines = [f"{request.method} {target} HTTP/1.1".encode(), *(b"%b: %b" % header for header in request.headers)]
    body = b"".join(request.pieces)
    if any(name == b"transfer-encoding" for name, _ in request.headers):
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in request.pieces if piece) + b"0\r\n\r\n"
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _is_whole(request: Asked) -> bool:
    """Whether it ends where it says that it ends, and its answer has a body to be told by."""
    told = [value for name, value in request.headers if name == b"content-length"]
    return not request.goes and request.method != "HEAD" and told in ([], [b"%d" % len(b"".join(request.pieces))])


def _chunks(draw: random.Random, data: bytes) -> list[bytes]:
    if draw.random() < 0.5:
        return [data]
    cuts = sorted({0, len(data), *(draw.randrange(1, len(data)) for _ in range(draw.randrange(1, 4)))})
    return [data[begin:end] for begin, end in pairwise(cuts)]


def _plain(keys: Keys, body: Any, *more: str, path: str = "/v1/decide") -> bytes:
    encoded = json.dumps(body).encode()
    lines = ("host: localhost", "content-type: application/json", f"content-length: {len(encoded)}", *more)
    head = "\r\n".join([f"POST {path} HTTP/1.1", f"authorization: Bearer {keys.secret}", *lines])
    return head.encode() + b"\r\n\r\n" + encoded


@pytest.mark.parametrize("auth", [True, False])
def test_both_answer_alike(place: Place, keys: Keys, auth: bool) -> None:
    """Requests of all kinds, one or several behind each other, in whatever pieces: the same answers in their order."""
    seed = 40 + auth
    draw = random.Random(seed)

    async def story(sides: tuple[Side, Side]) -> None:
        for number in range(BATCHES):
            requests = [one for one in (asked(draw, keys) for _ in range(draw.choice((1, 1, 2, 3)))) if _is_whole(one)]
            if not requests:
                continue
            chunks, hasty = _chunks(draw, b"".join(map(_bytes, requests))), draw.random() < 0.5
            told = [await side.tell(chunks, len(requests), hasty=hasty) for side in sides]
            assert told[0] == told[1], f"seed {seed}, batch {number}: {chunks}"
        assert sides[0].answered == 0
        assert sides[1].answered > BATCHES / 4
        for side in sides:
            room = side.litestar.state.room
            assert (room.held, room.held_of_browsers, len(side.state.tasks)) == (0, 0, 0)

    _run(Place(place.data, place.redis_url, auth=auth), story)


def test_what_is_plain_is_one_write_and_no_application(place: Place, keys: Keys) -> None:
    """Decisions and events that come whole reach no application and are written in one call; halves go around."""

    async def story(sides: tuple[Side, Side]) -> None:
        side = sides[1]
        batch = {"events": [{"event": "login", "anonymous_id": "x"}]}
        for request in (
            _plain(keys, DECIDE),
            _plain(keys, DECIDE, "Origin: https://a"),
            _plain(keys, batch, path="/v1/events"),
        ):
            protocol, sent = side.connected()
            for count in range(1, 3):
                protocol.data_received(request)
                await asyncio.gather(*side.state.tasks)
                assert (len(sent.calls), side.answered) == (count, side.answered)
                assert protocol.state()[0] is Phase.IDLE
        assert side.answered == 6
        await side.tell([_plain(keys, DECIDE)[:-5], _plain(keys, DECIDE)[-5:]], 1)
        assert side.answered == 6

    _run(place, story)


def test_what_fails_is_done_once_and_told_alike(place: Place, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the work fails it is not done again, and the answer is that of the way around."""
    calls = 0

    async def failing(*_: Any, **__: Any) -> Any:
        nonlocal calls
        calls += 1
        raise StoreUnavailableError("Redis does not answer; try again")

    monkeypatch.setattr(posts.flow, "answer", failing)

    async def story(sides: tuple[Side, Side]) -> None:
        told = [await side.tell([_plain(keys, DECIDE)], 1) for side in sides]
        assert told[0] == told[1]
        assert b"503" in told[0][0][0][0][0]
        assert (calls, sides[1].answered) == (2, 1)

    _run(place, story)


def test_the_door_is_shut_alike(place: Place, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """What there is no time for is refused before its key is looked at."""

    async def story(sides: tuple[Side, Side]) -> None:
        monkeypatch.setattr(sides[0].litestar.state.service.admission.decisions, "passes", lambda: False)
        request = _plain(Keys("nobody", "", "", b""), DECIDE)
        told = [await side.tell([request], 1) for side in sides]
        assert told[0] == told[1]
        assert b"503" in told[0][0][0][0][0]

    _run(place, story)


async def _begun(
    side: Side, request: bytes, monkeypatch: pytest.MonkeyPatch, *, fails: bool = False
) -> tuple[Any, Sent, asyncio.Event]:
    """A connection whose request is worked on until an event is set."""
    going, end = asyncio.Event(), asyncio.Event()

    async def slow(*_: Any, **__: Any) -> bytes:
        going.set()
        await end.wait()
        if fails:
            raise StoreUnavailableError("Redis does not answer; try again")
        return b"{}"

    monkeypatch.setattr(posts.flow, "answer", slow)
    protocol, sent = side.connected()
    protocol.data_received(request)
    await going.wait()
    assert protocol.state()[0] is Phase.ANSWER
    return protocol, sent, end


def test_who_has_gone_is_written_nothing(place: Place, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that goes while its request is worked on gets nothing, and leaves nothing behind."""

    async def story(sides: tuple[Side, Side]) -> None:
        for side in sides:
            protocol, sent, end = await _begun(side, _plain(keys, DECIDE), monkeypatch)
            protocol.connection_lost(None)
            end.set()
            await asyncio.gather(*side.state.tasks)
            assert (sent.calls, len(side.state.connections), side.litestar.state.room.held) == ([], 0, 0)

    _run(place, story)


@pytest.mark.parametrize("fails", [False, True])
def test_the_end_of_the_process_waits_for_the_answer(
    place: Place, keys: Keys, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """A request that is worked on when the process ends is answered, and the connection closed behind it."""

    async def story(sides: tuple[Side, Side]) -> None:
        told = []
        for side in sides:
            protocol, sent, end = await _begun(side, _plain(keys, DECIDE), monkeypatch, fails=fails)
            protocol.shutdown()
            assert not sent.closing
            end.set()
            await asyncio.gather(*side.state.tasks)
            assert sent.closing
            told.append(answers(b"".join(sent.calls)))
        assert told[0] == told[1]
        assert b"connection: close" in told[0][0][0]

    _run(place, story)


def test_what_is_given_up_is_500(place: Place, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that is cancelled, as when the process has waited long enough, is told so."""

    async def story(sides: tuple[Side, Side]) -> None:
        told = []
        for side in sides:
            _, sent, _ = await _begun(side, _plain(keys, DECIDE), monkeypatch)
            for task in list(side.state.tasks):
                task.cancel()
            await asyncio.gather(*side.state.tasks, return_exceptions=True)
            assert sent.closing
            told.append(answers(b"".join(sent.calls)))
        assert told[0] == told[1]
        assert b"500" in told[0][0][0][0]

    _run(place, story)


def test_what_comes_behind_waits(place: Place, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that comes while another is worked on is answered after it, whichever way each goes."""

    async def story(sides: tuple[Side, Side]) -> None:
        for side in sides:
            protocol, sent, end = await _begun(side, _plain(keys, DECIDE), monkeypatch)
            protocol.data_received(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
            await asyncio.sleep(0.01)
            assert sent.calls == []
            end.set()
            async with asyncio.timeout(PATIENCE):
                while len(sent.calls) < 2:
                    await sent.more()
            assert [body for _, body in answers(b"".join(sent.calls))] == [{}, "ok"]

    _run(place, story)
