"""Events in the making: what other systems say of one or several products, as fields of native events."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from etappe.events import identities
from etappe.events.traffic import OTHER
from etappe.events.translation import lines as lines_
from etappe.events.translation import values
from etappe.events.vocabulary import TYPES
from etappe.values.money import Mark
from etappe.values.reading import USUAL, Reading

SAYING: Final = frozenset({"identify", "alias", "set_traits", "set_consent"})
"""Events whose properties are what is said of the customer, so that nothing else may be put among them."""

_SAME: Final = frozenset(TYPES) - SAYING - {OTHER}
_OF_DECISIONS: Final = frozenset({"click", "impression", "dismiss"})
"""Names that speak of a decision here, and of something else with others."""
_RENAMED: Final = {"device": "device_name"}
_NAMING: Final = frozenset({"email", "phone", "device_id", "loyalty_card", "order_email", "receipt_email"})
"""Names by which an event tells whose it is, where they are text."""
_TELLING: Final = (identities.IDENTITIES, *sorted(_NAMING))
_LONGEST_AGENT: Final = 512


class Draft(msgspec.Struct, frozen=True):
    """A native event not yet checked: its name, its fields, and which event of the payload it was made of.

    A field may hold the `Unreadable` that refuses the event. A price is a `Money`.
    """

    event: str
    fields: dict[str, Any]
    index: int = 0


class Common(msgspec.Struct, frozen=True):
    """What all events of a payload share: fields, the browser's name, further identities, how values are read."""

    fields: dict[str, Any]
    agent: str | None = None
    identities: dict[str, Any] = {}
    reading: Reading = USUAL


def same(name: str, said: Mapping[str, Any], products: object = None) -> str:
    """The event of that very name, where the vocabulary means the same by it; else OTHER."""
    return name if name in _SAME and _is_ours(name, said, products) else OTHER


def _is_ours(name: str, said: Mapping[str, Any], products: object) -> bool:
    """Whether an event says what ours of that name must: others call something else so, a button or a form."""
    if name in _OF_DECISIONS:
        return "decision" in said
    if name in lines_.OF_ORDERS - lines_.SALES:
        return bool(products) or any(values.text(said.get(one)) for one in (*lines_.ORDER_IDS, *lines_.ITEM_IDS))
    return True


def told(event: str, said: Mapping[str, Any], products: object, common: Common, *, listed: bool = False) -> list[Draft]:
    """`event` once for each of `products`, or once about `said` itself where there are none.

    Where it is about them together (`listed`), it is one event with their ids in `properties.items`. What is said of
    all of them is with the first; further identities too, and with all of them where no user_id says whose they are.
    """
    nobody = common.reading.nobody
    rest = _own(said, nobody) | ({identities.IDENTITIES: common.identities} if common.identities else {})
    lines = lines_.listed(products)
    mark = lines_.mark_of(rest, lines, common.reading)
    if listed or not lines:
        ids = [found for one in lines if (found := _item_id(one, nobody))]
        rest |= {"items": ids} if ids else {}
        fields = {} if listed else lines_.line(event, rest, mark, nobody)
        return [_draft(event, common, fields, rest)]
    shared = (lines_.order(rest, nobody) if event in lines_.OF_ORDERS else {}) | lines_.currency(
        rest, sale=event in lines_.SALES
    )
    named = {} if common.fields.get("user_id") else {name: rest[name] for name in _TELLING if name in rest}
    made = [_of_line(event, one, mark, shared, common, named if place else rest) for place, one in enumerate(lines)]
    if len(made) == 1 and event in lines_.SALES:
        made[0].fields.update(lines_.price_of(rest, made[0].fields, mark))
    return made


def named(drafts: list[Draft], prefix: str) -> None:
    """Gives the drafts of one order that has an id of its own their event ids: the order's and the item's.

    So an order that is told twice counts once. One without an id has that of its first line's event, which makes it
    one order all the same.
    """
    seen: Counter[str] = Counter()
    for draft in drafts:
        fields = draft.fields
        if draft.event == "purchase" and isinstance(fields.get("order_id"), str):
            digest = values.digest("purchase", fields["order_id"], str(fields.get("item_id") or ""))
            fields["event_id"] = occurrence(seen, digest, prefix)
    bought = [draft.fields for draft in drafts if draft.event == "purchase"]
    for fields in bought:
        fields.setdefault("order_id", bought[0]["event_id"])


def occurrence(seen: Counter[str], digest: str, prefix: str) -> str:
    """An event id made of `digest`, and from its second occurrence on of which one it is."""
    seen[digest] += 1
    return f"{prefix}{digest}" if seen[digest] == 1 else f"{prefix}{digest}#{seen[digest] - 1}"


def _own(said: Mapping[str, Any], nobody: frozenset[str]) -> dict[str, Any]:
    """A copy of `said` in which nothing is taken for an identity that is none: `device` is a description there."""
    kept = {_RENAMED.get(name, name): value for name, value in said.items() if name != identities.IDENTITIES}
    return {
        name: value
        for name, value in kept.items()
        if name not in _NAMING or isinstance(values.ident(value, nobody), str)
    }


def _item_id(said: Mapping[str, Any], nobody: frozenset[str]) -> str | None:
    found = (values.ident(said.get(name), nobody) for name in (*lines_.ITEM_IDS, "id"))
    return next((one for one in found if isinstance(one, str)), None)


def _of_line(
    event: str, said: dict[str, Any], mark: Mark, shared: dict[str, Any], common: Common, first: dict[str, Any]
) -> Draft:
    own = _own(said, common.reading.nobody)
    if "currency" in shared:
        own.setdefault("currency", shared["currency"])
    fields = shared | lines_.line(event, own, mark, common.reading.nobody, "id")
    return _draft(event, common, fields, own | first)


def _draft(event: str, common: Common, fields: dict[str, Any], said: dict[str, Any]) -> Draft:
    agent = {"user_agent": common.agent[:_LONGEST_AGENT]} if common.agent and event not in SAYING else {}
    return Draft(event, common.fields | fields | {"properties": (said | agent) or None})
