"""What OpenAPI says beyond what Litestar finds out itself: bodies that routes read, bounds, keys, and every error."""

import inspect
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import (
    OpenAPI,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Reference,
    Schema,
    SecurityScheme,
)
from litestar.routes import HTTPRoute

from etappe.api import bodies, problems
from etappe.api.access import auth
from etappe.api.limits import bounds
from etappe.api.routes import consent, customers, identities
from etappe.catalog import filters
from etappe.catalog.item import Item
from etappe.events import intake
from etappe.serving.answering.answer import Answer
from etappe.serving.lists import ItemList
from etappe.serving.request import DecideRequest
from etappe.store.identities.erasure import Receipt

_TYPES: Final[tuple[type, ...]] = (
    DecideRequest, bodies.ItemsBody, consent.ConsentBody, problems.Problem, Answer, ItemList, Item, bodies.EventsAnswer,
    bodies.ItemsAnswer, customers.CustomerAnswer, identities.IdentitiesAnswer, identities.Parted, Receipt,
)  # fmt: skip
_REF: Final = "#/components/schemas/{name}"
_SCHEMES: Final = {
    "key": SecurityScheme(type="http", scheme="bearer", description="A key as `etappe keys create` prints it."),
    "write_key": SecurityScheme(type="http", scheme="basic", description="The key as user name, without a password."),
    "api_secret": SecurityScheme(type="apiKey", name="api_secret", security_scheme_in="query", description="The key."),
}
_KEYS: Final[dict[Any, list[str]]] = {
    auth.any_key: ["key"],
    auth.secret_key: ["key"],
    auth.basic_key: ["write_key", "key"],
    auth.api_secret: ["api_secret"],
}
_OF_BODIES: Final = (
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
)
_ALWAYS: Final = (HTTPStatus.FORBIDDEN, HTTPStatus.INTERNAL_SERVER_ERROR)
_OPEN: Final = ("/healthz", "/metrics")
"""Addresses that ask Redis nothing."""


def complete(app: Litestar) -> None:
    """Completes the description of `app`: what its types say exactly, who may ask, and what is answered else."""
    openapi = app.openapi_schema
    _, components = msgspec.json.schema_components(_TYPES, ref_template=_REF)
    components["Placement"]["properties"]["filter"] = FILTER
    components["Item"]["properties"].pop("price_history")  # never answered
    schemas: Any = openapi.components.schemas
    schemas |= components
    openapi.components.security_schemes = dict(_SCHEMES)
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            _tell_all_methods(route)
            for handler, operation in _operations(openapi, route):
                _complete(route, handler, operation)


def _operations(openapi: OpenAPI, route: HTTPRoute) -> Iterator[tuple[HTTPRouteHandler, Operation]]:
    item = (openapi.paths or {}).get(route.path_format)
    for handler in route.route_handlers:
        for method in handler.http_methods:
            operation = getattr(item, method.lower(), None)
            if operation is not None:
                yield handler, operation


def _complete(route: HTTPRoute, handler: HTTPRouteHandler, operation: Operation) -> None:
    keys = [name for guard in handler.guards or () for name in _KEYS.get(guard, ())]
    operation.security = [{name: []} for name in keys] or None
    _bound_ids(operation)
    operation.responses = operation.responses or {}
    operation.responses.pop(str(int(HTTPStatus.BAD_REQUEST)), None)
    for status in _statuses(route.path_format, operation, locked=bool(keys)):
        operation.responses.setdefault(str(int(status)), _problem(status))
    if route.path_format == "/readyz":
        unready = str(int(HTTPStatus.SERVICE_UNAVAILABLE))
        operation.responses[unready] = operation.responses[str(int(HTTPStatus.OK))]


def _statuses(path: str, operation: Operation, *, locked: bool) -> Iterator[HTTPStatus]:
    yield from _ALWAYS
    if locked:
        yield HTTPStatus.UNAUTHORIZED
    if path not in _OPEN:
        yield HTTPStatus.SERVICE_UNAVAILABLE
    if operation.parameters or path in bounds.BODIES:
        yield HTTPStatus.BAD_REQUEST
    if "{" in path:
        yield HTTPStatus.NOT_FOUND
    if path in bounds.BODIES:
        yield from _OF_BODIES


def _problem(status: HTTPStatus) -> OpenAPIResponse:
    content = OpenAPIMediaType(schema=Reference(ref=_REF.format(name="Problem")))
    return OpenAPIResponse(description=status.phrase, content={problems.MEDIA_TYPE: content})


def _bound_ids(operation: Operation) -> None:
    """Ids are not empty, and as long as an event's where they become part of one."""
    longest = intake.MAX_ID_LENGTH if operation.request_body else None
    for parameter in operation.parameters or ():
        if not isinstance(parameter, Reference) and parameter.param_in == "path":
            parameter.schema = Schema(type=OpenAPIType.STRING, min_length=1, max_length=longest)


def _tell_all_methods(route: HTTPRoute) -> None:
    """Has OPTIONS tell of all methods: Litestar's own answer knows those of the handler that was there first."""
    options = route.route_handler_map["OPTIONS"][0].fn
    first: HTTPRoute = inspect.getclosurevars(options).nonlocals["self"]
    first.methods |= route.methods


def _tests(value: dict[str, Any], operand: dict[str, Any] | None = None, *, ordered: bool = True) -> dict[str, Any]:
    """A value, some values, or comparisons with them; in the last two what may stand there is an `operand`."""
    operand = value if operand is None else operand
    some = {"type": "array", "items": operand, "maxItems": filters.MAX_OPERANDS}
    names = ("eq", "ne", *(("lt", "lte", "gt", "gte") if ordered else ()))
    comparisons = dict.fromkeys(names, operand) | dict.fromkeys(("in", "not_in"), some)
    told = {"type": "object", "properties": comparisons, "additionalProperties": False, "minProperties": 1}
    return {"anyOf": [value, some, told]}


_PLAIN: Final = _tests({"type": ["string", "number", "boolean", "null"]}, {})
FILTER: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "category": _tests({"type": "string"}, ordered=False),
        "price": _tests({"type": "number", "minimum": -filters.LARGEST, "maximum": filters.LARGEST}),
        **dict.fromkeys(("id", "brand", "currency", "item_group_id"), _PLAIN),
    },
    "patternProperties": {r"^attributes\.[\s\S]": _PLAIN},
    "additionalProperties": False,
    "maxProperties": filters.MAX_COMPARISONS,
}
"""The filters of a placement, which are read as any object and judged by themselves."""
