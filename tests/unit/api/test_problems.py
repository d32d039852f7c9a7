"""Every error is a problem in the sense of RFC 9457: media type, status, a sentence, the field where there is one."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from litestar import Litestar, get, post
from litestar.exceptions import (
    HTTPException,
    NotAuthorizedException,
    NotFoundException,
    PermissionDeniedException,
    TooManyRequestsException,
)
from litestar.params import FromPath, JSONBody

from etappe.api import problems
from etappe.api.bodies import MAX_ITEMS, ItemsBody
from etappe.api.problems import RefusedError
from etappe.errors import (
    DataError,
    EtappeError,
    InputError,
    NotFoundError,
    SettingsError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
    TooMuchError,
)

ERRORS: dict[str, tuple[Exception, int]] = {
    "input": (InputError("price is -1; give 0 or more", field="price"), 400),
    "settings": (SettingsError("no such setting"), 400),
    "much": (TooMuchError("2,000 values; give at most 1,000", field="filter"), 422),
    "flood": (RefusedError(429, "slower, please", field="events", seconds=3), 429),
    "missing": (NotFoundError("there is no such item"), 404),
    "store": (StoreError("Redis refuses"), 503),
    "away": (StoreUnavailableError("Redis does not answer"), 503),
    "slow": (TimeoutError(), 503),
    "data": (DataError("the tail is damaged"), 500),
    "etappe": (EtappeError("it cannot be done"), 500),
    "fault": (ZeroDivisionError("secret detail"), 500),
    "deep": (RecursionError("maximum recursion depth exceeded"), 400),
    "nobody": (NotAuthorizedException("no key", headers={"WWW-Authenticate": "Bearer"}), 401),
    "wrong-key": (PermissionDeniedException("secret key needed"), 403),
    "gone": (NotFoundException("not here"), 404),
    "often": (TooManyRequestsException("slow down"), 429),
    "teapot": (HTTPException("short and stout", status_code=418), 418),
}


@get("/raise/{name:str}")
async def _raise(name: FromPath[str]) -> None:
    raise ERRORS[name][0]


@post("/items", status_code=200)
async def _items(data: JSONBody[ItemsBody]) -> int:
    return len(data.items)


def _ask(method: str, path: str, **options: Any) -> httpx.Response:
    app = Litestar(
        [_raise, _items], exception_handlers=problems.HANDLERS, request_max_body_size=200_000, openapi_config=None
    )

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, **options)

    return asyncio.run(ask())


def _problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = json.loads(answer.content)
    assert set(problem) <= {"type", "title", "status", "detail", "field"}
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    return problem


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_class_is_a_problem(name: str) -> None:
    """Each class has its status, and tells its own message but for faults of ours."""
    error, status = ERRORS[name]
    problem = _problem(_ask("GET", f"/raise/{name}"), status)
    assert "Traceback" not in problem["detail"]
    if name in ("input", "settings", "missing", "store", "away", "data", "etappe"):
        assert problem["detail"] == str(error)


def test_field_is_named() -> None:
    """The field of an input error is told beside its message."""
    assert _problem(_ask("GET", "/raise/input"), 400)["field"] == "price"


def test_refusal_says_what_and_when() -> None:
    """A refusal names its field, and where waiting helps the seconds to wait."""
    answer = _ask("GET", "/raise/flood")
    assert (answer.json()["field"], answer.headers["retry-after"]) == ("events", "3")
    assert _problem(_ask("GET", "/raise/much"), 422)["field"] == "filter"


def test_too_many_members_are_422() -> None:
    """A list longer than it may be is understood and too much; the field is named."""
    whole = b'{"items": [' + b",".join([b'{"id":"a"}'] * (MAX_ITEMS + 1)) + b"]}"
    assert _problem(_ask("POST", "/items", content=whole), 422)["field"] == "items"


def test_fault_tells_nothing_of_its_inside() -> None:
    """What went wrong inside is for the log, not for the caller."""
    assert "secret detail" not in _ask("GET", "/raise/fault").text


@pytest.mark.parametrize("name", ["store", "away", "slow"])
def test_what_may_pass_says_when_to_come_back(name: str) -> None:
    """Where trying again may help, the answer says when."""
    assert _ask("GET", f"/raise/{name}").headers["retry-after"] == "1"


def test_full_redis_is_told_with_what_to_do() -> None:
    """The answer of a full Redis says that it is full and what to do, and to come back later."""
    answer = problems.HANDLERS[EtappeError](None, StoreFullError())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert b"Redis is full" in answer.content
    assert b"maxmemory" in answer.content


def test_headers_of_an_error_are_kept() -> None:
    """A refused key is told how to authenticate."""
    assert _ask("GET", "/raise/nobody").headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/nowhere", 404, "/schema"),
        ("DELETE", "/items", 405, "POST"),
        ("POST", "/raise/input", 405, "GET"),
    ],
)
def test_address_and_method(method: str, path: str, status: int, words: str) -> None:
    """An unknown address says where to look, a wrong method which there are."""
    assert words in _problem(_ask(method, path), status)["detail"]


def test_too_large() -> None:
    """A body beyond the limit is refused with the remedy."""
    assert "smaller" in _problem(_ask("POST", "/items", content=b" " * 300_000), 413)["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"items": [{"id": "a"}, {"id": "b", "price": "dear"}]}, "items[1].price"),
        ({"items": [{"id": "a", "prize": 1}]}, "items[0]"),
        ({"items": [{"title": "no id"}]}, "items[0]"),
        ({"items": 5}, "items"),
        ({}, "items"),
    ],
)
def test_body_that_does_not_fit(body: Any, field: str) -> None:
    """A field of the wrong type is named by its path, in `field` and in the sentence."""
    problem = _problem(_ask("POST", "/items", json=body), 400)
    assert problem["field"] == field
    assert field in problem["detail"]


@pytest.mark.parametrize("content", [b"", b"nonsense", b"[]", b"\xff", b"{"])
def test_body_that_is_no_json(content: bytes) -> None:
    """What cannot be decoded is a problem, not a fault."""
    _problem(_ask("POST", "/items", content=content), 400)
