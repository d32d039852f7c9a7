"""`PUT /v1/items` and `GET /v1/items/{id}`: the catalogue."""

from typing import Any

import msgspec
from litestar import Request, get, put
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, JSONBody

from etappe.api.access import auth
from etappe.api.bodies import ItemsAnswer, ItemsBody
from etappe.api.routes.paths import clean_id_of
from etappe.api.service import Service
from etappe.catalog.item import Item, ItemPatch, check_size, settled, told
from etappe.errors import InputError
from etappe.ids import item_hash
from etappe.store.config import journal
from etappe.values import ids
from etappe.values.unreadable import Unreadable


@put("/v1/items", guards=[auth.secret_key])
async def put_items(data: JSONBody[ItemsBody], service: NamedDependency[Service]) -> ItemsAnswer:
    """Put items of the catalogue; answered when every live replica has them."""
    await service.be_current()
    named = _named(data.items, service.settings.values.reading().nobody)
    _check_each(service, named)
    items = [settled(patch, service.zone) for patch in named]
    position = journal.START
    for start in range(0, len(items), journal.PATCHES_PER_ENTRY):
        patches = items[start : start + journal.PATCHES_PER_ENTRY]
        position = await service.journal(journal.ITEMS, patches)
    await journal.wait_until_applied(service.client, position, service.settings.store.lease_seconds)
    return ItemsAnswer(len(items), position)


@get("/v1/items/{item_id:str}", guards=[auth.any_key])
async def get_item(
    item_id: FromPath[str], request: Request[Any, Any, State], service: NamedDependency[Service]
) -> Item:
    """Show an item of the catalogue; a publishable key is shown neither cost nor margin."""
    await service.be_current()
    item_id = clean_id_of(item_id)
    item = service.replica.view.catalogue.find(item_id)
    if item is None:
        raise NotFoundException(f"the catalogue has no item {item_id!r}")
    return told(item, to_shop=auth.is_trusted(request))


HANDLERS = [put_items, get_item]


def _named(patches: list[ItemPatch], nobody: frozenset[str]) -> list[ItemPatch]:
    """The patches with ids as every way in reads them; InputError where one is nobody's, or none."""
    return [_with_clean_ids(patch, f"items[{index}]", nobody) for index, patch in enumerate(patches)]


def _with_clean_ids(patch: ItemPatch, place: str, nobody: frozenset[str]) -> ItemPatch:
    group = patch.item_group_id if isinstance(patch.item_group_id, str) else None
    if ids.is_clean(patch.id, nobody) and (group is None or ids.is_clean(group, nobody)):
        return patch  # most items
    try:
        item_id, group_id = (ids.cleaned(text, nobody) for text in (patch.id, group))
    except Unreadable as error:
        raise error.of(f"{place}.{'id' if error.value == patch.id else 'item_group_id'}") from error
    if item_id is None:
        raise InputError(f"{place}.id: {patch.id!r} is nobody's id; give the item's own", field=f"{place}.id")
    return msgspec.structs.replace(patch, id=item_id, item_group_id=patch.item_group_id if group is None else group_id)


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
