"""The packed base of a customer: consent first, then totals and items, then the sections there are.

0   version      u1
1   consent      u1   what the customer allows (`consent`); nothing behind it is decoded where personalisation is denied
2   flags        u1   DIRTY, TRIMMED
3   orders       u1   number of orders remembered
4   generation   u4   counts folds, for compare-and-set
8   seen         u2   number of items merely seen
10  acted        u2   number of items acted on
12  length       u3   bytes of totals and items (`compact`)
15  sections     u1   number of sections
16  consent time i8   Unix microseconds of the last word on personalisation, 0 for none
24  totals and items, then sections (`sections`): tag u1, length u4, content

Scripts know the places up to 24, and find an event's hash by searching all bytes.
"""

import struct
from collections.abc import Sequence
from datetime import datetime
from functools import reduce
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from etappe.customers.folding import claims, pieces
from etappe.customers.folding.aggregates import Aggregates
from etappe.customers.folding.fold import TOTALS, joined_items, keep_telling, orders_forgotten
from etappe.customers.folding.joining import totals_of
from etappe.customers.folding.pieces import PIECE
from etappe.customers.folding.ring import ARRIVED, RING
from etappe.customers.packed.compact import ACTED_MOST, ITEM_WORDS, TOTALS_MOST, TOTALS_WORDS, write_body
from etappe.customers.packed.expand import read_body
from etappe.customers.packed.sections import BY_TAG, SECTIONS, framed, frames, unpacked
from etappe.customers.records import EVENT, ITEM, REBUILD
from etappe.customers.stated import traits
from etappe.customers.stated.consent import DENIED, GRANTED, PERSONALISATION, PREFIX, moment, said_at
from etappe.customers.stated.touches import Touch
from etappe.customers.stated.traits import Trait
from etappe.errors import DataError

__all__ = [
    "DIRTY",
    "EMPTY",
    "RING",
    "TRIMMED",
    "VERSION",
    "Base",
    "consent_of",
    "consent_time_of",
    "joined",
    "pack",
    "unpack",
]

VERSION: Final = 3
DIRTY: Final = 1
"""Flag: the base may differ from the fold of the whole history and is to be rebuilt from the log."""
TRIMMED: Final = 2
"""Flag: items or pieces were left out for the bounds."""

HEADER: Final = struct.Struct("<BBBBIHHIq")
"""The first 24 bytes."""
_LENGTH_BITS: Final = 24
_CONSENT_TIME: Final = slice(16, 24)


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """An unpacked base.

    `items` is ITEM[n], ascending by hash; `recent` is EVENT[r], the events of the session that say something of an item
    and the last claims, in order of time: a session goes on when its tail is folded. `arrived` is ARRIVED[k], the
    oldest first; `pieces` is PIECE[p], ascending by hash; `drawn` counts reservations of capped pieces; `unknown` are
    sections of a later Etappe by tag.
    """

    consent: int = 0
    flags: int = 0
    generation: int = 0
    totals: NDArray[np.void]
    items: NDArray[np.void]
    recent: NDArray[np.void] = np.zeros(0, EVENT)
    arrived: NDArray[np.void] = np.zeros(0, ARRIVED)
    traits: dict[str, Trait] = {}
    pieces: NDArray[np.void] = np.zeros(0, PIECE)
    aggregates: Aggregates | None = None
    touches: tuple[Touch, ...] = ()
    drawn: int = 0
    unknown: tuple[tuple[int, bytes], ...] = ()

    @property
    def ring(self) -> NDArray[np.uint64]:
        """uint64[k]: the hashes of the last events, the oldest first."""
        hashes: NDArray[np.uint64] = self.arrived["event"]
        return hashes

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


EMPTY: Final = Base(totals=np.zeros(1, TOTALS), items=np.zeros(0, ITEM))


