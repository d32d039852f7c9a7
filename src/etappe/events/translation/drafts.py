"""Events in the making: what other systems say of one or several products, as fields of native events."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from etappe.events import identities
from etappe.events.traffic import OTHER
from etappe.events.translation import values
from etappe.events.vocabulary import TYPES

SAYING: Final = frozenset({"identify", "alias", "set_traits", "set_consent"})
"""Events whose properties are what is said of the customer, so that nothing else may be put among them."""

_SAME: Final = frozenset(TYPES) - SAYING - {OTHER}
_OF_DECISIONS: Final = frozenset({"click", "impression", "dismiss"})
"""Names that speak of a decision here, and of something else with others."""
_SALES: Final = frozenset({"purchase", "refund"})
_OF_ORDERS: Final = _SALES | {"return", "delivery"}
_ITEM_IDS: Final = ("product_id", "item_id", "sku")
_ORDER_IDS: Final = ("order_id", "orderId", "transaction_id")
_TOTALS: Final = ("revenue", "value", "total")
"""The money of a whole order, by how surely it is that of its items alone."""
_RENAMED: Final = {"device": "device_name"}
_NAMING: Final = frozenset({"email", "phone", "device_id", "loyalty_card", "order_email", "receipt_email"})
"""Names by which an event tells whose it is, where they are text."""
_TELLING: Final = (identities.IDENTITIES, *sorted(_NAMING))
_LONGEST_AGENT: Final = 512


class Draft(msgspec.Struct, frozen=True):
    """A native event not yet checked: its name, its fields, and which event of the payload it was made of."""

    event: str
    fields: dict[str, Any]
    index: int = 0


class Common(msgspec.Struct, frozen=True):
    """What all events of a payload share: fields, the browser's name, and further identities by kind."""

    fields: dict[str, Any]
    agent: str | None = None
    identities: dict[str, Any] = {}


def same(name: str, said: Mapping[str, Any], products: object = None) -> str:
    """The event of that very name, where the vocabulary means the same by it; else OTHER."""
    return name if name in _SAME and _is_ours(name, said, products) else OTHER


def _is_ours(name: str, said: Mapping[str, Any], products: object) -> bool:
    """Whether an event says what ours of that name must: others call something else so, a button or a form."""
    if name in _OF_DECISIONS:
        return "decision" in said
    if name in _OF_ORDERS - _SALES:
        return bool(products) or any(values.text(said.get(one)) for one in (*_ORDER_IDS, *_ITEM_IDS))
    return True


def told(event: str, said: Mapping[str, Any], products: object, common: Common, *, listed: bool = False) -> list[Draft]:
    """`event` once for each of `products`, or once about `said` itself where there are none.

    Where it is about them together (`listed`), it is one event with their ids in `properties.items`. What is said of
    all of them is with the first; further identities too, and with all of them where no user_id says whose they are.
    """
    rest = _own(said) | ({identities.IDENTITIES: common.identities} if common.identities else {})
    lines = [one for one in products if isinstance(one, dict)] if isinstance(products, list) else []
    if listed or not lines:
        ids = [found for one in lines if (found := _item_id(one, "id"))]
        rest |= {"items": ids} if ids else {}
        fields = {} if listed else _line(event, rest)
        return [_draft(event, common, fields, rest)]
    shared = (_order(rest) if event in _OF_ORDERS else {}) | _currency(rest)
    named = {} if common.fields.get("user_id") else {name: rest[name] for name in _TELLING if name in rest}
    made = [_of_line(event, line, shared, common, named if place else rest) for place, line in enumerate(lines)]
    if len(made) == 1 and event in _SALES:
        made[0].fields.update(_price_of(rest, made[0].fields))
    return made


def _own(said: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of `said` in which nothing is taken for an identity that is none: `device` is a description there."""
    kept = {_RENAMED.get(name, name): value for name, value in said.items() if name != identities.IDENTITIES}
    return {name: value for name, value in kept.items() if name not in _NAMING or values.text(value)}


def _item_id(said: Mapping[str, Any], *further: str) -> str | None:
    return next((found for name in (*_ITEM_IDS, *further) if (found := values.text(said.get(name)))), None)


def _of_line(event: str, line: dict[str, Any], shared: dict[str, Any], common: Common, first: dict[str, Any]) -> Draft:
    own = _own(line)
    fields = shared | _line(event, own, "id")
    return _draft(event, common, fields, own | first)


def _draft(event: str, common: Common, fields: dict[str, Any], said: dict[str, Any]) -> Draft:
    agent = {"user_agent": common.agent[:_LONGEST_AGENT]} if common.agent and event not in SAYING else {}
    return Draft(event, common.fields | fields | {"properties": (said | agent) or None})


def _line(event: str, said: dict[str, Any], *further: str) -> dict[str, Any]:
    """Item, order, quantity, price and currency, taken out of `said`; what is no such value stays there."""
    fields: dict[str, Any] = (_order(said) if event in _OF_ORDERS else {}) | _currency(said)
    for name in (*_ITEM_IDS, *further):
        if "item_id" not in fields and (found := values.text(said.get(name))):
            fields["item_id"] = found
            said.pop(name)
    for name in ("quantity", "price"):
        if (amount := values.number(said.get(name))) is not None:
            fields[name] = amount
            said.pop(name)
    return fields | (_price_of(said, fields) if event in _SALES else {})


def _order(said: dict[str, Any]) -> dict[str, Any]:
    for name in _ORDER_IDS:
        if found := values.text(said.get(name)):
            said.pop(name)
            return {"order_id": found}
    return {}


def _currency(said: dict[str, Any]) -> dict[str, Any]:
    code = values.currency(said.get("currency"))
    if code is None:
        return {}
    said.pop("currency")
    return {"currency": code}


def _price_of(said: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """The price of one piece of an order of one line, where only the order's money is told."""
    pieces = fields.get("quantity", 1)
    for name in () if "price" in fields or not pieces else _TOTALS:
        money = values.number(said.get(name))
        if money is not None and money >= 0:
            return {"price": money / pieces}
    return {}
