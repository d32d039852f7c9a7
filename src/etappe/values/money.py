"""Amounts of money as others write them: with a point or a comma, thousands, a currency before or behind.

What one amount leaves open, whether 1,299 is a thousand or one and a bit, is told by the others of its column.
"""

import math
import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final

import msgspec

from etappe.values import currencies
from etappe.values.unreadable import Unreadable

MICRO: Final = 1_000_000
"""Money is summed in whole millionths, so that a sum is exact to the penny whatever its length."""


class Mark(StrEnum):
    """What stands before the decimals of a column of amounts."""

    POINT = "point"
    COMMA = "comma"
    AMBIGUOUS = "ambiguous"
    """None of its amounts tells."""
    BOTH = "both"
    """Some tell of a point, others of a comma: what is ambiguous alone stays so."""


class Money(msgspec.Struct, frozen=True):
    """An amount, and its currency (ISO 4217) where it is written with it."""

    amount: Decimal
    currency: str | None = None

    @property
    def micro(self) -> int:
        """Whole millionths."""
        return round(self.amount * MICRO)


LONGEST: Final = 64
"""Characters that an amount may have."""
NO_AMOUNT: Final = "no amount of money: write it as 12.99, or as 12.99 EUR"
OPEN: Final = (
    "ambiguous: a comma or point before three digits may part thousands or decimals; write 1299.00 or 1,299.00,"
    " or say values.decimals"
)
_OTHER_CURRENCY: Final = "in another currency than is stated beside it"

_PLAIN: Final = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?|-?\.\d+")
_SHAPE: Final = re.compile(
    r"(?P<before>(?i:(?:kr|rs|s?fr|лв)\.)?[^\d.,+\-]*)(?P<sign>[+-]?)(?P<inside>[^\d.,+\-]*)"
    r"(?P<digits>[\d.,' ]*\d[.,]?-*)(?P<behind>.*)"
)
_SPACES: Final = str.maketrans(
    dict.fromkeys("\u00a0\u202f\u2009\t", " ")
    | dict.fromkeys("\u2019`\u00b4", "'")
    | dict.fromkeys("\u2212\u2013\u2014", "-")
)
_GROUPED: Final = re.compile(r"\d{1,3}(?:[ ']\d{3})*(?:[.,]\d*)?|\d*(?:[.,]\d*)?")
_THOUSANDS: Final = re.compile(r"[1-9]\d{0,2}(?:([.,])\d{3})(?:\1\d{3})*|[1-9]\d?(?:,\d\d)*,\d{3}")
_WHOLE_SWISS: Final = re.compile(r"(.*\d)[.,]-+")


def read(value: object, mark: Mark = Mark.AMBIGUOUS, currency: str | None = None) -> Money:
    """The money that `value` (a number, or text in any spelling) is; `currency` is what is stated beside it.

    `mark` is what its column tells (`mark_of`), and decides only what the text leaves open.

    Raises:
        Unreadable: it is none, or of two amounts, or in another currency than is stated.
    """
    if isinstance(value, str):
        return _of_text(value, mark, currency)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise Unreadable(NO_AMOUNT, value)
    if not _is_finite(value):
        raise Unreadable(NO_AMOUNT, value)
    return Money(value if isinstance(value, Decimal) else Decimal(repr(value)))


def plain(number: float) -> str:
    """A number as text that leaves nothing open: 1.299 is "1.2990"."""
    text = f"{Decimal(repr(number)):f}"
    return f"{text}0" if _told(text.lstrip("-"), None) is Mark.AMBIGUOUS else text


def told_by(text: str, currency: str | None = None) -> Mark | None:
    """What one amount tells of its column: POINT or COMMA, AMBIGUOUS where it asks it, None where it says nothing."""
    try:
        digits, own = _parts(text)[1:3]
    except Unreadable:
        return None
    return _told(digits, own or currency)


def mark_of(texts: Iterable[str], currency: str | None = None) -> Mark:
    """What the amounts of a column tell together."""
    told = {told_by(text, currency) for text in texts}
    return both(Mark.POINT in told, Mark.COMMA in told)


