"""Ids in paths: any characters, and none where an id was forgotten."""

import asyncio
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from etappe.api.routes.paths import clean_id_of, id_of, keeping_slashes, path_of

IDS = st.text(min_size=1, max_size=20)


@given(IDS, st.sampled_from(["GET", "DELETE"]))
@example("a/b", "GET")
@example("\x1f", "DELETE")
@example("\x1f1", "DELETE")
@example("//\x1f0%2F", "DELETE")
def test_any_id_comes_back(text: str, method: str) -> None:
    """Whatever an id is made of: sent percent-encoded it is one part of the path, and means that id."""
    found = path_of(f"/v1/customers/{quote(text, safe='')}/export".encode(), method)
    version, customers, part, rest = found.removeprefix("/").split("/")
    assert (version, customers, rest) == ("v1", "customers", "export")
    assert text == id_of(part)


@pytest.mark.parametrize(
    ("part", "told"), [(" 602 ", "602"), ("17850.0", "17850"), ("cafe\u0301", "café"), ("null", "null")]
)
def test_ids_are_those_of_events(part: str, told: str) -> None:
    """An id in a path is read as events are: trimmed, composed, a whole number without its point."""
    assert clean_id_of(part) == told


@given(IDS, IDS)
def test_two_ids_stay_two(one: str, other: str) -> None:
    """No two ids are the same part of a path."""
    parts = [path_of(f"/{quote(text, safe='')}".encode(), "GET") for text in (one, other)]
    assert (one == other) is (parts[0] == parts[1])


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
@pytest.mark.parametrize("path", [b"/v1/customers//identities", b"//v1/customers/x", b"/v1//customers/x", b"/v1/%ff"])
def test_path_with_a_hole_is_nowhere(path: bytes, method: str) -> None:
    """A path with an empty part, or with bytes that are no text, is one that no route has."""
    assert path_of(path, method) == "/\x1f"


def test_slash_at_the_end() -> None:
    """A slash at the end changes nothing, except that nothing is deleted by such a path."""
    assert path_of(b"/v1/items/x/", "GET") == "/v1/items/x/"
    assert path_of(b"/v1/customers/x/", "DELETE") == "/\x1f"


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        (b"/v1/customers/a%2Fb?x=%2F//", "/v1/customers/a\x1f1b"),
        (b"/v1/customers/a?x=//", "/v1/customers/as given"),
        (b"/v1/customers/%C3%BC", "/v1/customers/ü"),
    ],
)
def test_application_sees_the_path_to_route_by(raw: bytes, seen: str) -> None:
    """The application gets the path with its escapes; the query is not looked at, a plain path is left as it is."""
    assert _path_seen({"type": "http", "method": "GET", "path": "/v1/customers/as given", "raw_path": raw}) == seen


def test_other_scopes_pass() -> None:
    """What is no request goes through untouched."""
    assert _path_seen({"type": "lifespan"}) is None


def _path_seen(scope: Any) -> str | None:
    seen: list[str | None] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope.get("path"))

    wrapped: Any = keeping_slashes(app)
    asyncio.run(wrapped(scope, None, None))
    return seen[0]
