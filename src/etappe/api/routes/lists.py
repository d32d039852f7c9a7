"""`GET /v1/items/{id}/related` and `GET /v1/popular`: lists that are the same for everyone."""

import time
from typing import Annotated

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from etappe.api.access import auth
from etappe.api.routes.paths import clean_id_of
from etappe.api.service import Service
from etappe.serving import lists

Limit = Annotated[int, QueryParameter(ge=1, le=100)]
Window = Annotated[str | None, QueryParameter(pattern=f"^({'|'.join(lists.WINDOWS)})$(?!\\n)")]


@get("/v1/items/{item_id:str}/related", guards=[auth.any_key])
async def get_related(
    item_id: FromPath[str],
    service: NamedDependency[Service],
    kind: FromQuery[lists.RelatedKind] = "also_bought",
    limit: Limit = 10,
    locale: FromQuery[str | None] = None,
) -> lists.ItemList:
    """List what goes with an item."""
    await service.be_current()
    return lists.related(service.replica.view, clean_id_of(item_id), kind, limit, locale, service.settings, time.time())


@get("/v1/popular", guards=[auth.any_key])
async def get_popular(
    service: NamedDependency[Service],
    category: FromQuery[str | None] = None,
    window: Window = None,
    limit: Limit = 10,
    locale: FromQuery[str | None] = None,
) -> lists.ItemList:
    """List what is popular, in the shop or below a category."""
    await service.be_current()
    return lists.popular(service.replica.view, category, window, limit, locale, service.settings, time.time())


HANDLERS = [get_related, get_popular]
