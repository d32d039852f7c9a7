"""The door: what would be refused anyway is refused before anything is done for it, so that refusing costs little."""

from functools import lru_cache
from typing import Any, Final, NamedTuple

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from etappe.api import problems
from etappe.api.limits.admission import Admission, Gate

_MEDIA_TYPE: Final = problems.MEDIA_TYPE.encode()
_SMALL_BYTES: Final = b"65536"
"""Longest body (bytes, as a header has it) that is left unread: servers throw so much away, and a client that still
sends more would see its connection broken instead of an answer."""


class Refusal(NamedTuple):
    """What whoever is refused is told: problem details, and headers beside those of all answers."""

    status: int
    body: bytes
    headers: list[tuple[bytes, bytes]]


class Door:
    """An application that refuses what there is no time for, and leaves all else to `app`, behind which is `inner`."""

    def __init__(self, app: ASGIApp, inner: Litestar) -> None:
        self._app = app
        self._inner = inner
        self._shared = [(b"access-control-allow-origin", b"*")] if inner.cors_config else []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        gate = self._gate(scope) if scope["type"] == ScopeType.HTTP else None
        if gate is not None and _is_small(scope) and not gate.passes():
            await self._refuse(gate, send)
        else:
            await self._app(scope, receive, send)

    def passes(self, path: str, size: int) -> bool:
        """Whether a POST to `path` with a body of so many bytes is let through. It is on its way to its gate then."""
        gate = self._gate_of(path)
        return gate is None or size > int(_SMALL_BYTES) or gate.passes()

    def refusal(self, path: str) -> Refusal:
        """What a POST to `path` that was not let through is told."""
        gate = self._gate_of(path)
        if gate is None:
            raise ValueError(f"{path} has no gate, so that nothing of it is refused")
        return self._refusal(gate)

    def _gate(self, scope: Any) -> Gate | None:
        return self._gate_of(scope["path"]) if scope["method"] == "POST" else None

    def _gate_of(self, path: str) -> Gate | None:
        admission: Admission = self._inner.state.service.admission
        if path == "/v1/decide":
            return admission.decisions
        return admission.events if path == "/v1/events" else None

    async def _refuse(self, gate: Gate, send: Any) -> None:
        told = self._refusal(gate)
        headers = [(b"content-type", _MEDIA_TYPE), (b"content-length", b"%d" % len(told.body)), *told.headers]
        await send({"type": "http.response.start", "status": told.status, "headers": headers})
        await send({"type": "http.response.body", "body": told.body, "more_body": False})

    def _refusal(self, gate: Gate) -> Refusal:
        error = gate.refusal()
        headers = [(name.encode(), value.encode()) for name, value in (error.headers or {}).items()]
        return Refusal(error.status_code, _body_of(error.status_code, error.detail), [*headers, *self._shared])


@lru_cache(maxsize=16)
def _body_of(status: int, detail: str) -> bytes:
    body: bytes = problems.response(status, detail).content
    return body


def _is_small(scope: Any) -> bool:
    """Whether the body has a length, and one that may be left unread."""
    length = dict(scope["headers"]).get(b"content-length", b"")
    return (len(length), length) <= (len(_SMALL_BYTES), _SMALL_BYTES) and length.isdigit()
