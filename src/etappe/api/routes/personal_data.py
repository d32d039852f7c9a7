"""`GET /v1/customers/{id}/export` and `DELETE /v1/customers/{id}`: all that is held of a customer, and none of it."""

import asyncio
import time
from typing import Any, Final

from litestar import MediaType, Response, delete, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from etappe.api.access import auth
from etappe.api.routes.paths import clean_id_of
from etappe.api.service import Service
from etappe.errors import StoreUnavailableError
from etappe.events.identities import USER, Identity
from etappe.ids import Subject
from etappe.store.identities import erasure, exports, graph
from etappe.store.identities.erasure import Receipt
from etappe.store.server.failures import in_thread

_EXPORT_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.05
Serving = NamedDependency[Service]


@get("/v1/customers/{customer_id:str}/export", guards=[auth.secret_key])
async def get_export(customer_id: FromPath[str], service: Serving) -> Response[Any]:
    """Export everything held of a customer: identities, consents, traits, events, decisions. The worker makes it."""
    identity = Identity(USER, clean_id_of(customer_id))
    await service.stand()
    subject = service.subject(identity.kind, identity.value)
    customer, identities = await in_thread(_known, service, subject, identity)
    number = await in_thread(exports.ask, service.blocking, customer, identities)
    deadline = time.monotonic() + _EXPORT_SECONDS
    while time.monotonic() < deadline:
        found: Any = await in_thread(exports.take, service.blocking, number)
        if found == exports.NOTHING:
            raise NotFoundException(f"nothing is held of customer {identity.value!r}")
        if found is not None:
            return Response(found, media_type=MediaType.JSON)
        await asyncio.sleep(_POLL_SECONDS)
    raise StoreUnavailableError("no worker made the export in time; is `etappe worker` running? Ask again")


@delete("/v1/customers/{customer_id:str}", status_code=200, guards=[auth.secret_key])
async def delete_customer(customer_id: FromPath[str], service: Serving) -> Receipt:
    """Erase a customer with all identities: gone from every answer at once, from the log within the set days."""
    identity = Identity(USER, clean_id_of(customer_id))
    await service.stand()
    subject = service.subject(identity.kind, identity.value)
    service.lately.forget(subject)
    return await in_thread(erasure.erase, service.blocking, service.secret, identity, subject, service.settings)


@get("/v1/erasures/{number:str}", guards=[auth.secret_key])
async def get_erasure(number: FromPath[str], service: Serving) -> Receipt:
    """Show what became of an erasure."""
    await service.stand()
    found = await in_thread(erasure.receipt, service.blocking, number)
    if found is None:
        raise NotFoundException(f"there is no erasure with receipt {number!r}")
    return found


HANDLERS = [get_export, delete_customer, get_erasure]


def _known(service: Service, subject: Subject, identity: Identity) -> tuple[Subject, dict[Subject, Identity]]:
    root = graph.roots(service.blocking, [subject])[subject]
    group = graph.groups(service.blocking, [root])[root]
    return root, {one: node.identity for one, node in group.items()} or {subject: identity}
