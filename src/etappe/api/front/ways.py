"""How what is asked most is answered without Litestar, whether it came as ASGI or straight from the server.

No rule is known here. Who may ask, how much, and what is done is decided by the functions that the routes call.
Whatever is not plain is for Litestar: a key that does not count, a body in pieces, too large, late or unreadable, other
methods and media types. So is what fails, with the error, so that Litestar alone tells errors.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from litestar import Litestar
from litestar.config.cors import CORSConfig

from etappe.api.access import auth
from etappe.api.front import posts
from etappe.api.limits import bounds
from etappe.api.limits.requests import BoundedRequest
from etappe.api.service import Service
from etappe.serving.request import DecideRequest

_JSON: Final = (b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8")
_ODD: Final = frozenset((b"transfer-encoding", b"content-encoding", b"expect", b"upgrade"))
_NO_ROUTE: Any = None  # what the guard of a key is told; it looks at the request alone
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_ENCODER: Final = msgspec.json.Encoder()
Headers = list[tuple[bytes, bytes]]


class Way(msgspec.Struct, frozen=True):
    """How one route is answered: the guard of its key, how its body is read, what is done with it, the status."""

    path: str
    guard: Callable[[auth.Connection, Any], Awaitable[None]]
    read: Callable[[bytes], Any]
    work: Callable[[posts.AnyRequest, Any, Service], Awaitable[bytes]]
    status: int


async def _taken(request: posts.AnyRequest, body: bytes, service: Service) -> bytes:
    return _ENCODER.encode(await posts.taken(request, body, service))


WAYS: Final = (
    Way("/v1/decide", auth.any_key, msgspec.json.Decoder(DecideRequest).decode, posts.decided, 200),
    Way("/v1/events", auth.any_key, bytes, _taken, 202),
)


class Ways:
    """Answers plain requests in the name of `app`.

    `shared` are the headers by which pages may read an answer; None where Litestar alone knows.
    """

    def __init__(self, app: Litestar) -> None:
        self.app = app
        self.shared = _shared(app.cors_config)

    def is_plain(self, headers: Headers, told: dict[bytes, bytes]) -> bool:
        """Whether a POST without a query is one as every client sends it.

        No header comes twice, none changes what the body means. A page's cookie has an answer of its own (CORS), which
        Litestar gives. `told` are the headers by name.
        """
        return (
            len(told) == len(headers)
            and told.get(b"content-type") in _JSON
            and _ODD.isdisjoint(told)
            and (b"origin" not in told or (self.shared is not None and b"cookie" not in told))
        )

    def request(self, scope: Any) -> BoundedRequest:
        """The request as the functions of the routes know it. Its state is its own: Litestar begins anew."""
        known: Any = {**scope, "app": self.app, "litestar_app": self.app, "path_template": scope["path"]}
        known["state"] = dict(scope.get("state") or {})
        return BoundedRequest(known)

    async def is_let_in(self, way: Way, request: BoundedRequest) -> bool:
        """Whether the request's key counts."""
        try:
            await way.guard(request, _NO_ROUTE)
        except Exception:  # noqa: BLE001 - whatever it is, it is found again and told by Litestar
            return False
        return True

    async def answer(self, way: Way, request: BoundedRequest, body: bytes, scope: Any) -> bytes | None:
        """The answer to a body that its route, its key and the process's room allow and that can be read; else None."""
        if len(body) > bounds.of_body(request):
            return None
        room, browser = self.app.state.room, not auth.is_trusted(request)
        if not room.take(len(body), browser=browser):
            return None
        try:
            return await self._worked(way, request, body, scope)
        finally:
            room.give_back(len(body), browser=browser)

    async def _worked(self, way: Way, request: BoundedRequest, body: bytes, scope: Any) -> bytes | None:
        try:
            asked = way.read(body)
        except _UNREADABLE:
            return None
        try:
            return await way.work(request, asked, self.app.state.service)
        except Exception as error:  # noqa: BLE001 - Litestar tells it; doing the same once more would count twice
            scope.setdefault("state", {})[posts.FAILED] = error
            return None


def _shared(cors: CORSConfig | None) -> Headers | None:
    """The headers by which answers are shared with any page, as Litestar makes them; None where it depends on which."""
    if cors is None:
        return []
    if not cors.is_allow_all_origins:
        return None
    told = dict(cors.simple_headers)
    told["access-control-allow-headers"] = ", ".join(sorted(set(cors.allow_headers)))
    told["access-control-allow-methods"] = ", ".join(sorted(set(cors.allow_methods)))
    return [(name.lower().encode(), value.encode()) for name, value in told.items()]
