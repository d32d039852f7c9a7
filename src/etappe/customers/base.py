"""The packed base of a customer: consent first, then totals, items, the ring of event hashes, and traits.

0   version      u1
1   consent      u1   what the customer allows (`consent`); nothing behind it is decoded where personalisation is denied
2   flags        u1   DIRTY, TRIMMED
3   recent       u1   number of recent EVENT records
4   generation   u4   counts folds, for compare-and-set
8   items        u2   number of ITEM records
10  ring         u2   number of event hashes
12  traits       u4   bytes of JSON
16  consent time i8   Unix microseconds of the last word on personalisation, 0 for none
24  TOTALS, ITEM[items], u8[ring], EVENT[recent], traits
"""

from collections.abc import Sequence
from datetime import datetime
from functools import reduce
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from etappe.customers import claims, traits
from etappe.customers.consent import DENIED, GRANTED, PERSONALISATION, PREFIX, moment, said_at
from etappe.customers.fold import TOTALS, joined_items, keep_telling, orders_forgotten
from etappe.customers.joining import in_turn, totals_of
from etappe.customers.records import EVENT, ITEM, in_order
from etappe.customers.traits import Trait
from etappe.errors import DataError

VERSION: Final = 2
RING: Final = 1024
"""Event hashes a base remembers, by which repeats are recognised after their records were folded."""
DIRTY: Final = 1
"""Flag: the base may differ from the fold of the whole history and is to be rebuilt from the log."""
TRIMMED: Final = 2
"""Flag: items were left out for the bounds."""

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
        ("consent_time", "<i8"),
    ]
)
_CONSENT_TIME: Final = slice(16, 24)
_TRAITS = msgspec.json.Decoder(dict[str, Trait])


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """An unpacked base. Arrays are read-only views where they come from bytes.

    `items` is ITEM[n], ascending by hash; `ring` is uint64[k], the oldest first; `recent` is EVENT[r], the last events
    that say something of an item and the last claims, in order of time: a session goes on when its tail is folded.
    """

    consent: int = 0
    flags: int = 0
    generation: int = 0
    totals: NDArray[np.void]
    items: NDArray[np.void]
    ring: NDArray[np.uint64]
    recent: NDArray[np.void]
    traits: dict[str, Trait] = {}

    @property
    def dirty(self) -> bool:
        """Whether it may differ from the fold of the whole history."""
        return bool(self.flags & DIRTY)

    @property
    def forgetful(self) -> bool:
        """Whether items or orders were left out for the bounds: a late event may not find again what it is about."""
        return bool(self.flags & TRIMMED) or orders_forgotten(self.totals)

    def consent_time(self) -> datetime | None:
        """When consent to personalisation was last said, if the customer said anything."""
        said = self.traits.get(PREFIX + PERSONALISATION)
        return moment(said_at(said.value, said.time)) if said else None


EMPTY: Final = Base(
    totals=np.zeros(1, TOTALS), items=np.zeros(0, ITEM), ring=np.zeros(0, np.uint64), recent=np.zeros(0, EVENT)
)


def joined(bases: Sequence[Base]) -> Base:
    """The base of one customer of whom several were folded apart, with no event in common.

    Below the bounds it is the base of all their events in one run, but for the order of the ring, which takes the
    newest of all in turn: counts, times, flags, cart, wish list, rating and recent events exactly, sums of weights and
    money up to rounding. Where one of several has left out items or orders, it is DIRTY.
    Its generation is that of the first.
    """
    if len(bases) <= 1:
        return bases[0] if bases else EMPTY
    items = reduce(joined_items, (base.items for base in bases))
    kept = keep_telling(items)
    known = traits.joined([base.traits for base in bases])
    totals = totals_of([base.totals for base in bases])
    return Base(
        consent=traits.flags(known, _unsaid(bases)),
        flags=_flags(bases) | (TRIMMED if len(kept) < len(items) else 0),
        generation=bases[0].generation,
        totals=totals,
        items=kept,
        ring=in_turn([base.ring for base in bases])[-RING:],
        recent=claims.kept(in_order(np.concatenate([base.recent for base in bases])), totals),
        traits=known,
    )


def _flags(bases: Sequence[Base]) -> int:
    flags = int(np.bitwise_or.reduce([base.flags for base in bases]))
    several = sum(bool(base.totals["events"][0]) for base in bases) > 1
    return flags | (DIRTY if several and any(base.forgetful for base in bases) else 0)


def _unsaid(bases: Sequence[Base]) -> int:
    """Flags of purposes whose words no base has: what one of them denies is denied."""
    flags = int(np.bitwise_or.reduce([base.consent for base in bases]))
    return flags & ~GRANTED if flags & DENIED else flags


def pack(base: Base) -> bytes:
    """The bytes of `base` as Redis keeps them."""
    known = msgspec.json.encode(base.traits) if base.traits else b""
    said = base.traits.get(PREFIX + PERSONALISATION)
    header = np.zeros(1, HEADER)
    counts = (len(base.items), len(base.ring), len(known), said.time if said else 0)
    header[0] = (VERSION, base.consent, base.flags, len(base.recent), base.generation, *counts)
    parts = (header, base.totals, base.items, base.ring, base.recent)
    return b"".join(part.tobytes() for part in parts) + known


def consent_of(packed: bytes) -> int:
    """The consent flags alone, without decoding anything behind them."""
    return packed[1] if packed else 0


def consent_time_of(packed: bytes) -> int:
    """Unix microseconds of the last word on personalisation, 0 for none, without decoding anything behind it."""
    return int.from_bytes(packed[_CONSENT_TIME], "little", signed=True)


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
    last = recent + int(header["recent"]) * EVENT.itemsize
    if last + n_traits != len(packed):
        raise DataError(f"a base of {len(packed)} bytes says it has {last + n_traits}; it is damaged")
    try:
        known = _TRAITS.decode(packed[last:]) if n_traits else {}
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
