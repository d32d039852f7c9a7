"""A connection that answers plain requests itself: no application, no messages, one write for head and body.

Only what has come whole, head and body in one piece, is answered so. A request of which a part is still to come, or
that stands behind another, goes the way of all, as if it had been on it from the beginning.
"""

import asyncio
from typing import Any, Final, NamedTuple, Protocol

from litestar.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from etappe.api.server.joining import Joined
from etappe.api.server.protocol import GuardedProtocol

_HTTP: Final = "1.1"
_Headers = list[tuple[bytes, bytes]]


class Answered(NamedTuple):
    """An answer: its status, its body (of a media type), and lines of its head beside those of all."""

    status: int
    body: bytes
    more: bytes
    media: bytes = b"application/json"


class Instead(NamedTuple):
    """Who answers instead: an application, which finds the request as it came."""

    app: ASGIApp


class Answering(Protocol):
    """Who answers plain requests. What `takes` says of a request is handed to `answer` again, None where it is not."""

    def takes(self, url: bytes, headers: _Headers) -> Any:
        """Whether a POST is plain, by its head."""

    def refused(self, way: Any, body: bytes) -> Answered | None:
        """The answer to a request for which there is no time, before anything is done for it; None where there is."""

    async def answer(self, way: Any, scope: Any, body: bytes) -> Answered | Instead:
        """Answers it."""
        ...


class _Unwatched:
    """Stands for the event by which whoever reads a body is told of more: there is no more, and nobody reads."""

    def set(self) -> None:
        """Does nothing."""


class Taken:
    """A request that is answered here. A connection looks at it as at one of uvicorn's cycles."""

    __slots__ = ("body", "disconnected", "keep_alive", "response_complete", "scope", "way")
    more_body = False
    response_started = False
    message_event = _Unwatched()

    def __init__(self, way: Any, scope: Any, body: bytes) -> None:
        self.way = way
        self.scope = scope
        self.body = body
        self.keep_alive = True
        self.disconnected = False
        self.response_complete = False


class Heads:
    """The beginnings of answers, up to their length: the same for all of one second."""

    def __init__(self) -> None:
        self._of: _Headers | None = None
        self._heads: dict[tuple[int, bytes], bytes] = {}

    def head(self, status: int, media: bytes, default: _Headers) -> bytes:
        """The beginning of an answer with the headers that all have by `default`."""
        if default is not self._of:
            self._of, self._heads = default, {}
        if (status, media) not in self._heads:
            lines = b"".join(b"%b: %b\r\n" % one for one in default)
            told = b"%b%bcontent-type: %b\r\ncontent-length: "
            self._heads[status, media] = told % (STATUS_LINE[status], lines, media)
        return self._heads[status, media]


class DirectProtocol(GuardedProtocol):
    """A connection whose plain requests `answering` answers."""

    def __init__(self, answering: Answering, heads: Heads, *known: Any, **named: Any) -> None:
        super().__init__(*known, **named)
        self._answering = answering
        self._heads = heads
        self._way: Any = None  # of the request that comes just now, where it is plain so far
        self._body = b""

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        super().data_received(data)
        if self._way is not None:  # the rest comes later, or never
            self._way, body, self._body = None, self._body, b""
            if not self._deaf:
                super().on_headers_complete()
                super().on_body(body)

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        self._way = self._taken_up()
        if self._way is None:
            super().on_headers_complete()
        else:
            self._headed()

    def on_body(self, body: bytes) -> None:
        """Called by the parser."""
        if self._way is None:
            super().on_body(body)
        else:
            self._waiting_bytes = 0
            self._body += body

    def on_message_complete(self) -> None:
        """Called by the parser."""
        if self._way is None:
            super().on_message_complete()
            return
        self._waiting_bytes = 0
        scope: Any = self.scope
        scope |= {"method": "POST", "path": self.url.decode(), "raw_path": self.url, "query_string": b""}
        taken: Any = Taken(self._way, scope, self._body)
        self._way, self._body = None, b""
        self.cycle = self._worked_on = taken
        refused = self._answering.refused(taken.way, taken.body)
        if refused is not None:
            self._write(taken, refused)
            return
        task = self.loop.create_task(self._answer(taken))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def _taken_up(self) -> Any:
        """How the request whose head has come is answered here; None where it is not, or another is worked on."""
        parser, cycle = self.parser, self.cycle
        if parser.get_method() != b"POST" or not self._admitted or (cycle is not None and not cycle.response_complete):
            return None
        if parser.get_http_version() != _HTTP or not parser.should_keep_alive():
            return None
        return self._answering.takes(self.url, self.headers)

    async def _answer(self, taken: Taken) -> None:
        try:
            answered = await self._answering.answer(taken.way, taken.scope, taken.body)
        except asyncio.CancelledError:  # the process ends and waits no longer
            await self._handed_on(taken).send_500_response()
            return
        if isinstance(answered, Instead):
            cycle = self._handed_on(taken)
            cycle.transport = Joined(cycle)  # type: ignore[assignment]
            await cycle.run_asgi(answered.app)  # type: ignore[arg-type]
            return
        if self.flow.write_paused and not taken.disconnected:
            await self.flow.drain()
        if not taken.disconnected:
            self._write(taken, answered)

    def _write(self, taken: Taken, answered: Answered) -> None:
        head = self._heads.head(answered.status, answered.media, self.server_state.default_headers)
        more = answered.more if taken.keep_alive else answered.more + b"connection: close\r\n"
        taken.response_complete = True
        self.transport.write(b"%b%d\r\n%b\r\n%b" % (head, len(answered.body), more, answered.body))
        if not taken.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _handed_on(self, taken: Taken) -> RequestResponseCycle:
        """The request as one of uvicorn's, in its place, with all of its body come."""
        cycle = RequestResponseCycle(
            scope=taken.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=taken.keep_alive,
            on_response=self.on_response_complete,
        )
        cycle.body += taken.body
        cycle.more_body, cycle.disconnected = False, taken.disconnected
        cycle.message_event.set()
        current: Any = self.cycle  # another, where the next request has come meanwhile
        if current is taken:
            self.cycle = cycle
        self._worked_on = cycle
        return cycle
