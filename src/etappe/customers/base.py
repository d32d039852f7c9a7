"""The packed base of a customer: consent first, then totals, items, the ring of event hashes, and traits.

0   version    u1
1   consent    u1   what the customer allows; nothing behind it is decoded where personalisation is denied
2   flags      u1   DIRTY: to be rebuilt from the log
3   recent     u1   number of recent EVENT records
4   generation u4   counts folds, for compare-and-set
8   items      u2   number of ITEM records
10  ring       u2   number of event hashes
12  traits     u4   bytes of JSON
16  TOTALS, ITEM[items], u8[ring], EVENT[recent], traits
"""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from etappe.customers.fold import TOTALS
from etappe.customers.records import EVENT, ITEM
from etappe.errors import DataError

VERSION: Final = 1
RING: Final = 1024
"""Event hashes a base remembers, by which repeats are recognised after their records were folded."""
RECENT: Final = 32
"""Events about items that a base keeps as they were, for the session under way."""
CONSENT_GRANTED: Final = 1
CONSENT_DENIED: Final = 2
DIRTY: Final = 1

HEADER: Final = np.dtype(
    [
        ("version", "u1"),
        ("consent", "u1"),
        ("flags", "u1"),
        ("recent", "u1"),
        ("generation", "<u4"),
        ("items", "<u2"),
        ("ring", "<u2"),
        ("traits", "<u4"),
    ]
)


class Trait(msgspec.Struct, frozen=True, array_like=True):
    """A known trait of a customer and the Unix second it was said."""

    value: Any
    time: int


_TRAITS = msgspec.json.Decoder(dict[str, Trait])


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """An unpacked base. `ring` is uint64[k], oldest first; arrays are read-only views where they come from bytes.

    `recent` is EVENT[r], the last events that say something of an item, in order of time: a session goes on when its
    tail is folded.
    """

    consent: int = 0
    flags: int = 0
    generation: int = 0
    totals: NDArray[np.void]
    items: NDArray[np.void]
    ring: NDArray[np.uint64]
    recent: NDArray[np.void]
    traits: dict[str, Trait] = {}

    def consent_time(self) -> datetime | None:
        """When consent to personalisation was last said, if the customer said anything."""
        said = self.traits.get(CONSENT + PERSONALISATION)
        return datetime.fromtimestamp(said.time, UTC) if said else None


CONSENT: Final = "$consent:"
"""Consent is kept beside the traits, each purpose under its name behind this reserved prefix."""
PERSONALISATION: Final = "personalisation"

EMPTY: Final = Base(
    totals=np.zeros(1, TOTALS), items=np.zeros(0, ITEM), ring=np.zeros(0, np.uint64), recent=np.zeros(0, EVENT)
)


def pack(base: Base) -> bytes:
    """The bytes of `base` as Redis keeps them."""
    traits = msgspec.json.encode(base.traits) if base.traits else b""
    header = np.zeros(1, HEADER)
    counts = (len(base.items), len(base.ring), len(traits))
    header[0] = (VERSION, base.consent, base.flags, len(base.recent), base.generation, *counts)
    parts = (header, base.totals, base.items, base.ring, base.recent)
    return b"".join(part.tobytes() for part in parts) + traits


def consent_of(packed: bytes) -> int:
    """The consent flags alone, without decoding anything behind them."""
    return packed[1] if packed else 0


def unpack(packed: bytes) -> Base:
    """The base in `packed`; the empty one for no bytes.

    Raises:
        DataError: the bytes are no base of this version.
    """
    if not packed:
        return EMPTY
    if packed[0] != VERSION or len(packed) < HEADER.itemsize + TOTALS.itemsize:
        raise DataError(f"a base of version {packed[0]} and {len(packed)} bytes; this Etappe reads version {VERSION}")
    header = np.frombuffer(packed, HEADER, 1)[0]
    n_items, n_ring, n_traits = int(header["items"]), int(header["ring"]), int(header["traits"])
    start = HEADER.itemsize
    items = start + TOTALS.itemsize
    ring = items + n_items * ITEM.itemsize
    recent = ring + n_ring * 8
    traits = recent + int(header["recent"]) * EVENT.itemsize
    if traits + n_traits != len(packed):
        raise DataError(f"a base of {len(packed)} bytes says it has {traits + n_traits}; it is damaged")
    try:
        known = _TRAITS.decode(packed[traits:]) if n_traits else {}
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DataError(f"the traits of a base are damaged: {error}") from error
    return Base(
        consent=int(header["consent"]),
        flags=int(header["flags"]),
        generation=int(header["generation"]),
        totals=np.frombuffer(packed, TOTALS, 1, start),
        items=np.frombuffer(packed, ITEM, n_items, items),
        ring=np.frombuffer(packed, np.uint64, n_ring, ring),
        recent=np.frombuffer(packed, EVENT, int(header["recent"]), recent),
        traits=known,
    )
