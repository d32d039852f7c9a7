"""Touches: how visits came about.

A base keeps the first few and the last few, so that the first and the last contact before an order can be told.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from etappe.customers.stated.traits import Said
from etappe.events.touch import FIELDS, REFERRER
from etappe.events.vocabulary import CODES

FIRST: Final = 2
"""Touches that are never forgotten."""
LAST: Final = 6
"""Touches kept beside them, the latest."""
TEXT: Final = 64
"""Characters kept of each property."""
TOUCHING: Final = frozenset(CODES[name] for name in ("page_view", "ad_click", "email_click"))
"""The codes of events that begin visits: of others the same properties say nothing new."""


class Touch(msgspec.Struct, frozen=True, array_like=True, order=True):
    """One touch: Unix microseconds, the channel's number (0: none), and the properties, empty where unsaid."""

    time: int
    channel: int = 0
    source: str = ""
    medium: str = ""
    campaign: str = ""
    term: str = ""
    content: str = ""
    click_id: str = ""
    referrer: str = ""


_TOUCHES: Final = msgspec.msgpack.Decoder(tuple[Touch, ...])


def touched(properties: Mapping[str, Any]) -> dict[str, str]:
    """What the properties of an event say of how a visit came about, cut to TEXT characters each.

    A referrer alone is nothing: every page within a shop has one, and would push out what led to it.
    """
    texts = {name: properties[name] for name in FIELDS if name in properties}
    found = {name: text[:TEXT] for name, text in texts.items() if isinstance(text, str) and text}
    return found if found.keys() - {REFERRER} else {}


def after(touches: tuple[Touch, ...], said: Iterable[Said]) -> tuple[Touch, ...]:
    """The touches that stay after what was `said`."""
    new = [Touch(one.time, one.channel, **touched(one.values)) for one in said if one.code in TOUCHING]
    return joined([touches, tuple(new)]) if new else touches


def joined(parts: Sequence[tuple[Touch, ...]]) -> tuple[Touch, ...]:
    """The FIRST and LAST of all by time: those of any union are among those of its parts, so any order is right."""
    known = sorted({touch for part in parts for touch in part})
    return tuple(known if len(known) <= FIRST + LAST else known[:FIRST] + known[-LAST:])


def pack(touches: tuple[Touch, ...]) -> bytes:
    """As a base keeps them: MessagePack arrays."""
    return msgspec.msgpack.encode(touches) if touches else b""


def unpack(packed: bytes) -> tuple[Touch, ...]:
    """The touches of a base."""
    return _TOUCHES.decode(packed)
