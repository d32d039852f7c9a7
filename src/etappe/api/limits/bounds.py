"""How much one request may bring: the one table by route and key, and the room that a process has for all of them.

Lists and filters have their bounds where their types are; docs/http.md shows all in one table.
"""

from typing import Any, Final

import msgspec
from litestar.connection import ASGIConnection
from litestar.types import ASGIApp, Receive, Scope, Send

from etappe.api.access import auth
from etappe.events import intake
from etappe.events.translation import ga4, segment_messages
from etappe.settings import Limits

_KB: Final = 1024


class ByKey(msgspec.Struct, frozen=True):
    """A bound for requests with a secret key, or with keys switched off, and one for those with a publishable key."""

    secret: int
    publishable: int

    def of(self, connection: ASGIConnection[Any, Any, Any, Any]) -> int:
        """The bound of one request, whose key has been looked at."""
        return self.secret if auth.is_trusted(connection) else self.publishable


EVENTS: Final = ByKey(intake.MAX_EVENTS, 100)
"""Events of one body of `POST /v1/events`."""

PAYLOADS_EVENTS: Final = ByKey(50_000, 5_000)
"""Events that the payloads of one request of another system's client may make: one message may list many products."""

BODIES: Final = {
    "/v1/events": ByKey(intake.MAX_BODY_BYTES, 512 * _KB),
    "/v1/decide": ByKey(256 * _KB, 64 * _KB),
    "/v1/visitor": ByKey(4 * _KB, 4 * _KB),
    "/v1/items": ByKey(intake.MAX_BODY_BYTES, 0),
    "/v1/customers/{customer_id}/consent": ByKey(16 * _KB, 0),
    **{
        f"/v1/segment/{call}": ByKey(segment_messages.MAX_BODY_BYTES, segment_messages.MAX_BODY_BYTES)
        for call in (segment_messages.BATCH, *segment_messages.CALLS)
    },
    "/mp/collect": ByKey(ga4.MAX_BODY_BYTES, ga4.MAX_BODY_BYTES),
    "/debug/mp/collect": ByKey(ga4.MAX_BODY_BYTES, ga4.MAX_BODY_BYTES),
}
"""Bytes of a body by route. Segment's and Google's are those that they state, whoever sends them."""

THROWN_AWAY_BYTES: Final = 32_000_000
THROWN_AWAY_SECONDS: Final = 5.0
"""Of a body that is refused, so much is read before the answer, for so long, and thrown away piece by piece."""
HELD: Final = "body_bytes"
"""Where a request's state has the bytes that it takes."""


def of_body(connection: ASGIConnection[Any, Any, Any, Any]) -> int:
    """How many bytes the body of a request may have; none on a route that the table lacks."""
    bound = BODIES.get(connection.scope["path_template"])
    return bound.of(connection) if bound is not None else 0


class Room:
    """The bytes of bodies that one process holds. Browsers share half of it, so that they never keep out a server."""

    def __init__(self, limits: Limits) -> None:
        self._most = limits.bodies_mb * 1_000_000
        self.seconds = limits.body_seconds
        self.held = 0
        self.held_of_browsers = 0

    def take(self, count: int, *, browser: bool) -> bool:
        """Takes room for `count` bytes; False where there is none."""
        if self.held + count > self._most or (browser and self.held_of_browsers + count > self._most // 2):
            return False
        self.held += count
        self.held_of_browsers += count if browser else 0
        return True

    def give_back(self, count: int, *, browser: bool) -> None:
        """Gives room back, once the request is answered."""
        self.held -= count
        self.held_of_browsers -= count if browser else 0


def giving_back(app: ASGIApp) -> ASGIApp:
    """`app`, which gives the room of a request's body back when it is done with the request."""

    async def done(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        finally:
            if count := scope["state"].get(HELD, 0):
                connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
                connection.app.state.room.give_back(count, browser=not auth.is_trusted(connection))

    return done
