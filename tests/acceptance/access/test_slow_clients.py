"""Clients that say nothing, send by halves or read nothing cost a bounded time and keep nobody else out."""

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from tests.acceptance.conftest import Template
from tests.acceptance.shop import PATIENCE, Server, accept, decided, logged

from etappe.settings import FILE_NAME

CONNECTIONS = 40
OF_ONE = 24
LIMITS = f"""
[limits]
connections = {CONNECTIONS}
connections_per_address = {OF_ONE}
header_seconds = 4
body_seconds = 1
idle_seconds = 2
stall_seconds = 2
"""


@pytest.fixture(scope="module")
def hasty(copy_of: Callable[[], Path]) -> Iterator[Server]:
    """A server with few connections and little patience."""
    with _serving(copy_of()) as server:
        yield server


@contextlib.contextmanager
def _serving(data: Path, workers: int = 1) -> Iterator[Server]:
    (data / FILE_NAME).write_text(LIMITS)
    with Server(data, workers=workers) as server:
        yield server


@contextlib.contextmanager
def _connected(server: Server, count: int = 1, source: str = "127.0.0.1") -> Iterator[list[socket.socket]]:
    """Connections from an address of this machine."""
    with contextlib.ExitStack() as until:
        yield [
            until.enter_context(
                socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE, source_address=(source, 0))
            )
            for _ in range(count)
        ]


def _rest(connection: socket.socket) -> bytes:
    """All that comes until the server closes, whichever way."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65_536):
            received += piece
    return received


def _head(key: str, path: str, *more: str) -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: x",
        f"Authorization: Bearer {key}",
        "Content-Type: application/json",
        *more,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _status(answer: bytes) -> int:
    assert answer, "the server has closed without an answer"
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"application/problem+json" in head:
        assert json.loads(body)["status"] == int(answer.split()[1])
    return int(answer.split()[1])


def test_silent_connections_end_and_keep_nobody_out(hasty: Server, template: Template) -> None:
    """Silent connections of one address fill its share alone: health is answered, other addresses are, it is later."""
    with _connected(hasty, CONNECTIONS) as silent:
        assert httpx.get(f"{hasty.url}/healthz", trust_env=False).status_code == 200
        assert httpx.get(f"{hasty.url}/readyz", trust_env=False).status_code == 200
        crowded = httpx.get(f"{hasty.url}/v1/popular", trust_env=False)
        assert (crowded.status_code, crowded.headers["retry-after"]) == (503, "1")
        assert "connections" in crowded.json()["detail"]
        transport = httpx.HTTPTransport(local_address="127.0.0.2")
        with hasty.client(template.secret, transport=transport) as elsewhere:
            assert decided(elsewhere)["placements"]
        assert [_rest(connection) for connection in silent] == [b""] * CONNECTIONS
    with hasty.client(template.secret) as client:
        assert decided(client)["placements"]


def test_silent_connections_of_many_addresses_make_room(hasty: Server, template: Template) -> None:
    """With all places taken by silence a client that asks is answered at once: silence makes room for it."""
    with _connected(hasty, OF_ONE - 1, "127.0.0.3"), _connected(hasty, OF_ONE - 1, "127.0.0.4"):
        for _ in range(3):
            with hasty.client(template.secret) as client:
                assert decided(client)["placements"]


@pytest.mark.parametrize("sent", [b"POST /", b"POST /v1/decide HTTP/1.1\r\nhost: x\r\nx-a: "])
def test_half_a_head_is_not_waited_for(hasty: Server, sent: bytes) -> None:
    """A head that does not come in its time is closed on, though its bytes go on dripping."""
    with _connected(hasty) as [connection]:
        connection.sendall(sent)
        until = time.monotonic() + PATIENCE
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < until:
                connection.settimeout(0.1)
                with contextlib.suppress(TimeoutError):
                    assert connection.recv(1) == b""
                    return
                connection.sendall(b"x")
        assert time.monotonic() < until


@pytest.mark.parametrize("path", ["/v1/decide", "/v1/events", "/v1/visitor"])
def test_half_a_body_is_408(hasty: Server, template: Template, path: str) -> None:
    """A body that does not come in its time is answered 408, and the connection closed."""
    for more, piece in (
        ("Content-Length: 100", b"{"),
        ("Transfer-Encoding: chunked", b"5\r\n{"),
        ("Content-Length: 9", b""),
    ):
        with _connected(hasty) as [connection]:
            connection.sendall(_head(template.secret, path, more) + piece)
            answer = _rest(connection)
            assert _status(answer) == 408
            assert b"connection: close" in answer


@pytest.mark.parametrize("path", ["/v1/decide", "/v1/events", "/v1/visitor", "/v1/segment/batch"])
@pytest.mark.parametrize("chunks", [b"ZZ\r\n", b'5\r\n{"a":\r\nnope\r\n', b"-1\r\n", b"5\r\n{}\r\n\r\n0\r\n\r\n"])
def test_malformed_chunks_are_400(hasty: Server, template: Template, path: str, chunks: bytes) -> None:
    """Chunks that are none are the client's fault, on whatever route."""
    with _connected(hasty) as [connection]:
        connection.sendall(_head(template.secret, path, "Transfer-Encoding: chunked") + chunks)
        assert _status(_rest(connection)) == 400


