"""Times as others write them: ISO 8601, numbers since 1970, days and months in either order, serial days.

What one date leaves open, whether 01/12 is in December, is told by the others of its column.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Final

from etappe.values.unreadable import Unreadable

FIRST_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""A number since 1970 that comes before is none, or in another unit."""
AHEAD: Final = timedelta(days=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SERIAL_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's day has no zone
_FIRST_SERIAL: Final = 36_526
"""2000-01-01 as a spreadsheet's day."""
_UNITS: Final = (1, 1_000, 1_000_000, 1_000_000_000)
"""Of a second: s, ms, us, ns. The numbers of one unit from 2000 on are none of the next before the year 31,000."""


class Order(StrEnum):
    """How a column writes its dates."""

    DMY = "dmy"
    MDY = "mdy"
    AMBIGUOUS = "ambiguous"
    """None of its dates tells."""
    BOTH = "both"
    """Some can only be one, others only the other."""


NO_TIME: Final = "no time: write it as ISO 8601, as in 2026-01-31T12:00:00+01:00"
OPEN: Final = (
    "ambiguous: day and month may be either; write 2026-01-31, or say values.dates, of a file --dates dmy or mdy"
)
IMPLAUSIBLE: Final = (
    "no time since 1970 in s, ms, us or ns between the year 2000 and tomorrow; send such a number, or ISO 8601"
)
SERIAL: Final = f"{IMPLAUSIBLE}; days as spreadsheets count them are read by --dates excel"
LEFT_OUT: Final = "a time that the change to summer time leaves out; give its offset, as in +01:00"
NO_DATE: Final = "no day of a month; dates of its column have day and month in the other order?"

_NUMBER: Final = re.compile(r"[+-]?\d+(?:[.,]\d+)?|[+-]?\d(?:\.\d+)?[eE]\+?\d{1,2}")
_COMPACT: Final = re.compile(r"((?:19|20)\d{6})(\d\d)(\d\d)(\d\d)?")
_DATE: Final = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d\d)(?:,?[ T]+(.+))?")
_YEAR_FIRST: Final = re.compile(r"(\d{4})([/.-])(\d{1,2})\2(\d{1,2})(?:,?[ T]+(.+))?")
_CLOCK: Final = re.compile(
    r"(\d{1,2})[:.](\d\d)(?:[:.](\d\d)(?:[.,](\d{1,9}))?)?(?: ?([AP])\.?M\.?)?(?: ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?",
    re.IGNORECASE,
)
_ZONE_BEHIND: Final = re.compile(r"\s*(?:Z|UTC|GMT)\Z|\s+(?=[+-]\d\d(?::?\d\d)?\Z)", re.IGNORECASE)
_NAMED_ZONE: Final = re.compile(r"\[[A-Za-z_/+-]+\]\Z")
_LARGEST: Final = 10**19
_LONGEST: Final = 64
_CENTURY: Final = 2000
_MONTHS: Final = 12


def read(
    value: object,
    *,
    zone: tzinfo = UTC,
    order: Order = Order.AMBIGUOUS,
    now: datetime | None = None,
    serial: bool = False,
) -> datetime:
    """The time (UTC) that `value` is: text, or a number since 1970 in the unit that its size tells.

    A time without an offset is in `zone`; one that the change to winter time repeats is the earlier. `order` is what
    its column tells (`order_of`), `serial` whether it holds a spreadsheet's days. `now` bounds numbers.

    Raises:
        Unreadable: it is none, of two meanings, or implausible; the reason has the remedy.
    """
    if isinstance(value, datetime):
        return _in_utc(value, zone, value)
    if isinstance(value, str):
        return _of_text(value, zone, order, now, serial)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable(NO_TIME, value)
    return _of_number(value, zone, now, serial, value)


def order_of(texts: Iterable[str]) -> Order:
    """What the dates of a column tell together."""
    told = {told_by(text) for text in texts}
    return both(Order.DMY in told, Order.MDY in told)


def told_by(text: str) -> Order | None:
    """What one date tells of its column: DMY or MDY, AMBIGUOUS where it asks it, None where it says nothing."""
    found = _DATE.fullmatch(text.strip())
    if found is None or found[2] == ".":
        return None
    first, second = int(found[1]), int(found[3])
    if first > _MONTHS or second > _MONTHS:
        return Order.DMY if second <= _MONTHS else Order.MDY if first <= _MONTHS else None
    return None if first == second else Order.AMBIGUOUS


def both(dmy: bool, mdy: bool) -> Order:
    """The order of a column in which dates were seen that can only be `dmy`, only `mdy`, or neither."""
    if dmy and mdy:
        return Order.BOTH
    return Order.DMY if dmy else Order.MDY if mdy else Order.AMBIGUOUS


def is_serial(value: object, now: datetime | None = None) -> bool:
    """Whether `value` is a number that as a spreadsheet's day lies between 2000 and tomorrow."""
    with suppress(ValueError, TypeError, OverflowError):
        number = float(value.replace(",", ".") if isinstance(value, str) else value)  # type: ignore[arg-type]
        return _FIRST_SERIAL <= number <= _last(now).timestamp() / 86_400 + 25_569
    return False


