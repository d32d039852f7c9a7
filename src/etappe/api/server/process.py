"""The server of one serving process, from its start to its end."""

import asyncio
import logging
import resource
import signal
import socket
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config, Server

from etappe.api import problems
from etappe.api.problems import Problem
from etappe.api.server.connections import RESERVE, Connections
from etappe.api.server.direct import Answering, DirectProtocol, Heads
from etappe.api.server.protocol import GuardedProtocol
from etappe.settings import Limits

GRACE_SECONDS: Final = 5
"""When the process is asked to end, requests that are worked on have so long to be answered."""
_HEALTH: Final = ("/healthz", "/readyz")
_TICKS: Final = 2
"""Connections are looked at each time uvicorn has counted so many tenths of a second."""
_BACKLOG: Final = 2048
_OTHER_FILES: Final = 256
_CROWDED: Final = Problem(
    HTTPStatus.SERVICE_UNAVAILABLE.phrase,
    HTTPStatus.SERVICE_UNAVAILABLE,
    "too many connections are open, of this address or of all; send this again, on fewer connections",
)


def run(app: ASGIApp, host: str, port: int, limits: Limits, answering: Answering | None = None) -> None:
    """Serves `app` until this process gets SIGTERM or SIGINT and its requests are answered, or their time is up.

    What is plain `answering` answers, where there is one.
    """
    _raise_file_limit(limits.connections + RESERVE + _OTHER_FILES)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # uvicorn raises the signal once more when all is done
    logger = logging.getLogger("uvicorn.error")
    logger.setLevel(logging.ERROR)
    logger.addFilter(_told_otherwise)
    connections = Connections(limits)
    guarded: Any = partial(GuardedProtocol, connections, only_health(app))
    if answering is not None:
        guarded = partial(DirectProtocol, answering, Heads(), connections, only_health(app))
    config = Config(
        app,
        http=guarded,
        loop="uvloop",
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=limits.idle_seconds,  # type: ignore[arg-type]  # goes to `call_later`, which takes any
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    _Server(config, connections).run(sockets=[listener(host, port)])


def only_health(app: ASGIApp) -> ASGIApp:
    """`app`, of which only the health checks are asked; all else is 503."""

    async def crowded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in _HEALTH:
            await app(scope, receive, send)
            return
        body = msgspec.json.encode(_CROWDED)
        headers = [
            (b"content-type", problems.MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"retry-after", b"1"),
        ]
        await send({"type": "http.response.start", "status": _CROWDED.status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return crowded


def listener(host: str, port: int) -> socket.socket:
    """A socket on the port. Linux spreads new connections over the processes that have one each."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listening = socket.socket(family, kind, protocol)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listening.bind(address)
    listening.setblocking(False)
    return listening


class _Server(Server):
    """uvicorn's server, which looks at its connections."""

    def __init__(self, config: Config, connections: Connections) -> None:
        super().__init__(config)
        self._connections = connections

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second."""
        if counter % _TICKS == 0:
            self._connections.sweep(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Called once, at the end. Whoever has not taken its answer in time never will."""
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            if isinstance(connection, GuardedProtocol):
                connection.abort()


def _told_otherwise(record: logging.LogRecord) -> bool:
    """Whether a record of uvicorn's is to be told: a request that is given up at the end is no fault."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def _raise_file_limit(wanted: int) -> None:
    """Each connection is an open file; where the system allows too few, it is what refuses connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
