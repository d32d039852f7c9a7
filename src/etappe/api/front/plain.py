"""What is asked most, answered before Litestar: plain requests for decisions and plain batches of events.

The front knows no rule of its own. Who may ask, how much, and what is done is decided by the functions that the routes
call. Whatever is not plain goes on to Litestar as it came: a key that does not count, a body in pieces, too large, late
or unreadable, other methods and media types. So does what fails, with the error, so that Litestar alone tells errors.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send

from etappe.api.access import auth
from etappe.api.front import posts
from etappe.api.limits import bounds
from etappe.api.limits.requests import BoundedRequest
from etappe.api.service import Service
from etappe.serving.request import DecideRequest

_JSON: Final = (b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8")
_ODD: Final = (b"transfer-encoding", b"content-encoding", b"expect", b"upgrade")
_NO_ROUTE: Any = None  # what the guard of a key is told; it looks at the request alone
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_ENCODER: Final = msgspec.json.Encoder()
_Headers = list[tuple[bytes, bytes]]


class _Way(msgspec.Struct, frozen=True):
    """How one route is answered: the guard of its key, how its body is read, what is done with it, the status."""

    guard: Callable[[auth.Connection, Any], Awaitable[None]]
    read: Callable[[bytes], Any]
    work: Callable[[posts.AnyRequest, Any, Service], Awaitable[bytes]]
    status: int


async def _taken(request: posts.AnyRequest, body: bytes, service: Service) -> bytes:
    return _ENCODER.encode(await posts.taken(request, body, service))


_WAYS: Final = {
    "/v1/decide": _Way(auth.any_key, msgspec.json.Decoder(DecideRequest).decode, posts.decided, 200),
    "/v1/events": _Way(auth.any_key, bytes, _taken, 202),
}


class Front:
    """An application that answers what is plain itself, and leaves all else to `app`."""

    def __init__(self, app: Litestar) -> None:
        self._app = app
        self._shared = _shared(app.cors_config)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answers one request."""
        way = _WAYS.get(scope["path"]) if scope["type"] == ScopeType.HTTP else None
        headers = dict(scope["headers"]) if way else {}
        if way is None or not self._is_plain(scope, headers):
            await self._app(scope, receive, send)
            return
        request = self._request(scope)
        try:
            await way.guard(request, _NO_ROUTE)
        except Exception:  # noqa: BLE001 - whatever it is, it is found again and told by Litestar
            await self._app(scope, receive, send)
            return
        body, again = await _body(receive)
        plain = body is not None and headers.get(b"content-length") == b"%d" % len(body)
        answer = await self._answer(way, request, body, scope) if body is not None and plain else None
        if answer is None:
            await self._app(scope, again, send)
        else:
            await _send(send, way.status, answer, self._shared if headers.get(b"origin") else None)

    def _request(self, scope: Scope) -> BoundedRequest:
        """The request as the functions of the routes know it. Its state is its own: Litestar begins anew."""
        known: Any = {**scope, "app": self._app, "litestar_app": self._app, "path_template": scope["path"]}
        known["state"] = dict(scope.get("state") or {})
        return BoundedRequest(known)

    async def _answer(self, way: _Way, request: BoundedRequest, body: bytes, scope: Scope) -> bytes | None:
        """The answer to a body that its route, its key and the process's room allow and that can be read; else None."""
        if len(body) > bounds.of_body(request):
            return None
        room, browser = self._app.state.room, not auth.is_trusted(request)
        if not room.take(len(body), browser=browser):
            return None
        try:
            return await self._worked(way, request, body, scope)
        finally:
            room.give_back(len(body), browser=browser)

    async def _worked(self, way: _Way, request: BoundedRequest, body: bytes, scope: Scope) -> bytes | None:
        try:
            asked = way.read(body)
        except _UNREADABLE:
            return None
        try:
            return await way.work(request, asked, self._app.state.service)
        except Exception as error:  # noqa: BLE001 - Litestar tells it; doing the same once more would count twice
            scope.setdefault("state", {})[posts.FAILED] = error
            return None

    def _is_plain(self, scope: Any, headers: dict[bytes, bytes]) -> bool:
        """Whether a request is one as every client sends it: no header twice, nothing that changes what the body means.

        A page's cookie has an answer of its own (CORS), which Litestar gives.
        """
        return (
            scope["method"] == "POST"
            and not scope["query_string"]
            and len(headers) == len(scope["headers"])
            and headers.get(b"content-type") in _JSON
            and not any(name in headers for name in _ODD)
            and (b"origin" not in headers or (self._shared is not None and b"cookie" not in headers))
        )


async def _send(send: Any, status: int, body: bytes, shared: _Headers | None) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *(shared or [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _body(receive: Any) -> tuple[bytes | None, Receive]:
    """The body, where it comes whole, else None; and what lets another read it from the beginning.

    That it comes in its time the server sees to, which ends what is late.
    """
    first = await receive()
    waiting = [first]

    async def again() -> Any:
        return waiting.pop() if waiting else await receive()

    whole = first["type"] == "http.request" and not first.get("more_body", False)
    return (first.get("body", b"") if whole else None), again


def _shared(cors: CORSConfig | None) -> _Headers | None:
    """The headers by which answers are shared with any page, as Litestar makes them; None where it depends on which."""
    if cors is None:
        return []
    if not cors.is_allow_all_origins:
        return None
    told = dict(cors.simple_headers)
    told["access-control-allow-headers"] = ", ".join(sorted(set(cors.allow_headers)))
    told["access-control-allow-methods"] = ", ".join(sorted(set(cors.allow_methods)))
    return [(name.lower().encode(), value.encode()) for name, value in told.items()]
