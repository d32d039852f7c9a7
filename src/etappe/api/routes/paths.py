"""Ids in paths: a slash of their own, sent as %2F, stays inside the id, and an id that is missing is no id.

The router leaves out empty parts of a path, so that `/v1/customers//identities`, where an id was forgotten, would speak
of a customer called `identities`. Such paths are nowhere.
"""

import re
from typing import Any, Final
from urllib.parse import unquote

from litestar.types import ASGIApp, Receive, Scope, Send

from etappe.values import ids

_ESCAPE: Final = "\x1f"
"""Begins what stands for a slash, or for this character itself, until the route has been found."""
_ESCAPED: Final = {"/": f"{_ESCAPE}1", _ESCAPE: f"{_ESCAPE}0"}
_MEANT: Final = {escaped: meant for meant, escaped in _ESCAPED.items()}
_NOWHERE: Final = f"/{_ESCAPE}"
"""A path that no route has."""


def id_of(part: str) -> str:
    """What one part of the path names."""
    return re.sub(f"{_ESCAPE}[01]", lambda found: _MEANT[found.group()], part)


def clean_id_of(part: str) -> str:
    """The id that one part of the path names, as events have it. Nobody's stays as it is: nothing is known by it.

    Raises:
        InputError: it has control characters.
    """
    text = id_of(part)
    return ids.cleaned(text) or text


def keeping_slashes(app: ASGIApp) -> ASGIApp:
    """`app`, which sees encoded slashes as part of what they stand in, and paths with a hole as nowhere."""

    async def kept(scope: Scope, receive: Receive, send: Send) -> None:
        method: Any = scope.get("method")
        whole: Any = scope.get("raw_path") or b""
        raw = whole.partition(b"?")[0]
        if method is not None and (b"%" in raw or b"//" in raw or raw.endswith(b"/")):
            scope["path"] = path_of(raw, method)
        await app(scope, receive, send)

    return kept


def path_of(raw: bytes, method: str) -> str:
    """The path to look for a route with; what is not UTF-8, or has a hole, is nowhere.

    A slash at the end is a hole only where something would be deleted: what was to follow it may be missing.
    """
    parts = raw.split(b"/")[1:]
    if not all(parts[:-1]) or (method == "DELETE" and not parts[-1]):
        return _NOWHERE
    try:
        return "".join("/" + _part(part) for part in parts)
    except UnicodeDecodeError:
        return _NOWHERE


def _part(part: bytes) -> str:
    text = unquote(part.decode(), errors="strict")
    return re.sub(f"[/{_ESCAPE}]", lambda found: _ESCAPED[found.group()], text)
