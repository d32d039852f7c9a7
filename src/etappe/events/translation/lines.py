"""The lines of an order as other systems write them: which product, how many pieces, what it costs."""

from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any, Final

import msgspec

from etappe.errors import InputError
from etappe.events.translation import values
from etappe.values import currencies, money, quantities
from etappe.values.money import Mark, Money
from etappe.values.reading import Reading
from etappe.values.unreadable import Unreadable, is_absent

ITEM_IDS: Final = ("product_id", "item_id", "sku")
ORDER_IDS: Final = ("order_id", "orderId", "transaction_id", "transactionId", "order_number", "orderNumber")
SALES: Final = frozenset({"purchase", "refund"})
OF_ORDERS: Final = SALES | {"return", "delivery"}
_LISTS: Final = ("items", "line_items", "lineItems", "lines")
"""Where lines of an order stand that are not called products."""
_TOTALS: Final = ("revenue", "value", "total")
"""The money of a whole order, by how surely it is that of its items alone."""
_LINE_TOTAL: Final = "item_revenue"
_AMOUNTS: Final = ("price", _LINE_TOTAL, *_TOTALS)
_DEEPEST: Final = 2


class Lost(msgspec.Struct, frozen=True):
    """The money of a line that became no event: millionths, less than none for what goes back, and its currency.

    `reason` is why, without the value that differs from line to line, where that was a value.
    """

    micro: int = 0
    currency: str | None = None
    reason: str | None = None


def listed(products: object, depth: int = _DEEPEST) -> list[dict[str, Any]]:
    """The lines in `products`: a list, an object of lines by key, one line, or any of them as JSON text."""
    if isinstance(products, str) and products.lstrip()[:1] in ("[", "{") and depth:
        with suppress(*values.UNDECODABLE):
            return listed(msgspec.json.decode(products), depth - 1)
        return []
    if isinstance(products, dict):
        return [products] if _names_item(products) else listed(list(products.values()), depth)
    return [one for one in products if isinstance(one, dict)] if isinstance(products, list) else []


def taken_out(said: dict[str, Any]) -> object:
    """The products of an order, under whichever name it has them; they are taken out of `said`."""
    products = said.pop("products", None)
    if listed(products):
        return products
    for name in _LISTS:
        if any(_names_item(line) for line in listed(said.get(name))):
            return said.pop(name)
    return products


def mark_of(said: Mapping[str, Any], lines: list[dict[str, Any]], reading: Reading) -> Mark:
    """How the amounts of an event and its lines are to be read."""
    texts = [one.get(name) for one in (said, *lines) for name in _AMOUNTS]
    return reading.mark_of([text for text in texts if isinstance(text, str)])


def line(event: str, said: dict[str, Any], mark: Mark, nobody: frozenset[str], *further: str) -> dict[str, Any]:
    """Item, order, quantity, price and currency, taken out of `said`; what is no such value stays there.

    Of what is sold or given back, it is the `Unreadable` that refuses the line.
    """
    sale = event in SALES
    fields = (order(said, nobody) if event in OF_ORDERS else {}) | currency(said, sale=sale)
    for name in (*ITEM_IDS, *further):
        if "item_id" not in fields and (found := values.ident(said.get(name), nobody)):
            fields["item_id"] = found
            said.pop(name)
    for name, value in (("quantity", _quantity(said, mark)), ("price", _price(said, mark, fields, sale=sale))):
        if value is not None and (sale or not isinstance(value, Unreadable) or not isinstance(said[name], str)):
            fields[name] = value
            said.pop(name)
    fields |= {"currency": fields["price"].currency} if _tells_currency(fields) else {}
    return fields | (price_of(said, fields, mark, (_LINE_TOTAL, *_TOTALS)) if sale else {})


def order(said: dict[str, Any], nobody: frozenset[str]) -> dict[str, Any]:
    """The order's id, taken out of `said`."""
    for name in ORDER_IDS:
        if found := values.ident(said.get(name), nobody):
            said.pop(name)
            return {"order_id": found}
    return {}


def currency(said: dict[str, Any], *, sale: bool) -> dict[str, Any]:
    """The currency, taken out of `said`."""
    try:
        code = currencies.code(said.get("currency"))
    except Unreadable as error:
        return {"currency": error} if sale else {}
    if code is None:
        return {}
    said.pop("currency")
    return {"currency": code}


def price_of(
    said: Mapping[str, Any], fields: Mapping[str, Any], mark: Mark, totals: tuple[str, ...] = _TOTALS
) -> dict[str, Any]:
    """The price of one piece of an order of one line, where only the order's money is told."""
    pieces = fields.get("quantity", 1)
    if "price" in fields or isinstance(pieces, Unreadable):
        return {}
    for name in totals:
        if not is_absent(said.get(name)):
            with suppress(Unreadable):
                found = money.read(said[name], mark, _stated(fields))
                if found.amount >= 0:
                    return {"price": Money(found.amount / pieces, found.currency)}
    return {}


def lost(event: str, fields: Mapping[str, Any], error: InputError) -> Lost:
    """The money of a line with `fields` that is refused for `error`, as far as it can be read."""
    reason = f"{error.field}: {error.reason}" if isinstance(error, Unreadable) else None
    price, quantity = fields.get("price"), fields.get("quantity", 1)
    if event not in SALES or not isinstance(price, Money):
        return Lost(reason=reason)
    pieces: Any = 1
    if isinstance(quantity, Unreadable):
        with suppress(Unreadable):
            pieces = quantities.number(quantity.value, Mark.POINT)
    else:
        pieces = quantity
    micro = round(price.amount * pieces * money.MICRO)
    return Lost(micro if event == "purchase" else -micro, _stated(fields), reason)


def _names_item(said: Mapping[str, Any]) -> bool:
    return any(not is_absent(said.get(name)) for name in (*ITEM_IDS, "id"))


def _stated(fields: Mapping[str, Any]) -> str | None:
    code = fields.get("currency")
    return code if isinstance(code, str) else None


def _tells_currency(fields: Mapping[str, Any]) -> bool:
    price = fields.get("price")
    return "currency" not in fields and isinstance(price, Money) and price.currency is not None


def _quantity(said: Mapping[str, Any], mark: Mark) -> int | Unreadable | None:
    if is_absent(said.get("quantity")):
        return None
    try:
        return quantities.read(said["quantity"], mark)
    except Unreadable as error:
        return error


def _price(said: Mapping[str, Any], mark: Mark, fields: Mapping[str, Any], *, sale: bool) -> Money | Unreadable | None:
    """The price; of a sale a text that is none says that it could not be told, and is no missing price."""
    value = said.get("price")
    if value is None or (is_absent(value) and not sale):
        return None
    try:
        found = money.read(value, mark, _stated(fields))
    except Unreadable as error:
        return error
    return Unreadable("no price: it is below 0", value) if found.amount < Decimal(0) and not sale else found
