"""From which pages requests may come, with keys and without."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar.types import Receive, Scope, Send

from etappe.api.access.origins import of_this_machine, shared_with_pages
from etappe.api.app import create_app
from etappe.api.routes import handlers
from etappe.settings import Place, Settings

Headers = list[tuple[str, str]]


async def _ok(scope: Scope, receive: Receive, send: Send) -> None:
    told = b"page" if any(name == b"origin" for name, _ in scope["headers"]) else b"none"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": told, "more_body": False})


def _ask(app: Any, headers: Headers, path: str = "/", method: str = "GET") -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            return await client.request(method, path, headers=headers)

    return asyncio.run(ask())


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000", "localhost", "LocalHost:80", "[::1]", "[::1]:8000"])
@pytest.mark.parametrize(
    "more",
    [
        [],
        [("origin", "http://127.0.0.1:3000")],
        [("origin", "https://localhost")],
        [("origin", "http://[::1]:5173"), ("sec-fetch-site", "same-site")],
        [("sec-fetch-site", "none")],
    ],
)
def test_this_machine_is_answered(host: str, more: Headers) -> None:
    """A request to a loopback name, from one of its pages or from none, is answered."""
    assert _ask(of_this_machine(_ok), [("host", host), *more]).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        [("host", "shop.example")],
        [("host", "shop.example:8000")],
        [("host", "127.0.0.1.shop.example")],
        [("host", "localhost.shop.example")],
        [("host", "localhost@shop.example")],
        [("host", "localhost:8000:1")],
        [("host", "0.0.0.0")],
        [("host", "10.0.0.1")],
        [("host", "2130706433")],
        [("host", "")],
        [("host", "127.0.0.1\x0b")],
        [("host", "localhost"), ("host", "shop.example")],
        [("host", "localhost"), ("origin", "http://shop.example")],
        [("host", "localhost"), ("origin", "http://localhost.shop.example")],
        [("host", "localhost"), ("origin", "null")],
        [("host", "localhost"), ("origin", "")],
        [("host", "localhost"), ("origin", "file://")],
        [("host", "localhost"), ("origin", "http://localhost"), ("origin", "http://shop.example")],
        [("host", "localhost"), ("sec-fetch-site", "cross-site")],
        [("host", "localhost"), ("origin", "http://localhost"), ("sec-fetch-site", "cross-site")],
    ],
)
def test_others_are_refused(headers: Headers) -> None:
    """Another page, a page that hides what it is, or a foreign name for this machine: 403 with the remedy."""
    answer = _ask(of_this_machine(_ok), headers)
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 403
    assert "ETAPPE_AUTH=on" in answer.json()["detail"]


def test_no_host_is_refused() -> None:
    """A request that does not say whom it means is refused."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {"type": "http", "headers": []}
    asyncio.run(of_this_machine(_ok)(scope, None, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 403


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/v1/events", "page"),
        ("/v1/decide/", "page"),
        ("/v1/popular", "page"),
        ("/v1/items/x", "page"),
        ("/v1/items/x/related", "page"),
        ("/v1/segment/batch", "page"),
        ("/mp/collect", "page"),
        ("/v1/items", "none"),
        ("/v1/customers/x", "none"),
        ("/v1/customers/x/export", "none"),
        ("/v1/erasures/x", "none"),
        ("/metrics", "none"),
        ("/v1/events/more", "none"),
    ],
)
def test_only_what_browsers_ask_is_shared(path: str, told: str) -> None:
    """Where a publishable key opens nothing, it is not seen from which page a request comes."""
    app = shared_with_pages(_ok, handlers.HANDLERS)
    assert _ask(app, [("origin", "https://shop.example")], path).text == told


def _preflight(app: Any, path: str) -> httpx.Response:
    asked = [("origin", "https://shop.example"), ("access-control-request-method", "PUT")]
    return _ask(app, asked, path, "OPTIONS")


def test_preflights(tmp_path: Path) -> None:
    """A browser is told that any page may ask for decisions, and of no page that may change the catalogue."""
    app = shared_with_pages(create_app(Place(tmp_path), Settings()), handlers.HANDLERS)
    assert _preflight(app, "/v1/decide").headers["access-control-allow-origin"] == "*"
    for path in ("/v1/items", "/v1/customers/x/consent"):
        assert "access-control-allow-origin" not in _preflight(app, path).headers


def test_without_keys_nothing_is_shared(tmp_path: Path) -> None:
    """Where keys are off no page is told that it may ask."""
    app = of_this_machine(create_app(Place(tmp_path, auth=False), Settings()))
    answer = _ask(app, [("origin", "http://localhost:3000")], "/v1/decide", "OPTIONS")
    assert not [name for name in answer.headers if name.startswith("access-control")]
