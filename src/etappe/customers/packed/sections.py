"""The optional sections of a base: what is there only where there is something to say.

A section is framed by its tag (u1) and its length (u4). One that this Etappe does not know is kept as it is. To add
one: an entry here and a field of `Base` of the same name; a tag is never given to another section.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from etappe.customers.folding import aggregates, pieces, ring
from etappe.customers.records import EVENT, in_order, one_run
from etappe.customers.stated import touches, traits
from etappe.customers.stated.traits import Trait
from etappe.errors import DataError

FRAME: Final = 5
"""Bytes before each section: its tag and its length."""
_TRAITS: Final = msgspec.json.Decoder(dict[str, Trait])


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One section: the field of `Base` it holds, its tag, how it is packed (b"": it is left out), unpacked, and joined.

    `bound` says what limits it, `text` what it is for.
    """

    name: str
    tag: int
    pack: Callable[[Any], bytes]
    unpack: Callable[[bytes], Any]
    joined: Callable[[Sequence[Any]], Any]
    bound: str
    text: str


def _pack_traits(known: dict[str, Trait]) -> bytes:
    return msgspec.json.encode(known) if known else b""


def _pack_array(values: NDArray[np.void]) -> bytes:
    return values.tobytes()


def _pack_number(number: int) -> bytes:
    return number.to_bytes(4, "little") if number else b""


SECTIONS: Final = (
    Section(
        name="traits",
        tag=1,
        pack=_pack_traits,
        unpack=_TRAITS.decode,
        joined=traits.joined,
        bound="256 names said last, and the purposes of consent, 8 kB each",
        text="traits and words of consent as last said, each with its time, as JSON",
    ),
    Section(
        name="recent",
        tag=2,
        pack=_pack_array,
        unpack=lambda packed: np.frombuffer(packed, EVENT),
        joined=lambda parts: in_order(one_run(*parts)),
        bound="32 events about items and 32 claims, 40 bytes each; leave after the session, claims after a year",
        text="the events of the session under way, and what a browser claims to have bought",
    ),
    Section(
        name="arrived",
        tag=3,
        pack=ring.pack,
        unpack=ring.unpack,
        joined=ring.joined,
        bound="1,024 of 10 bytes; leave after 7 days",
        text="hashes of the last events, by which repeats are recognised, then the day of each",
    ),
    Section(
        name="pieces",
        tag=4,
        pack=_pack_array,
        unpack=lambda packed: np.frombuffer(packed, pieces.PIECE),
        joined=pieces.joined,
        bound="64 of 56 bytes, those last met",
        text="pieces of content seen, clicked and waved away: counts, times, exposures of the last 30 days",
    ),
    Section(
        name="aggregates",
        tag=5,
        pack=aggregates.pack,
        unpack=aggregates.unpack,
        joined=aggregates.joined,
        bound="as declared: 15 bytes a day with an event, 9 a time",
        text="counts and sums by day, or the last times, that segments, stages and rules declared",
    ),
    Section(
        name="touches",
        tag=6,
        pack=touches.pack,
        unpack=touches.unpack,
        joined=touches.joined,
        bound="the first 2 and the last 6, 64 characters a property",
        text="how visits came about: time, channel, source, medium, campaign, click id, referrer",
    ),
    Section(
        name="drawn",
        tag=7,
        pack=_pack_number,
        unpack=lambda packed: int.from_bytes(packed, "little"),
        joined=lambda parts: sum(parts) % 2**32,
        bound="4 bytes",
        text="the decision counter: how many reservations of capped pieces there were, for compare-and-set",
    ),
)
"""All sections, in the order they are packed in."""
BY_TAG: Final = {section.tag: section for section in SECTIONS}
BY_NAME: Final = {section.name: section for section in SECTIONS}


def framed(tag: int, packed: bytes) -> bytes:
    """A section as it stands in a base."""
    return tag.to_bytes(1, "little") + len(packed).to_bytes(FRAME - 1, "little") + packed


def frames(packed: bytes, at: int) -> list[tuple[int, bytes]]:
    """The tags and contents of the sections in `packed` from `at` on.

    Raises:
        DataError: the last one is cut off.
    """
    found: list[tuple[int, bytes]] = []
    while at < len(packed):
        tag, start = packed[at], at + FRAME
        at = start + int.from_bytes(packed[at + 1 : start], "little")
        if at > len(packed):
            raise DataError(f"a base of {len(packed)} bytes says it has {at}; it is damaged")
        found.append((tag, packed[start:at]))
    return found


def unpacked(section: Section, packed: bytes) -> Any:
    """What a section holds.

    Raises:
        DataError: it is damaged.
    """
    try:
        return section.unpack(packed)
    except (msgspec.MsgspecError, ValueError) as error:  # text that is no UTF-8 is a ValueError too
        raise DataError(f"the {section.name} of a base are damaged: {error}") from error
