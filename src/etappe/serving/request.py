"""What is asked for: the body of `POST /v1/decide`."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from etappe.errors import InputError
from etappe.events.vocabulary import Channel, Id
from etappe.values import ids
from etappe.values.unreadable import Unreadable

Limit = Annotated[int, Meta(ge=1, le=100)]
MAX_PLACEMENTS = 20
MAX_LISTED = 1000


class AskedCustomer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who is asked about, by any of the identities; none of them is an anonymous stranger."""

    user_id: Id | None = None
    anonymous_id: Id | None = None
    token: str | None = None


class Context(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the customer is just now: the page, the item on it, the items in the cart."""

    page: Annotated[str, Meta(max_length=100)] | None = None
    item: Id | None = None
    cart: Annotated[list[Id], Meta(max_length=MAX_LISTED)] = []


class Placement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A named place to fill, with items or with pieces of content."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    kind: Literal["items", "content"] = "items"
    limit: Limit = 10
    exclude: Annotated[list[Id], Meta(max_length=MAX_LISTED)] = []
    max_per_category: Annotated[int, Meta(ge=1)] | None = None
    filter: dict[str, Any] = {}


class DecideRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One request for a decision: for this customer, at this touchpoint, fill these placements."""

    placements: Annotated[list[Placement], Meta(min_length=1, max_length=MAX_PLACEMENTS)]
    customer: AskedCustomer = msgspec.field(default_factory=AskedCustomer)
    request_id: Id | None = None
    channel: Channel = "web"
    locale: Annotated[str, Meta(max_length=35)] | None = None
    context: Context = msgspec.field(default_factory=Context)
    explain: bool = False


def check(request: DecideRequest) -> None:
    """What the types cannot say.

    Raises:
        InputError: two placements share a name.
    """
    names = [placement.name for placement in request.placements]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"placement {twice!r} is asked for twice; names are unique", field="placements")


def with_clean_ids(request: DecideRequest, nobody: frozenset[str]) -> DecideRequest:
    """The request with the ids of customer, page and cart as events have them; those that are nobody's are none.

    Raises:
        InputError: one has control characters.
    """
    who, where = request.customer, request.context
    named = (who.user_id, who.anonymous_id, where.item, *where.cart)
    if all(one is None or ids.is_clean(one, nobody) for one in named):
        return request
    cleaned = [_cleaned(one, nobody) for one in named]
    return msgspec.structs.replace(
        request,
        customer=msgspec.structs.replace(who, user_id=cleaned[0], anonymous_id=cleaned[1]),
        context=msgspec.structs.replace(where, item=cleaned[2], cart=[one for one in cleaned[3:] if one is not None]),
    )


def _cleaned(text: str | None, nobody: frozenset[str]) -> str | None:
    try:
        return ids.cleaned(text, nobody)
    except Unreadable as error:
        raise InputError(f"{error}", field="customer") from error
