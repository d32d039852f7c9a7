"""What a row of a catalogue says an item costs now, and what is kept of a sale."""

from typing import Any, Final

from etappe.errors import InputError
from etappe.importing.catalogue.columns import cells
from etappe.importing.catalogue.columns.cells import Reading

ByRole = dict[str, list[tuple[int, str, Any]]]
"""By role: rank, name and value of each column that says it; the first counts."""
Price = tuple[float, str | None]

_AMOUNTS: Final = ("value", "amount", "price")
_CURRENCIES: Final = ("currency", "currencyCode", "priceCurrency", "currency_code")


def money(by_role: ByRole, reading: Reading) -> tuple[dict[str, Any], dict[str, Any]]:
    """Price and currency now, and both prices as attributes where there is a sale.

    A sale price of 0 or not below the price, and one whose time is past or to come, changes no price.

    Raises:
        InputError: a price or time is none, or two columns name two currencies; names the column.
    """
    stated = cells.currency(by_role["currency"][0][2], by_role["currency"][0][1]) if "currency" in by_role else None
    found: dict[str, Any] = {"currency": stated} if "currency" in by_role else {}
    if "price" in by_role and by_role["price"][0][2] is None:
        return found | {"price": None}, {}
    regular, sale = (_price(by_role, role, stated, reading) for role in ("price", "sale_price"))
    kept: dict[str, Any] = {}
    if sale is not None and sale[0] > 0:
        if regular and sale[1] and regular[1] and sale[1] != regular[1]:
            raise InputError("sale_price: in another currency than price")
        kept = {"sale_price": sale[0]} | ({"regular_price": regular[0]} if regular else {})
        if _is_on(by_role, reading) and (regular is None or sale[0] < regular[0]):
            regular = (sale[0], sale[1] or (regular[1] if regular else None))
    if regular is not None:
        found |= {"price": regular[0]} | ({"currency": regular[1]} if regular[1] else {})
    return found, kept


def amount(value: Any, name: str, reading: Reading) -> float | None:
    """An amount of money, whatever its currency: what the item costs the shop."""
    found = cells.price(value, name, None, reading.mark)
    return None if found is None else found[0]


def _price(by_role: ByRole, role: str, stated: str | None, reading: Reading) -> Price | None:
    if role not in by_role:
        return None
    _, name, value = by_role[role][0]
    if isinstance(value, dict):
        amount = next((value[key] for key in _AMOUNTS if value.get(key) is not None), None)
        if amount is None or isinstance(amount, dict | list):
            raise InputError(f"{name}: an object without an amount")
        named = next((cells.currency(value[key], name) for key in _CURRENCIES if value.get(key)), None)
        found = cells.price(amount, name, named or stated, reading.mark)
        return None if found is None else (found[0], found[1] or named)
    return cells.price(value, name, stated, reading.mark)


def _is_on(by_role: ByRole, reading: Reading) -> bool:
    if "sale_dates" not in by_role:
        return True
    _, name, value = by_role["sale_dates"][0]
    during = cells.text(value, name)
    return during is None or cells.is_during(during, name, reading)
