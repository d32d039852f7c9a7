"""`GET /v1/customers/{id}`: a customer, as the next decision will see them."""

import time
from datetime import datetime
from typing import Any, Final

import msgspec
import numpy as np
from litestar import get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from etappe.api.access import auth
from etappe.api.routes.paths import clean_id_of
from etappe.api.service import Service
from etappe.catalog.table import Catalogue
from etappe.customers.records import CARTED, IGNORED, WISHED
from etappe.customers.state import State, fold_state
from etappe.customers.stated.consent import Consented
from etappe.events.identities import USER
from etappe.serving.answering.answer import AnsweredCustomer
from etappe.serving.decide import state_of

RECENT_ITEMS: Final = 20
"""Items shown of a customer."""


class CustomerItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one customer has to do with one item; `weight` is how much it says about taste today."""

    id: str
    weight: float
    last: float
    purchases: int = 0
    views: int = 0
    wished: bool = False
    in_cart: bool = False
    ignored: bool = False
    rating: int | None = None


class CustomerAnswer(AnsweredCustomer, frozen=True, kw_only=True):
    """A customer as Etappe sees them now; times in Unix seconds. `consents` are the last words by purpose."""

    id: str
    consent: str
    consent_since: datetime | None = None
    consents: dict[str, Consented] = msgspec.field(default_factory=dict)
    traits: dict[str, Any] = msgspec.field(default_factory=dict)
    first_seen: int | None = None
    last_seen: int | None = None
    events: int = 0
    orders: int = 0
    revenue: float = 0.0
    refunded: float = 0.0
    items: list[CustomerItem] = msgspec.field(default_factory=list)


@get("/v1/customers/{customer_id:str}", guards=[auth.secret_key])
async def get_customer(customer_id: FromPath[str], service: NamedDependency[Service]) -> CustomerAnswer:
    """Show a customer by user_id, as the next decision will see them."""
    customer_id = clean_id_of(customer_id)
    record = await service.customer(service.subject(USER, customer_id))
    if not record.found:
        raise NotFoundException(f"no event of customer {customer_id!r} is known")
    state = state_of(record.base, record.tail, service.settings)
    if state is None:
        return consents_of(customer_id, fold_state(record.base, record.tail, service.settings.learning.half_life_days))
    return answer_of(customer_id, state, service.replica.view.catalogue)


HANDLERS = [get_customer]


def answer_of(customer_id: str, state: State, catalogue: Catalogue) -> CustomerAnswer:
    """What is known of a customer by their state."""
    totals = state.base.totals[0]
    return CustomerAnswer(
        id=customer_id,
        known=state.known,
        consent=state.consent,
        consent_since=state.base.consent_time(),
        consents=state.consents(),
        traits=state.traits(),
        first_seen=int(totals["first"]),
        last_seen=int(totals["last"]),
        events=int(totals["events"]),
        orders=int(totals["orders"]),
        revenue=round(float(totals["revenue"]), 2),
        refunded=round(float(totals["refunded"]), 2),
        items=_items_of(state, catalogue),
    )


def consents_of(customer_id: str, state: State) -> CustomerAnswer:
    """What is shown of a customer who does not allow personalisation: what they said of it, and nothing else."""
    return CustomerAnswer(
        id=customer_id,
        known=True,
        consent=state.consent,
        consent_since=state.base.consent_time(),
        consents=state.consents(),
    )


def _items_of(state: State, catalogue: Catalogue) -> list[CustomerItem]:
    """The items that say most about the customer, weightiest first; items the catalogue lacks are left out."""
    rows = catalogue.rows(state.items["item"])
    weights = state.weights(time.time())
    order = [place for place in np.argsort(-weights, kind="stable") if rows[place] >= 0][:RECENT_ITEMS]
    return [_customer_item(catalogue.item(int(rows[place])).id, state.items[place], weights[place]) for place in order]


def _customer_item(item_id: str, item: np.void, weight: float) -> CustomerItem:
    flags = int(item["flags"])
    return CustomerItem(
        id=item_id,
        weight=round(float(weight), 3),
        last=int(item["last"]),
        purchases=int(item["purchases"]),
        views=int(item["views"]),
        wished=bool(flags & WISHED),
        in_cart=bool(flags & CARTED),
        ignored=bool(flags & IGNORED),
        rating=int(item["rating"]) or None,
    )
