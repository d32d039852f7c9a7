"""Single cells of a catalogue as what they mean, whether a file has kinds of values or only text."""

from datetime import date, datetime, tzinfo
from typing import Any, Final

import msgspec

from etappe.errors import InputError
from etappe.values import currencies, ids, money, times
from etappe.values.ids import NOBODY
from etappe.values.money import Mark
from etappe.values.times import Order
from etappe.values.unreadable import Unreadable, is_absent

_OPEN_DATE: Final = "ambiguous: day and month may be either; set values.dates, or write 2026-01-31"
"""A catalogue's command has no option for it, so that the same catalogue is read the same way each time."""


class Reading(msgspec.Struct, frozen=True):
    """How the cells of one file are read: what its columns tell of decimals and dates, and what the shop has set."""

    zone: tzinfo
    now: datetime
    mark: Mark = Mark.AMBIGUOUS
    order: Order = Order.AMBIGUOUS
    nobody: frozenset[str] = NOBODY


def text(value: Any, name: str) -> str | None:
    """Text, or a number as text; of a repeated element the first, of one with parts its content or name.

    Raises:
        InputError: it is neither.
    """
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        value = value.get("content", value.get("name"))
    if value is None or isinstance(value, str):
        return value.strip() if value else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{name}: no text")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def an_id(value: Any, name: str, reading: Reading) -> str | None:
    """An id as every way in reads ids; None where it is nobody's."""
    try:
        return ids.cleaned(value[0] if isinstance(value, list) and value else value, reading.nobody)
    except Unreadable as error:
        raise InputError(f"{name}: {error.reason}") from error


def currency(value: Any, name: str) -> str | None:
    """A code of ISO 4217 in capitals."""
    try:
        return currencies.code(value)
    except Unreadable as error:
        raise InputError(f"{name}: {error.reason}") from error


def price(value: Any, name: str, stated: str | None, mark: Mark) -> tuple[float, str | None] | None:
    """Amount and currency of a price; None where there is none. `stated` is the currency that stands beside it.

    Raises:
        InputError: it is none, or below 0; begins with `name`.
    """
    if is_absent(value):
        return None
    if isinstance(value, list):
        return price(value[0] if value else None, name, stated, mark)
    try:
        found = money.read(value, mark, stated)
    except Unreadable as error:
        raise InputError(f"{name}: {error.reason}") from error
    if found.amount < 0:
        raise InputError(f"{name}: below 0")
    return float(found.amount), found.currency


def number(value: Any, name: str) -> float | None:
    """A number, of per cent too.

    Raises:
        InputError: it is none.
    """
    if is_absent(value):
        return None
    try:
        return float(money.read(value.replace("%", "") if isinstance(value, str) else value, Mark.POINT).amount)
    except Unreadable as error:
        raise InputError(f"{name}: no number") from error


def unpacked(value: Any, name: str) -> Any:
    """An object or a number; cells of text hold them as JSON.

    Raises:
        InputError: the text is no JSON.
    """
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise InputError(f"{name}: not JSON") from error


def time(value: Any, name: str, reading: Reading) -> datetime:
    """A time, in the shop's zone where it names none.

    Raises:
        InputError: it is none.
    """
    said = value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value
    try:
        return times.read(said, zone=reading.zone, order=reading.order, now=reading.now)
    except Unreadable as error:
        raise InputError(f"{name}: {_OPEN_DATE if error.reason == times.OPEN else error.reason}") from error


def is_during(said: str, name: str, reading: Reading) -> bool:
    """Whether it is now inside "begin/end"; a side that is empty is open.

    Raises:
        InputError: that is not what it says.
    """
    begin, bar, end = said.partition("/")
    if not bar or "/" in end:
        raise InputError(f"{name}: not two times with a / between them")
    after = not begin.strip() or time(begin, name, reading) <= reading.now
    return after and (not end.strip() or reading.now < time(end, name, reading))
