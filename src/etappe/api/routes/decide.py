"""`POST /v1/decide`: what one customer is shown."""

from typing import Any

from litestar import MediaType, Request, Response, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import JSONBody

from etappe.api.access import auth
from etappe.api.front import posts
from etappe.api.service import Service
from etappe.serving.answering.answer import Answer
from etappe.serving.request import DecideRequest


@post("/v1/decide", status_code=200, guards=[auth.any_key], responses={})
async def post_decide(
    request: Request[Any, Any, State], data: JSONBody[DecideRequest], service: NamedDependency[Service]
) -> Response[Answer]:
    """Decide what one customer is shown at one moment, and why."""
    posts.raise_failed(request)
    encoded: Any = await posts.decided(request, data, service)
    return Response(encoded, media_type=MediaType.JSON)


HANDLERS = [post_decide]