@pytest.mark.parametrize("path", ["/v1/decide", "/v1/events", "/v1/visitor", "/v1/segment/batch"])
def test_a_body_that_is_cut_off_is_400(hasty: Server, template: Template, path: str) -> None:
    """A client that ends in the middle of its body and still listens is told so; the log has no fault of ours."""
    for more, piece in (("Content-Length: 100", b"{"), ("Transfer-Encoding: chunked", b"5\r\n{")):
        with _connected(hasty) as [connection]:
            connection.sendall(_head(template.secret, path, more) + piece)
            connection.shutdown(socket.SHUT_WR)
            assert _status(_rest(connection)) == 400
        with _connected(hasty) as [connection]:
            connection.sendall(_head(template.secret, path, more) + piece)
    with hasty.client(template.secret) as client:
        assert decided(client)["placements"]
    assert "failed" not in hasty.said
    assert "Traceback" not in hasty.said


@pytest.mark.parametrize("more", [b"", b"ZZ\r\n"])
def test_an_early_answer_is_the_only_one(hasty: Server, more: bytes) -> None:
    """A request that is refused before its body has come gets no second answer when that is malformed or late."""
    with _connected(hasty) as [connection]:
        connection.sendall(_head("nobody", "/v1/decide", "Transfer-Encoding: chunked") + b"5\r\n{")
        answer = connection.recv(4096)
        while not answer.endswith(b"}"):  # head and body may come one after the other
            answer += connection.recv(4096)
        assert _status(answer) == 401
        connection.sendall(more)
        assert _rest(connection) == b""


def test_idle_connections_end(hasty: Server) -> None:
    """A connection that was answered is kept for the next request for its time, then closed."""
    ask = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with _connected(hasty) as [connection]:
        for _ in range(2):
            connection.sendall(ask)
            answer = connection.recv(4096)
            while not answer.endswith(b"ok"):
                answer += connection.recv(4096)
        assert _rest(connection) == b""


def test_a_head_has_a_bound(hasty: Server) -> None:
    """A head without end is refused while it comes."""
    with _connected(hasty) as [connection]:
        with contextlib.suppress(ConnectionError):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"x-a: " + b"a" * 1_000_000)
        with contextlib.suppress(ConnectionError):
            assert connection.recv(12) in (b"HTTP/1.1 431", b"")


def test_what_follows_another_protocol_is_no_request(hasty: Server) -> None:
    """After a request that asks for another protocol nothing more is heard: a body is not taken for a next request."""
    inner = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    told = b"Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    with _connected(hasty) as [connection]:
        connection.sendall(b"POST /healthz HTTP/1.1\r\n" + told + b"Content-Length: %d\r\n\r\n" % len(inner) + inner)
        assert _rest(connection).count(b"HTTP/1.1") == 1


def _reading_nothing(server: Server, template: Template) -> socket.socket:
    """A connection whose client has asked for a long answer, and reads nothing of it."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    connection.connect(("127.0.0.1", server.port))
    placements = [{"name": f"p{number}", "limit": 100} for number in range(20)]
    body = json.dumps({"placements": placements, "explain": True}).encode()
    head = _head(template.secret, "/v1/decide", f"Content-Length: {len(body)}")
    connection.sendall((head + body) * 12)
    return connection


def test_a_client_that_does_not_read_is_dropped(hasty: Server, template: Template) -> None:
    """Answers that are not taken in their time are thrown away: the client gets the beginning, not the whole."""
    with _reading_nothing(hasty, template) as connection:
        time.sleep(5)
        connection.settimeout(PATIENCE)
        assert _rest(connection).count(b'{"decision"') < 12


def test_the_end_comes_whatever_clients_do(copy_of: Callable[[], Path], template: Template) -> None:
    """SIGTERM ends all by itself though clients say, send by halves or read nothing; what was answered 202 is logged."""
    data = copy_of()
    with _serving(data, workers=2) as server, server.client(template.secret) as client:
        accept(client, *({"event": "login", "user_id": f"last-{n}", "event_id": f"last-{n}"} for n in range(50)))
        half = _head(template.secret, "/v1/events", "Content-Length: 100") + b"{"
        with _connected(server, 10), _connected(server, 6) as halves, _reading_nothing(server, template):
            for connection in halves[:3]:
                connection.sendall(half)
            for connection in halves[3:]:
                connection.sendall(half[:30])
            began = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - began < 20
        assert "killing" not in server.said
        assert "Traceback" not in server.said
    kept = set(logged(data, "event")["event_id"].to_list())
    assert {f"last-{n}" for n in range(50)} <= kept
