"""The matrix of routes and keys in docs/security.md, asked of a real server; and the tests which that page names."""

import base64
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from tests.acceptance.conftest import Template
from tests.acceptance.shop import Server, must, new_key

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "security.md").read_text()
COLUMNS = ("no key", "revoked", "publishable", "publishable and token", "secret", "keys off")
METHODS = ("get", "put", "post", "delete", "patch")
REFUSED = {401: "401", 403: "403"}


def _table() -> dict[str, tuple[str, ...]]:
    """What the page says of each route, by the columns' order."""
    told = PAGE.partition("<!-- matrix -->")[2].partition("<!-- end -->")[0].strip().splitlines()
    heads, _, *rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in told]
    assert heads == ("route", *COLUMNS)
    return {row[0].strip("`"): row[1:] for row in rows}


@pytest.fixture(scope="module")
def open_house(copy_of: Callable[[], Path]) -> Iterator[Server]:
    """A server without keys."""
    with Server(copy_of(), env={"ETAPPE_AUTH": "off"}) as server:
        yield server


@pytest.fixture(scope="module")
def revoked(shop: Path) -> str:
    """A secret key that is worth nothing any more."""
    key = new_key(shop, "secret")
    must(shop, "keys", "revoke", key[:9])
    return key


def test_every_route_answers_every_key_as_the_page_says(
    first: Server, open_house: Server, revoked: str, template: Template
) -> None:
    """Each route that the description of the API has is in the table, no other, and each kind of key gets what it says."""
    with first.client(None) as client, open_house.client(None) as free:
        described = client.get("/schema/openapi.json").json()["paths"]
        routes = [
            f"{method.upper()} {path}" for path, said in described.items() for method in said if method in METHODS
        ]
        found = {
            route: (
                _asked(client, route, None),
                _asked(client, route, revoked),
                _asked(client, route, template.publishable),
                _asked(client, route, template.publishable, token="0" * 64),
                _asked(client, route, template.secret),
                _asked(free, route, None),
            )
            for route in routes
        }
    assert _table() == found


def test_every_test_that_the_page_names_is_there() -> None:
    """What the page says is shown by tests of these names."""
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    assert named
    assert named - there == set()


def _asked(client: httpx.Client, route: str, key: str | None, token: str | None = None) -> str:
    """What a route says to a key, in the way that its clients send it: refused, or open whatever becomes of the request."""
    method, path = route.split(" ")
    address = re.sub(r"{\w+}", "nobody-of-that-name", path)
    headers, query = {}, {}
    if key is not None and "/mp/" in path:
        query = {"api_secret": key}
    elif key is not None and "/segment/" in path:
        headers = {"authorization": f"Basic {base64.b64encode(f'{key}:'.encode()).decode()}"}
    elif key is not None:
        headers = {"authorization": f"Bearer {key}"}
    body = {} if token is None else {"customer": {"user_id": "nobody-of-that-name", "token": token}}
    sent = None if method == "GET" else body
    answer = client.request(method, address, params=query, headers=headers, json=sent)
    assert answer.status_code < 500, (route, answer.text)
    return REFUSED.get(answer.status_code, "open")
