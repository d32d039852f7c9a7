"""`GET /healthz`, `GET /readyz` and `GET /metrics`: what operators ask, without a key."""

from http import HTTPStatus
from typing import Any

from litestar import MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.di import NamedDependency

from etappe.api import metrics
from etappe.api.service import Service
from etappe.store.place.marks import REMEDY


@get("/healthz", media_type=MediaType.TEXT)
async def get_health() -> str:
    """Answer while the process lives."""
    return "ok"


@get("/readyz")
async def get_ready(service: NamedDependency[Service]) -> Response[dict[str, Any]]:
    """Answer 200 once decisions can be made, 503 until then, and while Redis has lost what it had."""
    version = service.replica.view.version
    state: dict[str, Any] = {"ready": service.ready and service.replica.current, "snapshot": version}
    if service.replica.refusal:
        state |= {"reason": service.replica.refusal, "remedy": REMEDY}
    if warnings := [*filter(None, [service.warning]), *service.memory.warnings]:
        state["warning"] = "; ".join(warnings)
    status = HTTPStatus.OK if state["ready"] else HTTPStatus.SERVICE_UNAVAILABLE
    return Response(state, status_code=status)


@get("/metrics", media_type=MediaType.TEXT)
async def get_metrics(request: Request[Any, Any, State]) -> bytes:
    """Show the metrics in Prometheus' text format."""
    return await metrics.settled(request.app.state.shared_metrics)


HANDLERS = [get_health, get_ready, get_metrics]
