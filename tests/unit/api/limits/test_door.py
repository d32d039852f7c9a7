"""What is refused before anything is done for it."""

import asyncio
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from etappe.api.limits.admission import Admission
from etappe.api.limits.door import Door
from etappe.settings import Limits


def _ask(door: Door, method: str, path: str, length: str | None = "100") -> list[Any]:
    """What is sent in answer to a request."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-length", length.encode())] if length is not None else []
    scope: Any = {"type": "http", "method": method, "path": path, "headers": headers}

    async def acting() -> None:
        await door(scope, None, send)  # type: ignore[arg-type]

    asyncio.run(acting())
    return sent


def _door(*, overrun: bool, shared: bool = True) -> Door:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send("went on")

    admission = Admission(Limits())
    for gate in (admission.decisions, admission.events):
        gate.passes = lambda: not overrun  # type: ignore[method-assign]
    state = SimpleNamespace(service=SimpleNamespace(admission=admission))
    inner: Any = SimpleNamespace(state=state, cors_config=object() if shared else None)
    return Door(app, inner)


@pytest.mark.parametrize("path", ["/v1/decide", "/v1/events"])
def test_overrun_is_told_with_when_to_come_back(path: str) -> None:
    """503 as a problem, with Retry-After, and for pages of any address to read."""
    start, body = _ask(_door(overrun=True), "POST", path)
    headers = dict(start["headers"])
    assert start["status"] == 503
    assert headers[b"retry-after"] == b"1"
    assert headers[b"content-type"] == b"application/problem+json"
    assert headers[b"access-control-allow-origin"] == b"*"
    assert headers[b"content-length"] == str(len(body["body"])).encode()
    assert msgspec.json.decode(body["body"])["status"] == 503


def test_without_keys_no_page_may_read_it() -> None:
    """Where answers are shared with no page, this one is not either."""
    start, _ = _ask(_door(overrun=True, shared=False), "POST", "/v1/decide")
    assert b"access-control-allow-origin" not in dict(start["headers"])


@pytest.mark.parametrize(
    ("method", "path", "length"),
    [
        ("GET", "/healthz", None),
        ("GET", "/readyz", None),
        ("GET", "/metrics", None),
        ("OPTIONS", "/v1/decide", None),
        ("PUT", "/v1/items", "100"),
        ("POST", "/v1/events", "65537"),
        ("POST", "/v1/events", "1000000"),
        ("POST", "/v1/events", None),
        ("POST", "/v1/decide", "many"),
    ],
)
def test_all_else_goes_on(method: str, path: str, length: str | None) -> None:
    """Health checks, other routes, and what has a body that has to be read first, are not refused here."""
    assert _ask(_door(overrun=True), method, path, length) == ["went on"]


def test_nothing_is_refused_while_there_is_time() -> None:
    """Without need all goes on."""
    assert _ask(_door(overrun=False), "POST", "/v1/decide", "65536") == ["went on"]
