"""From which pages requests may come: those that a browser makes carry marks that no page can forge.

With keys, pages of any address may ask what a publishable key may ask. Without keys (`ETAPPE_AUTH=off`) anyone who
reaches the server may do all, and a page of any address reaches this machine through its visitor's browser: there only
this machine's own pages are answered, by names that no foreign name server can give to another page (DNS rebinding).
"""

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus
from typing import Final

import msgspec
from litestar.enums import ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from etappe.api import problems
from etappe.api.access import auth
from etappe.api.problems import Problem

_HOST: Final = re.compile(r"(?P<name>[^:\[\]]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.IGNORECASE)
_ORIGIN: Final = re.compile(r"https?://(?P<host>.+)", re.IGNORECASE)
_TELLING: Final = (b"host", b"origin", b"sec-fetch-site")
_OF_BROWSERS: Final = (auth.any_key, auth.basic_key, auth.api_secret)
_REFUSED: Final = (
    "without keys (ETAPPE_AUTH=off) only this machine is answered: ask for http://127.0.0.1 or http://localhost, from a"
    " page of theirs or none; for anything else switch keys on (ETAPPE_AUTH=on, `etappe keys create --kind secret`)"
)


def of_this_machine(app: ASGIApp) -> ASGIApp:
    """`app`, which sees only requests to a loopback name, and from pages of one or from no page: else 403."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and not is_from_here(scope["headers"]):
            await _refuse(send)
        else:
            await app(scope, receive, send)

    return guarded


def shared_with_pages(app: ASGIApp, handlers: Iterable[HTTPRouteHandler]) -> ASGIApp:
    """`app`, which does not see which page a request comes from where no publishable key is taken.

    So it shares no answer with pages there (CORS): a secret key has no place in a browser.
    """
    shared = re.compile(
        "|".join(sorted(_pattern(path) for one in handlers if _for_browsers(one) for path in one.paths))
    )

    async def sharing(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and shared.fullmatch(scope["path"].rstrip("/")) is None:
            scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"origin"]
        await app(scope, receive, send)

    return sharing


def is_from_here(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request with these headers asks for a loopback name, from a page of one or from no page."""
    return _are_of_here(tuple([one for one in headers if one[0].lower() in _TELLING]))


@lru_cache(maxsize=256)
def _are_of_here(headers: tuple[tuple[bytes, bytes], ...]) -> bool:
    hosts, origins, sites = (_all(headers, name) for name in _TELLING)
    return (
        bool(hosts)
        and all(_loopback(host) for host in hosts)
        and all((found := _ORIGIN.fullmatch(origin)) and _loopback(found["host"]) for origin in origins)
        and "cross-site" not in sites
    )


def _all(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> list[str]:
    return [value.decode("latin-1").strip(" \t") for name, value in headers if name.lower() == wanted]


def _loopback(host: str) -> bool:
    found = _HOST.fullmatch(host)
    if found is None:
        return False
    name = found["name"].lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


async def _refuse(send: Send) -> None:
    status = HTTPStatus.FORBIDDEN
    body = msgspec.json.encode(Problem(status.phrase, status, _REFUSED))
    headers = [(b"content-type", problems.MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _for_browsers(handler: HTTPRouteHandler) -> bool:
    return any(guard in _OF_BROWSERS for guard in handler.guards or ())


def _pattern(path: str) -> str:
    """A route's address with any id in its place."""
    return re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(path))
