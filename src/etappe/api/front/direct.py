"""What is asked most, answered straight from the server where it came whole: without a task for ASGI or its messages.

What it does it does in the order of the applications that it goes past: door, addresses and pages, front.
"""

from typing import Any, Final

from litestar import Litestar
from litestar.types import ASGIApp

from etappe.api.access.origins import is_from_here
from etappe.api.front.ways import WAYS, Headers, Way, Ways
from etappe.api.limits.door import Door
from etappe.api.problems import MEDIA_TYPE
from etappe.api.server.direct import Answered, Instead
from etappe.settings import Place

_PROBLEM: Final = MEDIA_TYPE.encode()
_BY_URL: Final = {way.path.encode(): way for way in WAYS}


class Direct:
    """Answers what is plain and what the door does not let through, and leaves the rest to `behind`, past the door."""

    def __init__(self, app: Litestar, place: Place, door: Door, behind: ASGIApp) -> None:
        self._ways = Ways(app)
        self._only_here = not place.auth
        self._door = door
        self._behind = behind
        self._shared = b"".join(b"%b: %b\r\n" % one for one in self._ways.shared or [])

    def takes(self, url: bytes, headers: Headers) -> Way | None:
        """How a POST to `url` is answered here, as far as its head tells; None where it is not."""
        way = _BY_URL.get(url)
        if way is None or not self._ways.is_plain(headers, dict(headers)):
            return None
        return None if self._only_here and not is_from_here(headers) else way

    def refused(self, way: Way, body: bytes) -> Answered | None:
        """What a request is told that the door does not let through; None where it does."""
        if self._door.passes(way.path, len(body)):
            return None
        told = self._door.refusal(way.path)
        return Answered(told.status, told.body, b"".join(b"%b: %b\r\n" % line for line in told.headers), _PROBLEM)

    async def answer(self, way: Way, scope: Any, body: bytes) -> Answered | Instead:
        """The answer to a request that has come whole, or who gives it instead."""
        told = dict(scope["headers"])
        request = self._ways.request(scope)
        if told.get(b"content-length") == b"%d" % len(body) and await self._ways.is_let_in(way, request):
            answer = await self._ways.answer(way, request, body, scope)
            if answer is not None:
                return Answered(way.status, answer, self._shared if told.get(b"origin") else b"")
        return Instead(self._behind)