def _of_text(value: str, zone: tzinfo, order: Order, now: datetime | None, serial: bool) -> datetime:
    text = value.strip()
    if len(text) > _LONGEST:
        raise Unreadable(NO_TIME, value)
    compact = _COMPACT.fullmatch(text)
    if compact:
        text = f"{compact[1]}T{compact[2]}{compact[3]}{compact[4] or '00'}"
    elif _NUMBER.fullmatch(text) and not (len(text) == 8 and _of_iso(text)):  # noqa: PLR2004 - YYYYMMDD
        return _of_number(_number(text), zone, now, serial, value)
    dated = _DATE.fullmatch(text)
    if dated:
        return _in_utc(_of_date(dated, order, value), zone, value)
    found = _of_iso(_ZONE_BEHIND.sub(_offset, _NAMED_ZONE.sub("", text)))
    year = None if found else _YEAR_FIRST.fullmatch(text)
    if year:
        found = _at(int(year[1]), int(year[3]), int(year[4]), year[5], value)
    if found is None:
        raise Unreadable(NO_TIME, value)
    return _in_utc(found, zone, value)


def _number(text: str) -> int | float:
    """Whole numbers stay so: a float has no room for nanoseconds."""
    return int(text) if text.lstrip("+-").isdigit() else float(text.replace(",", "."))


def _offset(found: re.Match[str]) -> str:
    return "+00:00" if found[0].strip() else ""


def _of_iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _of_number(number: float, zone: tzinfo, now: datetime | None, serial: bool, value: object) -> datetime:
    if not -_LARGEST < number < _LARGEST:  # no number, too
        raise Unreadable(IMPLAUSIBLE, value)
    if serial and is_serial(number, now):
        return _in_utc(_SERIAL_EPOCH + timedelta(milliseconds=round(number * 86_400_000)), zone, value)
    first, last = FIRST_EPOCH.timestamp(), _last(now).timestamp()
    for unit in _UNITS:
        if first * unit <= number <= last * unit:
            return _EPOCH + timedelta(microseconds=_micros(number, unit))
    raise Unreadable(SERIAL if is_serial(number, now) else IMPLAUSIBLE, value)


def _micros(number: float, unit: int) -> int:
    if isinstance(number, int):
        return number * 1_000_000 // unit
    return round(number * (1_000_000 / unit))


def _last(now: datetime | None) -> datetime:
    return (now or datetime.now(UTC)) + AHEAD


def _of_date(parts: re.Match[str], order: Order, value: str) -> datetime:
    first, second = int(parts[1]), int(parts[3])
    chosen = Order.DMY if parts[2] == "." or first == second else told_by(f"{first}/{second}/2000")
    if chosen is Order.AMBIGUOUS:
        chosen = order
    if chosen in (Order.AMBIGUOUS, Order.BOTH):
        raise Unreadable(OPEN, value)
    if order in (Order.DMY, Order.MDY) and chosen is not order and parts[2] != "." and first != second:
        raise Unreadable(NO_DATE, value)
    day, month = (first, second) if chosen is Order.DMY else (second, first)
    year = int(parts[4]) + (_CENTURY if len(parts[4]) == 2 else 0)  # noqa: PLR2004 - of two digits
    return _at(year, month, day, parts[5], value)


def _at(year: int, month: int, day: int, clock: str | None, value: str) -> datetime:
    """The time of `clock` ("8:26", "08:26:00 PM", "08:26 +02") on a day."""
    found = _CLOCK.fullmatch(clock.strip()) if clock else None
    if clock and found is None:
        raise Unreadable(NO_TIME, value)
    try:
        midnight = datetime(year, month, day)  # noqa: DTZ001 - its zone comes with the clock, or is the shop's
        return midnight if found is None else _with_clock(midnight, found)
    except ValueError as error:
        raise Unreadable(NO_TIME, value) from error


def _with_clock(midnight: datetime, parts: re.Match[str]) -> datetime:
    hour, half = int(parts[1]), (parts[5] or "").upper()
    if half:
        if not 1 <= hour <= _MONTHS:
            raise ValueError(parts[0])
        hour = hour % 12 + (12 if half == "P" else 0)
    micro = int((parts[4] or "0").ljust(6, "0")[:6])
    moment = midnight.replace(hour=hour, minute=int(parts[2]), second=int(parts[3] or 0), microsecond=micro)
    if parts[6] is None:
        return moment
    offset = "+00:00" if parts[6][0] not in "+-" else parts[6]
    return datetime.fromisoformat(moment.isoformat() + offset)


def _in_utc(found: datetime, zone: tzinfo, value: object) -> datetime:
    try:
        if found.tzinfo is not None:
            return found.astimezone(UTC)
        there = found.replace(tzinfo=zone, fold=0).astimezone(UTC)
        if there.astimezone(zone).replace(tzinfo=None) != found:
            raise Unreadable(LEFT_OUT, value)
    except OverflowError as error:
        raise Unreadable(NO_TIME, value) from error
    return there
