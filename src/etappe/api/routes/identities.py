"""`/v1/customers/{id}/identities`: by which identities a customer is known and why, and taking one out again."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Final

import msgspec
from litestar import delete, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from etappe.api.access import auth
from etappe.api.routes.paths import clean_id_of
from etappe.api.service import Service
from etappe.customers.identity import Group, Node
from etappe.events.identities import USER, rank
from etappe.ids import Subject
from etappe.store.identities import graph
from etappe.store.server.failures import in_thread
from etappe.values import ids

_BY_REQUEST: Final = "request"
_REBUILD_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.05
Serving = NamedDependency[Service]


class LinkShown(msgspec.Struct, frozen=True):
    """Why an identity is this customer's: with which other one it was named, by which event, when."""

    kind: str
    value: str
    cause: str
    since: datetime


class IdentityShown(msgspec.Struct, frozen=True, omit_defaults=True):
    """One identity of a customer. One that several people use is `shared`, and links nobody."""

    kind: str
    value: str
    links: list[LinkShown] = []
    shared: bool = False


class IdentitiesAnswer(msgspec.Struct, frozen=True):
    """All identities of a customer, surest kind first."""

    id: str
    identities: list[IdentityShown]


class Parted(msgspec.Struct, frozen=True):
    """An identity was taken out. `rebuilt` says whether both customers' records show it already."""

    kind: str
    value: str
    rebuilt: bool


@get("/v1/customers/{customer_id:str}/identities", guards=[auth.secret_key])
async def get_identities(customer_id: FromPath[str], service: Serving) -> IdentitiesAnswer:
    """Show by which identities a customer is known, and the cause of each link."""
    customer_id = clean_id_of(customer_id)
    await service.stand()
    subject = service.subject(USER, customer_id)
    root = (await in_thread(graph.roots, service.blocking, [subject]))[subject]
    group = (await in_thread(graph.groups, service.blocking, [root]))[root]
    if not group:
        if not (await service.customer(subject)).found:
            raise NotFoundException(f"no event of customer {customer_id!r} is known")
        return IdentitiesAnswer(customer_id, [IdentityShown(USER, customer_id)])
    shown = [_shown(node, group) for node in group.values()]
    return IdentitiesAnswer(customer_id, sorted(shown, key=lambda one: (rank(one.kind), one.value)))


@delete("/v1/customers/{customer_id:str}/identities", status_code=200, guards=[auth.secret_key])
async def delete_identity(
    customer_id: FromPath[str], kind: FromQuery[str], value: FromQuery[str], service: Serving
) -> Parted:
    """Take an identity, with what came in through it, out of a customer: both are again what they were apart."""
    value = ids.cleaned(value) or value
    subject, other = service.subject(USER, clean_id_of(customer_id)), service.subject(kind, value)
    await service.stand()
    service.lately.forget(subject)
    service.lately.forget(other)
    changed = await in_thread(graph.part, service.blocking, subject, other, _BY_REQUEST, service.settings)
    return Parted(kind, value, await _rebuilt(service, changed))


HANDLERS = [get_identities, delete_identity]


def _shown(node: Node, group: Group) -> IdentityShown:
    links = [
        LinkShown(
            group[edge.other].identity.kind,
            group[edge.other].identity.value,
            edge.cause,
            datetime.fromtimestamp(edge.since / 1000, UTC),
        )
        for edge in node.edges
        if edge.other in group
    ]
    return IdentityShown(node.identity.kind, node.identity.value, links, node.shared)


async def _rebuilt(service: Service, customers: list[Subject]) -> bool:
    """Waits until the worker has rebuilt `customers`, within some time."""
    deadline = time.monotonic() + _REBUILD_SECONDS
    while time.monotonic() < deadline:
        if not set(customers) & set(await in_thread(graph.dirty, service.blocking)):
            return True
        await asyncio.sleep(_POLL_SECONDS)
    return False
