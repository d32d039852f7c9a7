"""`POST /v1/visitor`: an anonymous_id with the proof that a browser is it, as a cookie and in the answer."""

from typing import Any

import msgspec
from litestar import Request, Response, post
from litestar.datastructures import Cookie, State
from litestar.di import NamedDependency
from litestar.exceptions import PermissionDeniedException

from etappe.api.access import auth, visitors
from etappe.api.describing.operations import VisitorOperation
from etappe.api.service import Service
from etappe.errors import InputError
from etappe.events.vocabulary import Id
from etappe.values import ids

AnyRequest = Request[Any, Any, State]


class VisitorBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For whom: a secret key may name an anonymous_id, else it is the browser's own, or a new one."""

    anonymous_id: Id | None = None


class Visitor(msgspec.Struct, frozen=True):
    """Who a browser is, and the token by which it proves that: `customer.token` of its requests."""

    anonymous_id: str
    token: str


@post("/v1/visitor", status_code=200, guards=[auth.any_key], operation_class=VisitorOperation)
async def post_visitor(request: AnyRequest, service: NamedDependency[Service]) -> Response[Visitor]:
    """Sign who a browser is: a new anonymous_id, its own again, or with a secret key any; also set as a cookie."""
    wanted = _wanted(await request.body())
    if wanted is not None and not auth.is_trusted(request):
        raise PermissionDeniedException(
            "a secret key signs an anonymous_id that is known already; without one leave it out, and get a new one"
        )
    anonymous_id = (
        ids.cleaned(wanted, service.settings.values.nobodys()) or _own(request, service.secret) or visitors.new_id()
    )
    token = visitors.issue(service.secret, anonymous_id)
    return Response(Visitor(anonymous_id, token), cookies=[_cookie(request, anonymous_id, token)])


def _wanted(body: bytes) -> str | None:
    """The anonymous_id that a body names; a request needs none."""
    try:
        return msgspec.json.decode(body, type=VisitorBody).anonymous_id if body.strip() else None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(f"{error}; the body is empty, or names an anonymous_id", field="anonymous_id") from error


def _own(request: AnyRequest, secret: bytes) -> str | None:
    """The anonymous_id that the browser's cookie proves."""
    given = visitors.read_cookie(request.cookies.get(visitors.COOKIE))
    return given[0] if given is not None and visitors.is_issued(secret, *given) else None


def _cookie(request: AnyRequest, anonymous_id: str, token: str) -> Cookie:
    proxied = request.headers.get("x-forwarded-proto", "").split(",")[0].strip().lower()
    return Cookie(
        key=visitors.COOKIE,
        value=visitors.cookie_of(anonymous_id, token),
        max_age=visitors.COOKIE_SECONDS,
        path="/",
        secure=(proxied or request.url.scheme) == "https",
        httponly=True,
        samesite="lax",
    )


HANDLERS = [post_visitor]
