"""The bodies of requests and answers that belong to HTTP alone."""

from datetime import datetime, tzinfo
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from etappe.catalog.item import ItemPatch
from etappe.events.intake import Rejected

MAX_ITEMS = 10_000
_TIMES: Final = ("available_from", "available_until")


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


def in_zone(patch: ItemPatch, zone: tzinfo) -> ItemPatch:
    """The patch with times that name no zone in the shop's."""
    times = {name: getattr(patch, name) for name in _TIMES}
    naive = {name: time for name, time in times.items() if isinstance(time, datetime) and time.tzinfo is None}
    return msgspec.structs.replace(patch, **{name: time.replace(tzinfo=zone) for name, time in naive.items()})
