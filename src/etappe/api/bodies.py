"""The bodies of requests and answers that belong to HTTP alone."""

from typing import Annotated

import msgspec
from msgspec import Meta

from etappe.catalog.item import ItemPatch
from etappe.events.intake import Rejected

MAX_ITEMS = 10_000


class EventsAnswer(msgspec.Struct, frozen=True):
    """What became of each event of a batch: counts, and the rejected with index and reason."""

    accepted: int
    duplicate: int
    rejected: list[Rejected]


class ItemsBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Items to put, in parts or whole: fields that are absent stay as they are."""

    items: Annotated[list[ItemPatch], Meta(max_length=MAX_ITEMS)]


class ItemsAnswer(msgspec.Struct, frozen=True):
    """How many items were put, and the position of the change that every live replica has applied."""

    items: int
    position: str
