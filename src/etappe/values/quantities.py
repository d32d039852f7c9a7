"""Numbers of pieces as others write them."""

from decimal import Decimal
from typing import Final

from etappe.values import money
from etappe.values.money import Mark
from etappe.values.unreadable import Unreadable

MOST: Final = 1_000_000
NO_QUANTITY: Final = f"no whole number from 1 to {MOST:,}"


def number(value: object, mark: Mark = Mark.AMBIGUOUS) -> Decimal:
    """The number that `value` is, whole or not, written as amounts of money are.

    Raises:
        Unreadable: it is none, or names a currency.
    """
    try:
        found = money.read(value, mark)
    except Unreadable as error:
        raise Unreadable(error.reason if error.reason == money.OPEN else NO_QUANTITY, value) from error
    if found.currency is not None:
        raise Unreadable(NO_QUANTITY, value)
    return found.amount


def read(value: object, mark: Mark = Mark.AMBIGUOUS) -> int:
    """The number of pieces: "2", 2.0 and "2,0" are 2.

    Raises:
        Unreadable: it is no whole number from 1 to 1,000,000.
    """
    found = number(value, mark)
    if not 1 <= found <= MOST or found != found.to_integral_value():
        raise Unreadable(NO_QUANTITY, value)
    return int(found)
