"""Errors as RFC 9457 problem details: what is wrong, in which field, and what to do."""

import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from etappe.errors import EtappeError, InputError, NotFoundError, StoreError

MEDIA_TYPE: Final = "application/problem+json"
_log = logging.getLogger("etappe.api")


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of every error answer."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"
    field: str | None = None


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
    detail = _known_paths(error) if error.status_code == HTTPStatus.NOT_FOUND else error.detail
    return response(error.status_code, detail, headers=error.headers)


def _invalid(error: ValidationException) -> Response[Any]:
    """Litestar says in `extra` which field, msgspec says what is wrong with it."""
    found: Any = error.extra or [{}]
    first = found[0] if isinstance(found, list) else {}
    field = first.get("key") or None
    message = first.get("message") or error.detail
    if field is None and message.startswith("Object missing required field") and "`" in message:
        field = message.split("`")[1]
    place = f"{field}: " if field else ""
    return response(HTTPStatus.BAD_REQUEST, f"{place}{message}; /schema describes every field", field)


def _known_paths(error: HTTPException) -> str:
    if error.detail not in ("", HTTPStatus.NOT_FOUND.phrase):
        return error.detail
    return "there is nothing at this address; /schema lists the addresses there are"


def _etappe(request: Request[Any, Any, Any], error: EtappeError) -> Response[Any]:
    if isinstance(error, InputError):
        return response(HTTPStatus.BAD_REQUEST, str(error), error.field)
    if isinstance(error, NotFoundError):
        return response(HTTPStatus.NOT_FOUND, str(error))
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
    Exception: _unexpected,
}
