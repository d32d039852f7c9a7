"""What the prices and dates of a whole catalogue tell of each other, before any of them is read."""

from typing import Any, Final

from etappe.importing.catalogue.columns.names import place_of
from etappe.values import currencies, money, times
from etappe.values.money import Mark
from etappe.values.times import Order

_PRICES: Final = ("price", "sale_price")
_TIMES: Final = ("available_from", "available_until")


class Evidence:
    """Takes note of rows; `mark` and `order` are what all of them tell."""

    def __init__(self) -> None:
        self._marks: set[Mark | None] = set()
        self._orders: set[Order | None] = set()

    def note(self, row: dict[str, Any]) -> None:
        """Takes note of the prices and dates of a row."""
        roles = {place_of(name).role: value for name, value in row.items()}
        for role in _PRICES:
            if isinstance(said := roles.get(role), str):
                self._marks.add(money.told_by(said, _code(roles.get("currency"))))
        for role in _TIMES:
            if isinstance(said := roles.get(role), str):
                self._orders.add(times.told_by(said))

    @property
    def mark(self) -> Mark:
        """The decimal mark of the prices."""
        return money.both(Mark.POINT in self._marks, Mark.COMMA in self._marks)

    @property
    def order(self) -> Order:
        """The order of day and month."""
        return times.both(Order.DMY in self._orders, Order.MDY in self._orders)


def _code(said: Any) -> str | None:
    code = said.strip().upper() if isinstance(said, str) else ""
    return code if currencies.is_code(code) else None
