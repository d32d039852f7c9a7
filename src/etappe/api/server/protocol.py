"""One connection: uvicorn's protocol, watched, and with an answer in words where there is no request to hand on."""

import asyncio
from collections.abc import Hashable
from http import HTTPStatus
from typing import Any, Final

import msgspec
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from etappe.api import problems
from etappe.api.problems import Problem
from etappe.api.server.connections import Connections, Phase, address_of
from etappe.api.server.joining import Joined

HEAD_BYTES: Final = 65_536
"""A request's line and headers, or what else is no body, have so many bytes at most."""
CLOSING_SECONDS: Final = 2.0
"""When the process ends, a request that has come in part has so long for the rest."""
_MALFORMED: Final = "this is no request of HTTP/1.1; send it as RFC 9112 describes"
_CUT: Final = "the request was cut off; send all of it"
_ENDING: Final = "this process ends, and the body has not come; send it again"
_LATE: Final = "the body did not come within {:g} seconds; send it again"
_LONG: Final = f"line and headers of a request may have {HEAD_BYTES:,} bytes; send fewer"


class GuardedProtocol(HttpToolsProtocol):
    """A connection that `Connections` knows of. The answers of `crowded` are all that the reserve gets."""

    def __init__(
        self,
        connections: Connections,
        crowded: Any,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.address = ""
        self._watching = connections
        self._crowded = crowded
        self._admitted = True
        self._silent = True
        self._deaf = False
        self._worked_on: RequestResponseCycle | None = None
        self._requests = 0  # begun so far
        self._waiting_bytes = 0  # come since the last piece of a request that was understood

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Called by the loop."""
        super().connection_made(transport)
        self.address = address_of(self.client)
        self._admitted = self._watching.admit(self)
        if not self._admitted:
            self.app = self._crowded

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        self._watching.leave(self)
        self._disconnect()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        if self._deaf:
            return
        self._waiting_bytes += len(data)
        super().data_received(data)
        if self._waiting_bytes > HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, _LONG)

    def eof_received(self) -> None:
        """Called by the loop: the client sends no more, but may wait for an answer."""
        if not self._deaf and self._phase() in (Phase.HEAD, Phase.BODY):
            self._refuse(HTTPStatus.BAD_REQUEST, _CUT)

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        super().on_headers_complete()
        self.headers = _Unheard()  # what follows the body (trailers) is no header of the request
        self._headed()
        if not self._admitted:
            self.cycle.keep_alive = False

    def on_message_begin(self) -> None:
        """Called by the parser."""
        super().on_message_begin()
        self._requests += 1

    def on_response_complete(self) -> None:
        """Called when a request is answered: the next in line begins. How long none may come the sweep sees to."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())

    def on_body(self, body: bytes) -> None:
        """Called by the parser."""
        self._waiting_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        self._waiting_bytes = 0
        self.cycle.more_body = False  # also of a request that was answered before all of it had come
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Called where bytes are no request."""
        del msg
        self._refuse(HTTPStatus.BAD_REQUEST, _MALFORMED)

    def shutdown(self) -> None:
        """Called when the process ends: what is answered closes, what is worked on is answered, the rest must hurry."""
        super().shutdown()
        if self._phase() is Phase.BODY:
            self.loop.call_later(CLOSING_SECONDS, self._give_up)

    def state(self) -> tuple[Phase, Hashable]:
        """See `Watched`. What is there to be taken of an answer shrinks as the client takes it."""
        if self._silent:  # also with a part of its first head: each byte more gains it no time
            return Phase.SILENT, None
        phase = self._phase()
        unread = 0 if self.transport is None else self.transport.get_write_buffer_size()
        if unread and phase in (Phase.ANSWER, Phase.IDLE):
            return Phase.ANSWER, (self._requests, unread)
        return phase, None if phase is Phase.ANSWER else self._requests

    def drop(self) -> None:
        """See `Watched`. Who is late with a body is told so, if nothing was answered yet."""
        self._end(HTTPStatus.REQUEST_TIMEOUT, _LATE.format(self._watching.body_seconds))

    def abort(self) -> None:
        """Ends it at once, whatever was written and not taken yet."""
        self._deaf = True
        self._disconnect()
        self.transport.abort()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Called for each request, once those before it on the connection are answered."""
        self._worked_on = cycle
        if cycle.scope["method"] == "POST":  # of others, HEAD writes no body behind which the head could wait
            cycle.transport = Joined(cycle)  # type: ignore[assignment]
        super()._start_asgi_task(cycle, app)

    def _headed(self) -> None:
        """Notes that the head of a request has come: this is a client, and makes room for nobody."""
        self._waiting_bytes = 0
        if self._silent:
            self._silent = False
            self._watching.heard(self)

    def _disconnect(self) -> None:
        """Tells whoever works on a request that nobody waits for the answer, and that no more of the body will come."""
        if self._worked_on is not None:
            self._worked_on.disconnected = True
            self._worked_on.message_event.set()

    def _phase(self) -> Phase:
        cycle: Any = self.cycle  # None before the first request
        if cycle is None:
            return Phase.SILENT if self.scope is None else Phase.HEAD
        if cycle.scope is not self.scope:
            return Phase.HEAD
        if cycle.more_body:
            return Phase.BODY
        return Phase.IDLE if cycle.response_complete else Phase.ANSWER

    def _unsupported_upgrade_warning(self) -> None:
        """Called where another protocol is asked for: the request is answered as it is, and no more is read."""
        self._deaf = True
        self.cycle.keep_alive = False

    def _give_up(self) -> None:
        if self._phase() is Phase.BODY:
            self._end(HTTPStatus.SERVICE_UNAVAILABLE, _ENDING)

    def _end(self, status: HTTPStatus, detail: str) -> None:
        """Ends it, with a word where a body is waited for; that word has not long to be taken."""
        if self._phase() is Phase.BODY and not self.transport.is_closing():
            self._refuse(status, detail)
            self.loop.call_later(CLOSING_SECONDS, self.abort)
        else:
            self.abort()

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        """Answers what is no request and closes, but lets the answers before it go out first, whole."""
        self._deaf = True
        cycle: Any = self.cycle
        if cycle is not None and cycle.scope is self.scope and cycle.response_complete and cycle.more_body:
            self.transport.close()  # it was answered before its body had come: that was the answer
            return
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                cycle.keep_alive = False
                return
            if cycle.response_started or self.pipeline:
                self.abort()
                return
            self._disconnect()
        self.transport.write(_answer(status, detail))
        self.transport.close()


class _Unheard(list[tuple[bytes, bytes]]):
    """A list of headers that keeps none."""

    def append(self, header: tuple[bytes, bytes]) -> None:
        """Keeps nothing."""


def _answer(status: HTTPStatus, detail: str) -> bytes:
    body = msgspec.json.encode(Problem(status.phrase, status, detail))
    head = f"content-type: {problems.MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n"
    return f"HTTP/1.1 {status.value} {status.phrase}\r\n{head}\r\n".encode() + body
