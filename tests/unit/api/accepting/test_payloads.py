"""The ways in of other systems: their keys, and packed bodies."""

import asyncio
import base64
import gzip
from types import SimpleNamespace
from typing import Any, cast

import pytest
from litestar.exceptions import NotAuthorizedException

from etappe.api.accepting.payloads import unpacked
from etappe.api.access import auth
from etappe.errors import InputError
from etappe.store.config.api_keys import ApiKey, digest_of

KEY = "pk_publishable"


async def _keep_current() -> bool:
    return True


def _guard(guard: Any, *, authorization: str | None = None, query: dict[str, str] | None = None) -> Any:
    kept = ApiKey("pk_pub", "publishable", digest_of(KEY))
    replica = SimpleNamespace(keys={kept.digest: kept})
    place = SimpleNamespace(auth=True)
    service = SimpleNamespace(place=place, replica=replica, keep_current=_keep_current, refuse=lambda: None)
    headers = [] if authorization is None else [(b"authorization", authorization.encode("latin-1"))]
    app = SimpleNamespace(state=SimpleNamespace(service=service))
    connection = SimpleNamespace(app=app, query_params=query or {}, scope={"headers": headers, "state": {}})
    asyncio.run(guard(cast("Any", connection), cast("Any", None)))
    return connection.scope["state"].get("key")


def _basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "given", [_basic(f"{KEY}:"), _basic(KEY), _basic(f"{KEY}:").lower()[:5] + _basic(f"{KEY}:")[5:], f"Bearer {KEY}"]
)
def test_segments_basic_opens(given: str) -> None:
    """The key is the user name; the scheme's name is read without regard to case, and a Bearer is taken too."""
    assert _guard(auth.basic_key, authorization=given).kind == "publishable"


@pytest.mark.parametrize(
    "given",
    [None, "", "Basic", "Basic %%%", "Basic Ö", _basic(":" + KEY), _basic("nonsense:"), "Basic /w==", f"Basic {KEY}"],
)
def test_what_is_no_basic_is_refused(given: str | None) -> None:
    """What names no valid key opens nothing, and is told the scheme."""
    with pytest.raises(NotAuthorizedException) as raised:
        _guard(auth.basic_key, authorization=given)
    assert raised.value.headers == {"WWW-Authenticate": "Basic"}


def test_api_secret_opens() -> None:
    """The query's api_secret is the key, and nothing else is there."""
    assert _guard(auth.api_secret, query={"api_secret": KEY, "measurement_id": "G-1"}).kind == "publishable"
    for query in ({}, {"api_secret": ""}, {"api_secret": "nonsense"}):
        with pytest.raises(NotAuthorizedException):
            _guard(auth.api_secret, query=query, authorization=f"Bearer {KEY}")


def test_other_routes_take_no_basic() -> None:
    """Basic and api_secret hold on the addresses of other systems only."""
    with pytest.raises(NotAuthorizedException):
        _guard(auth.any_key, authorization=_basic(f"{KEY}:"), query={"api_secret": KEY})


def test_unpacked() -> None:
    """A gzip is unpacked; one that grows beyond the limit is so only as far as shows it."""
    assert unpacked(gzip.compress(b"abc"), 3) == b"abc"
    assert len(unpacked(gzip.compress(b"\0" * 50_000_000), 1000)) == 1001


@pytest.mark.parametrize(
    "body", [b"", b"abc", gzip.compress(b"abc", mtime=0)[:-9], gzip.compress(b"abc" * 99, mtime=0)[:-1]]
)
def test_what_is_no_gzip_is_refused(body: bytes) -> None:
    """What is no gzip, or only the beginning of one, is the client's to mend."""
    with pytest.raises(InputError, match="gzip"):
        unpacked(body, 1000)
