"""An item of the catalogue, and the partial change that `PUT /v1/items` and imports bring."""

from datetime import datetime, tzinfo
from typing import Annotated, Any, Final, Self

import msgspec
from msgspec import UNSET, Meta, UnsetType

from etappe.catalog.categories import path
from etappe.errors import TooMuchError
from etappe.events.intake import deeper
from etappe.events.vocabulary import Currency, Id, Money

MAX_BYTES: Final = 64 * 1024
"""Of one item as JSON: every replica holds every item."""
MAX_NESTING: Final = 32
"""Objects and lists inside one another in `attributes`."""
_TIMES: Final = ("available_from", "available_until")

Text = Annotated[str, Meta(max_length=2000)]
Link = Annotated[str, Meta(max_length=2000, pattern=r"^(https?://|/|$(?!\n))")]
Path = Annotated[str, Meta(max_length=500)]
Time = Annotated[datetime, Meta(extra_json_schema={"format": "date-time"})]
Stock = Annotated[int, Meta(ge=0, le=1_000_000_000)]
PriceOfDay = tuple[int, float]
"""A day since 1970 (UTC) and the price from then on."""
Days = Annotated[int, Meta(ge=0, le=3650)]


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A sellable product. `category` is a path: "home/lighting" is below "home".

    Items of one `item_group_id` are variants and fill one place of a list. An item is available where `available`
    holds and the time is inside [`available_from`, `available_until`).
    """

    id: Id
    title: Text = ""
    titles: dict[str, Text] = {}
    category: Path | None = None
    brand: Text | None = None
    item_group_id: Id | None = None
    price: Money | None = None
    prices: dict[Currency, Money] = {}
    currency: Currency | None = None
    url: Link | None = None
    image: Link | None = None
    available: bool = True
    available_from: datetime | None = None
    available_until: datetime | None = None
    floor_days: Days | None = None
    attributes: dict[str, Any] = {}
    product: bool | None = None
    """What the shop says; else the settings tell postage, vouchers and the like from products."""
    stub: bool = False
    """Whether only events have told of it."""
    stores: dict[str, Stock] = {}
    """Pieces in stock by store, for those who fetch what they buy."""
    cost: Money | None = None
    margin: float | None = None
    """Cost and margin are the shop's own business: no answer to a browser has them."""
    lowest_30d: Money | None = None
    """The lowest price of the 30 days before the present reduction; none where the price is not reduced."""
    price_history: list[PriceOfDay] = []


class ItemPatch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A change of one item: fields that are absent stay as they are, null takes a field back to its default."""

    id: Id
    title: Text | UnsetType | None = UNSET
    titles: dict[str, Text] | UnsetType | None = UNSET
    category: Path | UnsetType | None = UNSET
    brand: Text | UnsetType | None = UNSET
    item_group_id: Id | UnsetType | None = UNSET
    price: Money | UnsetType | None = UNSET
    prices: dict[Currency, Money] | UnsetType | None = UNSET
    currency: Currency | UnsetType | None = UNSET
    url: Link | UnsetType | None = UNSET
    image: Link | UnsetType | None = UNSET
    available: bool | UnsetType | None = UNSET
    available_from: Time | UnsetType | None = UNSET
    available_until: Time | UnsetType | None = UNSET
    floor_days: Days | UnsetType | None = UNSET
    attributes: dict[str, Any] | UnsetType | None = UNSET
    product: bool | UnsetType | None = UNSET
    stores: dict[str, Stock] | UnsetType | None = UNSET
    cost: Money | UnsetType | None = UNSET
    margin: float | UnsetType | None = UNSET

    @classmethod
    def of(cls, item: Item) -> Self:
        """The change that makes any item of this id equal to `item` where `item` says something."""
        plain = msgspec.structs.replace(item, stub=False, lowest_30d=None, price_history=[])
        return msgspec.convert(msgspec.to_builtins(plain), cls)


def told(item: Item, *, to_shop: bool) -> Item:
    """The item as it is answered: without its history, and without what is the shop's own business where others ask."""
    shown = msgspec.structs.replace(item, price_history=[])
    return shown if to_shop else msgspec.structs.replace(shown, cost=None, margin=None)


def check_size(patch: ItemPatch) -> None:
    """What the types cannot say.

    Raises:
        TooMuchError: the item is larger, or nested deeper, than an item may be; names the field.
    """
    if patch.attributes is not UNSET and deeper(patch.attributes, MAX_NESTING):
        raise TooMuchError(f"attributes: nested more than {MAX_NESTING} deep; flatten them", field="attributes")
    if len(msgspec.json.encode(patch)) > MAX_BYTES:
        raise TooMuchError(
            f"attributes: the item has more than {MAX_BYTES:,} bytes; leave out what is neither shown nor filtered by",
            field="attributes",
        )


def settled(patch: ItemPatch, zone: tzinfo) -> ItemPatch:
    """The patch with times that name no zone in `zone`."""
    said = {name: getattr(patch, name) for name in _TIMES}
    naive = {name: time for name, time in said.items() if isinstance(time, datetime) and time.tzinfo is None}
    return msgspec.structs.replace(patch, **{name: time.replace(tzinfo=zone) for name, time in naive.items()})


_DEFAULTS = {field.name: field for field in msgspec.structs.fields(Item)}


def merge(item: Item | None, patch: ItemPatch) -> Item:
    """`item` (or a new item) with the fields that `patch` sets. Applying patches in order gives the same everywhere.

    A category becomes a path here, whatever way it came.
    """
    base = item or Item(id=patch.id)
    changes: dict[str, Any] = {
        name: _default(name) if value is None else value
        for name, value in ((name, getattr(patch, name)) for name in patch.__struct_fields__)
        if value is not UNSET
    }
    if isinstance(patch.category, str):
        changes["category"] = path(patch.category) or None
    if base.stub:
        changes["stub"] = False
    return msgspec.structs.replace(base, **changes)


def _default(name: str) -> Any:
    field = _DEFAULTS[name]
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