def joined(bases: Sequence[Base]) -> Base:
    """The base of one customer of whom several were folded apart, with no event in common.

    Below the bounds it is the base of all their events in one run, but for the order of the ring, which takes the
    newest of all in turn: counts, times, flags, cart, wish list, rating and recent events exactly, sums of weights and
    money up to rounding. Where one of several has left out items or orders, it is DIRTY.
    Its generation is that of the first. Of sections that this Etappe does not know the first of each tag stays; where
    several have one, it is DIRTY: nobody here can tell what they make together.
    """
    if len(bases) <= 1:
        return bases[0] if bases else EMPTY
    items = reduce(joined_items, (base.items for base in bases))
    kept = keep_telling(items)
    parts: dict[str, Any] = {one.name: one.joined([getattr(base, one.name) for base in bases]) for one in SECTIONS}
    totals = totals_of([base.totals for base in bases])
    parts["recent"] = claims.kept(parts["recent"], totals)
    all_pieces = parts["pieces"]
    parts["pieces"] = pieces.kept(all_pieces)
    trimmed = len(kept) < len(items) or len(parts["pieces"]) < len(all_pieces)
    return Base(
        consent=traits.flags(parts["traits"], _unsaid(bases)),
        flags=_flags(bases) | (TRIMMED if trimmed else 0),
        generation=bases[0].generation,
        totals=totals,
        items=kept,
        unknown=tuple(dict(reversed([frame for base in bases for frame in base.unknown])).items()),
        **parts,
    )


def _flags(bases: Sequence[Base]) -> int:
    flags = int(np.bitwise_or.reduce([base.flags for base in bases]))
    filled = [base for base in bases if base.totals["events"][0]]
    lost = len({base.aggregates.digest for base in bases if base.aggregates}) > 1
    tags = [tag for base in bases for tag, _ in base.unknown]
    unsure = any(base.forgetful for base in bases) or lost or len(set(tags)) < len(tags)
    return flags | (DIRTY if len(filled) > 1 and unsure else 0)


def _unsaid(bases: Sequence[Base]) -> int:
    """Flags of purposes whose words no base has: what one of them denies is denied."""
    flags = int(np.bitwise_or.reduce([base.consent for base in bases]))
    return flags & ~GRANTED if flags & DENIED else flags


def pack(base: Base) -> bytes:
    """The bytes of `base` as Redis keeps them."""
    framed_sections = [
        framed(section.tag, packed) for section in SECTIONS if (packed := section.pack(getattr(base, section.name)))
    ]
    framed_sections += [framed(tag, packed) for tag, packed in base.unknown]
    body = np.empty(TOTALS_MOST + ACTED_MOST * len(base.items), np.uint8)
    items = np.ascontiguousarray(base.items).view(np.int64).reshape(-1, ITEM_WORDS)
    length, seen, orders = write_body(items, base.totals.view(np.int64), body)
    said = base.traits.get(PREFIX + PERSONALISATION)
    lengths = length | len(framed_sections) << _LENGTH_BITS
    counts = (base.generation, seen, len(items) - seen, lengths, said.time if said else 0)
    header = HEADER.pack(VERSION, base.consent, base.flags, orders, *counts)
    return b"".join([header, body[:length].tobytes(), *framed_sections])


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
    if packed[0] != VERSION or len(packed) < HEADER.size:
        told = f"a base of version {packed[0]} and {len(packed)} bytes"
        raise DataError(f"{told}; this Etappe reads version {VERSION}: {REBUILD}")
    _, consent, flags, orders, generation, seen, acted, lengths, _ = HEADER.unpack_from(packed)
    items, totals = np.empty((seen + acted, ITEM_WORDS), np.int64), np.zeros(TOTALS_WORDS, np.int64)
    end = HEADER.size + (lengths & (1 << _LENGTH_BITS) - 1)
    whole = end <= len(packed)
    if not whole or not read_body(np.frombuffer(packed, np.uint8), HEADER.size, end, seen, orders, items, totals):
        raise DataError(f"a base of {len(packed)} bytes says it has {end} before its sections; it is damaged")
    sections, unknown = _sections(packed, end, lengths >> _LENGTH_BITS)
    return Base(
        consent=consent,
        flags=flags,
        generation=generation,
        totals=totals.view(TOTALS),
        items=items.view(ITEM)[:, 0] if len(items) else EMPTY.items,
        unknown=unknown,
        **sections,
    )


def _sections(packed: bytes, at: int, count: int) -> tuple[dict[str, Any], tuple[tuple[int, bytes], ...]]:
    """What the `count` sections from `at` on hold by name, and those that are not known."""
    found = frames(packed, at)
    if len(found) != count:
        raise DataError(f"a base of {len(packed)} bytes has {len(found)} sections of {count}; it is damaged")
    known = {BY_TAG[tag].name: unpacked(BY_TAG[tag], content) for tag, content in found if tag in BY_TAG}
    return known, tuple(frame for frame in found if frame[0] not in BY_TAG)
