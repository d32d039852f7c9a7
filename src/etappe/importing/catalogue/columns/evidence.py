"""What the prices and dates of a whole catalogue tell of each other, before any of them is read."""

from datetime import datetime
from typing import Any, Final

from etappe.importing.catalogue.columns.cells import Reading
from etappe.importing.catalogue.columns.names import place_of
from etappe.settings import Settings
from etappe.values import currencies, money, times
from etappe.values.money import Mark
from etappe.values.times import Order
from etappe.zones import zone_of

_READ_SO: Final = (
    "prices such as 1.299 were read with a decimal point, as none of them tells; values.decimals sets a comma"
)
_PRICES: Final = ("price", "sale_price")
_TIMES: Final = ("available_from", "available_until")


class Evidence:
    """Takes note of rows."""

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

    def reading(self, settings: Settings, now: datetime) -> Reading:
        """How the cells of these rows are read: as the settings say where they do, else as the rows tell."""
        said = settings.values.reading()
        return Reading(
            zone_of(settings.catalogue.time_zone),
            now,
            said.decimals or self._mark(),
            said.order or times.both(Order.DMY in self._orders, Order.MDY in self._orders),
            said.nobody,
        )

    def remarks(self, reading: Reading) -> list[str]:
        """What was taken for granted that no row tells."""
        open_ = Mark.AMBIGUOUS in self._marks and not {Mark.POINT, Mark.COMMA} & self._marks
        return [_READ_SO] if open_ and reading.mark is Mark.POINT else []

    def _mark(self) -> Mark:
        """Where no price tells, a point is before the decimals, as in all other files."""
        told = money.both(Mark.POINT in self._marks, Mark.COMMA in self._marks)
        return Mark.POINT if told is Mark.AMBIGUOUS else told


def _code(said: Any) -> str | None:
    code = said.strip().upper() if isinstance(said, str) else ""
    return code if currencies.is_code(code) else None
