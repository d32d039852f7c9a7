"""What is asked most, answered before Litestar where it came as ASGI: plain requests for decisions, plain batches."""

from typing import Any, Final

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import Receive, Send

from etappe.api.front.ways import WAYS, Headers, Ways

_BY_PATH: Final = {way.path: way for way in WAYS}


class Front:
    """An application that answers what is plain itself, and leaves all else to `app`."""

    def __init__(self, app: Litestar) -> None:
        self._app = app
        self._ways = Ways(app)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answers one request."""
        way = _BY_PATH.get(scope["path"]) if scope["type"] == ScopeType.HTTP else None
        headers = dict(scope["headers"]) if way else {}
        if way is None or not self._is_plain(scope, headers):
            await self._app(scope, receive, send)
            return
        request = self._ways.request(scope)
        if not await self._ways.is_let_in(way, request):
            await self._app(scope, receive, send)
            return
        body, again = await _body(receive)
        plain = body is not None and headers.get(b"content-length") == b"%d" % len(body)
        answer = await self._ways.answer(way, request, body, scope) if body is not None and plain else None
        if answer is None:
            await self._app(scope, again, send)
        else:
            await _send(send, way.status, answer, self._ways.shared if headers.get(b"origin") else None)

    def _is_plain(self, scope: Any, headers: dict[bytes, bytes]) -> bool:
        posted = scope["method"] == "POST" and not scope["query_string"]
        return posted and self._ways.is_plain(scope["headers"], headers)


async def _send(send: Any, status: int, body: bytes, shared: Headers | None) -> None:
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
