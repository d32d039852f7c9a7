"""Errors as RFC 9457 problem details: what is wrong, in which field, and what to do."""

import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from etappe.errors import EtappeError, InputError, NotFoundError, StoreError, StoreFullError, TooMuchError
from etappe.values.wording import plain

MEDIA_TYPE: Final = "application/problem+json"
_FULL_SECONDS: Final = 5
"""When to come back to a full Redis."""
_TOO_MANY: Final = ("Expected `array` of length <=", "Expected `object` of length <=")
"""How msgspec begins where a list or an object has too many members."""
_log = logging.getLogger("etappe.api")


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of every error answer."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"
    field: str | None = None


class RefusedError(HTTPException):
    """A request that asks for more than it may just now: what of it, and (where waiting helps) after how long again."""

    def __init__(self, status: int, detail: str, field: str | None = None, seconds: int | None = None) -> None:
        headers = {} if seconds is None else {"retry-after": str(seconds)}
        if status == HTTPStatus.REQUEST_TIMEOUT:  # nobody knows where the next request would begin
            headers["connection"] = "close"
        super().__init__(detail, status_code=status, headers=headers)
        self.field = field


def response(
    status: int, detail: str, field: str | None = None, headers: Mapping[str, str] | None = None
) -> Response[Any]:
    """A problem as a response."""
    problem = Problem(HTTPStatus(status).phrase, status, detail, field=field)
    return Response(
        msgspec.json.encode(problem), status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {})
    )


def _http(_: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    if isinstance(error, ValidationException):
        return _invalid(error)
    field = error.field if isinstance(error, RefusedError) else None
    return response(error.status_code, _detail(error), field, headers=error.headers)


def _invalid(error: ValidationException) -> Response[Any]:
    """Litestar says in `extra` which field, msgspec says what is wrong with it."""
    found: Any = error.extra or [{}]
    first = found[0] if isinstance(found, list) else {}
    field = first.get("key") or None
    message = plain(first.get("message") or error.detail)
    if field in (None, "data") and message.startswith("Object missing required field") and "`" in message:
        field = message.split("`")[1]
    place = f"{field}: " if field else ""
    status = HTTPStatus.UNPROCESSABLE_ENTITY if message.startswith(_TOO_MANY) else HTTPStatus.BAD_REQUEST
    return response(status, f"{place}{message}; /schema describes every field", field)


def _detail(error: HTTPException) -> str:
    """What Litestar says in one word, with the remedy."""
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        methods = {name.lower(): value for name, value in (error.headers or {}).items()}.get("allow", "other methods")
        return f"this address takes {methods}; /schema describes each"
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return error.detail if isinstance(error, RefusedError) else "the body is too large; send smaller ones"
    if error.status_code == HTTPStatus.NOT_FOUND and error.detail in ("", HTTPStatus.NOT_FOUND.phrase):
        return "there is nothing at this address; /schema lists the addresses there are"
    return error.detail


def _nested(_: Request[Any, Any, Any], __: RecursionError) -> Response[Any]:
    """JSON nested so deep that no decoder follows."""
    return response(HTTPStatus.BAD_REQUEST, "the body is nested too deep; send it flat, as /schema describes it")


def _no_text(_: Request[Any, Any, Any], error: UnicodeDecodeError) -> Response[Any]:
    """Bytes that are no text."""
    return response(
        HTTPStatus.BAD_REQUEST, f"the body is no UTF-8 ({error.reason} at byte {error.start}); encode it as UTF-8"
    )


def _late(_: Request[Any, Any, Any], error: TimeoutError) -> Response[Any]:
    """Redis did not answer in its budget, where nothing can be said without it."""
    said = str(error) or "in time"
    return response(
        HTTPStatus.SERVICE_UNAVAILABLE, f"Redis does not answer ({said}); try again", headers={"retry-after": "1"}
    )


def _full(error: StoreFullError) -> Response[Any]:
    """Room is made by the worker, round by round: coming back at once would not help."""
    return response(HTTPStatus.SERVICE_UNAVAILABLE, str(error), headers={"retry-after": str(_FULL_SECONDS)})


def _etappe(request: Request[Any, Any, Any], error: EtappeError) -> Response[Any]:
    if isinstance(error, InputError):
        much = isinstance(error, TooMuchError)
        return response(HTTPStatus.UNPROCESSABLE_ENTITY if much else HTTPStatus.BAD_REQUEST, str(error), error.field)
    if isinstance(error, NotFoundError):
        return response(HTTPStatus.NOT_FOUND, str(error))
    if isinstance(error, StoreFullError):
        return _full(error)
    if isinstance(error, StoreError):
        return response(HTTPStatus.SERVICE_UNAVAILABLE, str(error), headers={"retry-after": "1"})
    _log.error("%s %s failed: %s", request.method, request.url.path, error)
    return response(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))


def _unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """A fault of ours: told in full to the log, in one line to the caller."""
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return response(HTTPStatus.INTERNAL_SERVER_ERROR, "Etappe failed at this; its log says where")


HANDLERS: Final[dict[int | type[Exception], Callable[..., Response[Any]]]] = {
    HTTPException: _http,
    EtappeError: _etappe,
    RecursionError: _nested,
    UnicodeDecodeError: _no_text,
    TimeoutError: _late,
    Exception: _unexpected,
}
