"""Prices, times and states as product feeds write them."""

import re
from datetime import datetime, tzinfo
from typing import Final

import msgspec

from etappe.errors import InputError

_AMOUNT: Final = re.compile(r"(?:([A-Z]{3})\s*)?(\d[\d.,'\s]*?)\s*([A-Z]{3})?")
_PLAIN: Final = re.compile(r"\d+(?:\.\d+)?")
_THOUSANDS: Final = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_CONTINENTAL: Final = re.compile(r"(?:\d+|\d{1,3}(?:\.\d{3})+),\d{1,2}")
_SPACES: Final = re.compile(r"[\s']")

STATES: Final = {
    "in_stock": True, "limited_availability": True, "available_for_order": True,
    "out_of_stock": False, "sold_out": False, "discontinued": False,
    "preorder": None, "pre_order": None, "backorder": None,
}  # fmt: skip
"""Whether an item of this state is available; None: from the date that it names."""


class Price(msgspec.Struct, frozen=True):
    """An amount, and its currency where it is given."""

    amount: float
    currency: str | None


def price(text: str, name: str) -> Price:
    """The price that a text such as "12.75 GBP" gives.

    A comma is a decimal one before the last one or two digits, else it parts thousands.

    Raises:
        InputError: it is none; begins with `name`.
    """
    found = _AMOUNT.fullmatch(text.strip().upper())
    if found is None or (found[1] and found[3]):
        raise InputError(f'{name}: not a price such as "12.75 GBP"')
    return Price(_amount(_SPACES.sub("", found[2]), name), found[1] or found[3])


def _amount(digits: str, name: str) -> float:
    if _PLAIN.fullmatch(digits):
        return float(digits)
    if _THOUSANDS.fullmatch(digits):
        return float(digits.replace(",", ""))
    if _CONTINENTAL.fullmatch(digits):
        return float(digits.replace(".", "").replace(",", "."))
    raise InputError(f'{name}: not a price such as "12.75 GBP"')


def time(text: str, name: str, zone: tzinfo) -> datetime:
    """An ISO 8601 time, in `zone` where it names none; InputError where it is none."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InputError(f"{name}: not a time such as 2026-01-31T12:00+0100") from error
    return found if found.tzinfo else found.replace(tzinfo=zone)


def is_during(text: str, name: str, zone: tzinfo, now: datetime) -> bool:
    """Whether `now` is inside "begin/end"; InputError where that is not what `text` says."""
    begin, bar, end = text.partition("/")
    if not bar:
        raise InputError(f"{name}: not two times with a / between them")
    return time(begin, name, zone) <= now < time(end, name, zone)


def is_open(text: str, name: str, dated: bool) -> bool:
    """Whether an item of this state is available, given that it is `dated` or not; InputError where it is no state."""
    state = text.strip().lower().replace(" ", "_").replace("-", "_")
    if state not in STATES:
        raise InputError(f"{name}: not one of in_stock, out_of_stock, preorder, backorder")
    found = STATES[state]
    return dated if found is None else found


def path(text: str) -> str:
    """A category: "Home > Lighting > Lamps/Bulbs" is "Home/Lighting/Lamps-Bulbs"."""
    if ">" in text:
        return "/".join(part.strip().replace("/", "-") for part in text.split(">") if part.strip())
    return "/".join(part.strip() for part in text.split("/") if part.strip())
