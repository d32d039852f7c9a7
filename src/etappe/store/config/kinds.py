"""What the journal's changes are of: a row for each kind, that says how its payload is read.

A new kind is a row here, and one where it is applied: in `api/replica.py`, for what serves. Whoever has no row for a
kind passes it over, so that processes of an older version stand beside newer ones.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from etappe.catalog.item import ItemPatch
from etappe.catalog.table import Catalogue
from etappe.store.config.api_keys import ApiKey
from etappe.store.config.journal import ITEMS, KEY, SNAPSHOT, STUBS, Change


class Pointer(msgspec.Struct, frozen=True):
    """What the journal says of a snapshot: its version, and whether it was gone back to."""

    version: str
    rollback: bool = False


DECODERS: Final[Mapping[str, msgspec.json.Decoder[Any]]] = {
    ITEMS: msgspec.json.Decoder(list[ItemPatch]),
    STUBS: msgspec.json.Decoder(list[ItemPatch]),
    KEY: msgspec.json.Decoder(ApiKey),
    SNAPSHOT: msgspec.json.Decoder(Pointer),
}


def content(change: Change) -> Any:
    """What a change of a known kind says.

    Raises:
        msgspec.MsgspecError, UnicodeDecodeError: its payload is damaged.
    """
    return DECODERS[change.kind].decode(change.payload)


OF_ITEMS: Final = (ITEMS, STUBS)
"""The kinds that change the catalogue."""


def put_items(catalogue: Catalogue, change: Change) -> None:
    """Does what a change of one of `OF_ITEMS` says.

    Raises:
        msgspec.MsgspecError, UnicodeDecodeError: its payload is damaged.
    """
    put = catalogue.add if change.kind == STUBS else catalogue.apply
    for patch in content(change):
        put(patch, change.day)
