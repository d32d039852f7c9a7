"""Single values as other systems write them: ids as numbers, numbers as text, times in several spellings."""

import hashlib
import math
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from etappe.errors import InputError
from etappe.events.intake import MAX_NESTING, deeper

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
    """A finite number, also one written as text; None where it is none."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, int) and abs(value) > _LARGEST:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return int(value) if isinstance(value, float) and value.is_integer() else value


def currency(value: object) -> str | None:
    """A code of ISO 4217 in capitals; None where it is none."""
    code = value.strip().upper() if isinstance(value, str) else ""
    return code if len(code) == 3 and code.isascii() and code.isalpha() else None  # noqa: PLR2004 - ISO 4217


def moment(value: object) -> datetime | None:
    """A time written as ISO 8601 (UTC where it names no zone); None where there is none.

    Raises:
        InputError: it is no time.
    """
    if value is None or value == "":
        return None
    try:
        found = datetime.fromisoformat(value if isinstance(value, str) else "")
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{value!r} is no time; write it as ISO 8601", field="timestamp") from error


def digest(*said: bytes | str) -> str:
    """24 hexadecimal digits of what is said, for the ids of events that came without one."""
    encoded = [one.encode() if isinstance(one, str) else one for one in said]
    return hashlib.blake2b(b"\x1f".join(encoded), digest_size=12).hexdigest()


def micros(time: datetime) -> int:
    """Unix microseconds."""
    return (time - _EPOCH) // timedelta(microseconds=1)


def at(said: object) -> datetime | str:
    """The time that is `said` in Unix microseconds; where it is none, text that no event takes for a time."""
    found = number(said)
    if isinstance(found, int):
        with suppress(OverflowError):
            return _EPOCH + timedelta(microseconds=found)
    return f"{said!r} microseconds"
