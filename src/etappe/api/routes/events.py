"""`POST /v1/events`: batches of events."""

from typing import Any

from litestar import Request, post
from litestar.datastructures import State
from litestar.di import NamedDependency

from etappe.api.access import auth
from etappe.api.bodies import EventsAnswer
from etappe.api.describing.operations import EventsOperation
from etappe.api.front import posts
from etappe.api.service import Service


@post("/v1/events", status_code=202, guards=[auth.any_key], operation_class=EventsOperation)
async def post_events(request: Request[Any, Any, State], service: NamedDependency[Service]) -> EventsAnswer:
    """Accept events: once answered, they are durable and change the very next decision."""
    posts.raise_failed(request)
    return await posts.taken(request, await request.body(), service)


HANDLERS = [post_events]
