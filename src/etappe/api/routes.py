"""The HTTP routes. Each checks and translates; the computing is elsewhere."""

import time
from http import HTTPStatus
from typing import Annotated, Any

from litestar import MediaType, Request, Response, get, post, put
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from etappe.api import auth, collect, consent, identities, metrics, personal_data, posts, segment, visitor
from etappe.api.bodies import EventsAnswer, ItemsAnswer, ItemsBody, in_zone
from etappe.api.customers import CustomerAnswer, answer_of, consents_of
from etappe.api.operations import EventsOperation
from etappe.api.paths import id_of
from etappe.api.service import Service
from etappe.catalog.item import Item, ItemPatch, check_size
from etappe.customers.state import fold_state
from etappe.errors import InputError
from etappe.events.identities import USER
from etappe.ids import item_hash
from etappe.serving import lists
from etappe.serving.answer import Answer
from etappe.serving.decide import state_of
from etappe.serving.request import DecideRequest
from etappe.store import journal
from etappe.store.marks import REMEDY

AnyRequest = Request[Any, Any, State]
Limit = Annotated[int, QueryParameter(ge=1, le=100)]
Window = Annotated[str | None, QueryParameter(pattern=f"^({'|'.join(lists.WINDOWS)})$(?!\\n)")]
Serving = NamedDependency[Service]


@post("/v1/events", status_code=202, guards=[auth.any_key], operation_class=EventsOperation)
async def post_events(request: AnyRequest, service: Serving) -> EventsAnswer:
    """Accept events: once answered, they are durable and change the very next decision."""
    posts.raise_failed(request)
    return await posts.taken(request, await request.body(), service)


@post("/v1/decide", status_code=200, guards=[auth.any_key], responses={})
async def post_decide(request: AnyRequest, data: JSONBody[DecideRequest], service: Serving) -> Response[Answer]:
    """Decide what one customer is shown at one moment, and why."""
    posts.raise_failed(request)
    encoded: Any = await posts.decided(request, data, service)
    return Response(encoded, media_type=MediaType.JSON)


@get("/v1/items/{item_id:str}/related", guards=[auth.any_key])
async def get_related(
    item_id: FromPath[str],
    service: Serving,
    kind: FromQuery[lists.RelatedKind] = "also_bought",
    limit: Limit = 10,
    locale: FromQuery[str | None] = None,
) -> lists.ItemList:
    """List what goes with an item."""
    await service.be_current()
    return lists.related(service.replica.view, id_of(item_id), kind, limit, locale, service.settings, time.time())


@get("/v1/popular", guards=[auth.any_key])
async def get_popular(
    service: Serving,
    category: FromQuery[str | None] = None,
    window: Window = None,
    limit: Limit = 10,
    locale: FromQuery[str | None] = None,
) -> lists.ItemList:
    """List what is popular, in the shop or below a category."""
    await service.be_current()
    return lists.popular(service.replica.view, category, window, limit, locale, service.settings, time.time())


@put("/v1/items", guards=[auth.secret_key])
async def put_items(data: JSONBody[ItemsBody], service: Serving) -> ItemsAnswer:
    """Put items of the catalogue; answered when every live replica has them."""
    await service.be_current()
    _check_each(service, data.items)
    items = [in_zone(patch, service.zone) for patch in data.items]
    position = journal.START
    for start in range(0, len(items), journal.PATCHES_PER_ENTRY):
        patches = items[start : start + journal.PATCHES_PER_ENTRY]
        position = await service.journal(journal.ITEMS, patches)
    await journal.wait_until_applied(service.client, position, service.settings.store.lease_seconds)
    return ItemsAnswer(len(items), position)


@get("/v1/items/{item_id:str}", guards=[auth.any_key])
async def get_item(item_id: FromPath[str], service: Serving) -> Item:
    """Show an item of the catalogue."""
    await service.be_current()
    item_id = id_of(item_id)
    item = service.replica.view.catalogue.find(item_id)
    if item is None:
        raise NotFoundException(f"the catalogue has no item {item_id!r}")
    return item


@get("/v1/customers/{customer_id:str}", guards=[auth.secret_key])
async def get_customer(customer_id: FromPath[str], service: Serving) -> CustomerAnswer:
    """Show a customer by user_id, as the next decision will see them."""
    customer_id = id_of(customer_id)
    found = await service.customer(service.subject(USER, customer_id))
    if not found.found:
        raise NotFoundException(f"no event of customer {customer_id!r} is known")
    state = state_of(found.base, found.tail, service.settings)
    if state is None:
        return consents_of(customer_id, fold_state(found.base, found.tail, service.settings.learning.half_life_days))
    return answer_of(customer_id, state, service.replica.view.catalogue)


@get("/healthz", media_type=MediaType.TEXT)
async def get_health() -> str:
    """Answer while the process lives."""
    return "ok"


@get("/readyz")
async def get_ready(service: Serving) -> Response[dict[str, Any]]:
    """Answer 200 once decisions can be made, 503 until then, and while Redis has lost what it had."""
    version = service.replica.view.version
    said: dict[str, Any] = {"ready": service.ready and service.replica.current, "snapshot": version}
    if service.replica.refusal:
        said |= {"reason": service.replica.refusal, "remedy": REMEDY}
    if warnings := [*filter(None, [service.warning]), *service.memory.warnings]:
        said["warning"] = "; ".join(warnings)
    status = HTTPStatus.OK if said["ready"] else HTTPStatus.SERVICE_UNAVAILABLE
    return Response(said, status_code=status)


@get("/metrics", media_type=MediaType.TEXT)
async def get_metrics(request: AnyRequest) -> bytes:
    """Show the metrics in Prometheus' text format."""
    return metrics.exposition(request.app.state.shared_metrics)


HANDLERS = [
    post_events,
    post_decide,
    get_related,
    get_popular,
    put_items,
    get_item,
    get_customer,
    *identities.HANDLERS,
    *consent.HANDLERS,
    *personal_data.HANDLERS,
    *segment.HANDLERS,
    *collect.HANDLERS,
    *visitor.HANDLERS,
    get_health,
    get_ready,
    get_metrics,
]


def _check_each(service: Service, patches: list[ItemPatch]) -> None:
    """Refuses a batch with an item too large, or an id that collides with a known one or another of the batch."""
    seen: dict[int, str] = {}
    for index, patch in enumerate(patches):
        try:
            check_size(patch)
            service.replica.view.catalogue.check(patch)
        except InputError as error:
            raise type(error)(f"items[{index}]: {error}", field=f"items[{index}].{error.field}") from error
        if seen.setdefault(item_hash(patch.id), patch.id) != patch.id:
            raise InputError(f"items[{index}].id {patch.id!r} collides with another", field=f"items[{index}].id")
