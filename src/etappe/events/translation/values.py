"""Single values as other systems write them: ids as numbers, numbers as text, times in several spellings."""

import hashlib
import math
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from etappe.errors import InputError
from etappe.events.intake import MAX_NESTING, deeper
from etappe.values import ids, quantities, times
from etappe.values.money import Mark
from etappe.values.unreadable import Unreadable, is_absent

UNDECODABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding bytes of strangers may raise."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_OBJECT: Final[msgspec.json.Decoder[dict[str, Any]]] = msgspec.json.Decoder(dict[str, Any])
_PARTS: Final[msgspec.json.Decoder[dict[str, msgspec.Raw]]] = msgspec.json.Decoder(dict[str, msgspec.Raw])

_DEEPEST: Final = MAX_NESTING + 8
"""Objects and lists inside one another in a payload: those of an event's properties, and those around them."""
_LARGEST: Final = 10**300
"""Larger whole numbers are no floats."""


def decoded(raw: bytes) -> dict[str, Any]:
    """A JSON object.

    Raises:
        InputError: it is none, or nested too deep.
    """
    try:
        found = _OBJECT.decode(raw)
    except UNDECODABLE as error:
        raise InputError(f"no JSON object: {error}") from error
    if deeper(found, _DEEPEST):
        raise InputError(f"nested more than {_DEEPEST} deep; send it flatter")
    return found


def parts(raw: bytes) -> dict[str, msgspec.Raw]:
    """A JSON object whose values are left as their bytes.

    Raises:
        InputError: it is none.
    """
    try:
        return _PARTS.decode(raw)
    except UNDECODABLE as error:
        raise InputError(f"no JSON object: {error}") from error


def mapping(value: object) -> dict[str, Any]:
    """`value` where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def text(value: object) -> str | None:
    """An id as text; None where it is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value else None


def number(value: object) -> float | int | None:
    """A finite number, also one written as text, as quantities are; None where it is none."""
    if isinstance(value, str):
        try:
            value = float(quantities.number(value, Mark.POINT))
        except Unreadable:
            return None
    if isinstance(value, int) and abs(value) > _LARGEST:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return int(value) if isinstance(value, float) and value.is_integer() else value


def ident(value: object, nobody: frozenset[str]) -> str | Unreadable | None:
    """An id; None where it is nobody's, and where it is none the reason, by which the event is refused."""
    try:
        return ids.cleaned(value, nobody)
    except Unreadable as error:
        return error


def moment(value: object, now: datetime | None = None) -> datetime | None:
    """A time (UTC where it names no zone); None where there is none.

    Raises:
        Unreadable: it is no time.
    """
    return None if is_absent(value) else times.read(value, now=now)


def digest(*said: bytes | str) -> str:
    """24 hexadecimal digits of what is said, for the ids of events that came without one."""
    encoded = [one.encode() if isinstance(one, str) else one for one in said]
    return hashlib.blake2b(b"\x1f".join(encoded), digest_size=12).hexdigest()


def micros(time: datetime) -> int:
    """Unix microseconds."""
    return (time - _EPOCH) // timedelta(microseconds=1)


def at(said: object) -> datetime | Unreadable:
    """The time that is `said`, as a number its size tells of which unit; where it is none, what refuses the event."""
    try:
        return times.read(said)
    except Unreadable as error:
        return error.of("timestamp")