def both(point: bool, comma: bool) -> Mark:
    """The mark of a column in which amounts with a decimal `point` were seen, with a decimal `comma`, or neither."""
    if point and comma:
        return Mark.BOTH
    return Mark.POINT if point else Mark.COMMA if comma else Mark.AMBIGUOUS


def _is_finite(value: float | Decimal) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that no float holds
        return False


def _of_text(text: str, mark: Mark, currency: str | None) -> Money:
    stripped = text.strip()
    if len(stripped) > LONGEST:
        raise Unreadable(NO_AMOUNT, text)
    if _PLAIN.fullmatch(stripped) and _told(stripped.lstrip("-"), currency) is not Mark.AMBIGUOUS:
        return Money(_decimal(stripped, text))
    sign, digits, own, meant = _parts(text)
    if currency is not None and meant and currency not in meant:
        raise Unreadable(_OTHER_CURRENCY, text)
    told = _told(digits, own or currency)
    if told is Mark.AMBIGUOUS:
        told = mark
    if told in (Mark.AMBIGUOUS, Mark.BOTH):
        raise Unreadable(OPEN, text)
    return Money(_decimal(sign + _with_point(digits, told), text), own)


def _parts(text: str) -> tuple[str, str, str | None, frozenset[str]]:
    """Sign, digits with their marks alone, the currency, and those its sign may mean.

    Raises:
        Unreadable: there is no number, or something beside it that is no currency.
    """
    plain = text.translate(_SPACES).strip()
    found = _SHAPE.fullmatch(plain) if len(plain) <= LONGEST else None
    if found is None:
        raise Unreadable(NO_AMOUNT, text)
    digits, behind = found["digits"].strip(), found["behind"].strip()
    swiss = _WHOLE_SWISS.fullmatch(digits)
    digits = swiss[1] if swiss else digits
    trailing = digits.endswith("-")
    digits = digits.rstrip("-").strip()
    signs = [one for one in (found["before"].strip(), found["inside"].strip(), behind) if one]
    grouped = _GROUPED.fullmatch(digits) or not {" ", "'"} & set(digits)
    if not grouped or (trailing and found["sign"]):
        raise Unreadable(NO_AMOUNT, text)
    sign = "-" if trailing or found["sign"] == "-" else ""
    bare = digits.replace(" ", "").replace("'", "")
    if not signs:
        return sign, bare, None, frozenset()
    meant = frozenset.intersection(*(currencies.meant_by(one.upper()) for one in signs))  # "$5 USD" says it twice
    if not meant or len(set(signs)) < len(signs):
        raise Unreadable(NO_AMOUNT, text)
    return sign, bare, currencies.one_of(meant, signs[0].upper()), meant


def _told(digits: str, currency: str | None) -> Mark | None:
    """The decimal mark that `digits` can only have; AMBIGUOUS for one mark before three digits, None without any."""
    marks = [sign for sign in digits if sign in ".,"]
    if not marks:
        return None
    last = marks[-1]
    if len(set(marks)) == 2:  # noqa: PLR2004 - a point and a comma
        return _mark(last)
    if len(marks) > 1:
        return _mark("," if last == "." else ".")
    head, _, tail = digits.partition(last)
    if len(tail) != 3 or not tail.isdigit() or not 1 <= len(head) <= 3 or head.startswith("0"):  # noqa: PLR2004
        return _mark(last)
    places = currencies.decimals(currency)
    if currency is None or places == currencies.USUAL_DECIMALS:
        return Mark.AMBIGUOUS
    return _mark(last if places else "," if last == "." else ".")


def _mark(sign: str) -> Mark:
    return Mark.POINT if sign == "." else Mark.COMMA


def _with_point(digits: str, mark: Mark | None) -> str:
    if mark is None:
        return digits
    decimal, thousands = (".", ",") if mark is Mark.POINT else (",", ".")
    whole, _, places = digits.partition(decimal)
    if thousands in places or decimal in places or (thousands in whole and not _THOUSANDS.fullmatch(whole)):
        return ""
    return f"{whole.replace(thousands, '') or '0'}.{places or '0'}"


def _decimal(text: str, value: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise Unreadable(NO_AMOUNT, value) from error
