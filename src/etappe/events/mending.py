"""Native events as others write them: ids as numbers, prices as text, times since 1970. What is canonical stays."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from etappe.errors import InputError
from etappe.events.vocabulary import NAME_OF, Event, ItemEvent
from etappe.values import currencies, ids, money, quantities, times
from etappe.values.reading import Reading
from etappe.values.unreadable import Unreadable, is_absent

IDS: Final = ("event_id", "user_id", "anonymous_id", "item_id", "order_id")


def with_clean_ids(event: Event, nobody: frozenset[str]) -> Event:
    """The event with its ids trimmed and in NFC; those that are nobody's are none.

    Raises:
        InputError: one has control characters, or the event is about an item and names none.
    """
    named = (event.event_id, event.user_id, event.anonymous_id, event.item_id, event.order_id)
    if ids.are_clean([text for text in named if text is not None], nobody):
        return event  # most events
    changed = {}
    for name, text in zip(IDS, named, strict=True):
        if text is not None and not ids.is_clean(text, nobody):
            changed[name] = _read(name, text, lambda value: ids.cleaned(value, nobody))
    if isinstance(event, ItemEvent) and "item_id" in changed and changed["item_id"] is None:
        raise InputError(f"a {NAME_OF[type(event)]} names an item_id", field="item_id")
    return msgspec.structs.replace(event, **changed) if changed else event


def mended(said: Mapping[str, Any], reading: Reading, now: datetime) -> dict[str, Any]:
    """The fields of an event as the vocabulary's types have them, as far as they can be read as such.

    Raises:
        Unreadable: a field holds a value that is none of its kind; names the field.
    """
    fields = dict(said)
    for name, text in said.items():
        if name in IDS:
            fields[name] = _read(name, text, lambda value: ids.cleaned(value, reading.nobody))
        elif name in _READERS:
            fields[name] = None if is_absent(text) else _read(name, text, _READERS[name](reading, said, now))
    if isinstance(said.get("price"), str) and fields["price"] is not None:
        fields["currency"] = fields["price"].currency or fields.get("currency")
    if isinstance(fields.get("price"), money.Money):
        fields["price"] = float(fields["price"].amount)
    return {name: value for name, value in fields.items() if value is not None}


def _price(reading: Reading, said: Mapping[str, Any], _: datetime) -> Callable[[Any], Any]:
    texts = [said["price"]] if isinstance(said["price"], str) else []
    return lambda value: money.read(value, reading.mark_of(texts), currencies.code(said.get("currency")))


def _quantity(reading: Reading, *_: object) -> Callable[[Any], Any]:
    return lambda value: quantities.read(value, reading.mark_of([value] if isinstance(value, str) else []))


def _time(reading: Reading, _: Mapping[str, Any], now: datetime) -> Callable[[Any], Any]:
    order = reading.order or times.Order.AMBIGUOUS
    return lambda value: times.read(value, zone=reading.zone, order=order, now=now)


_READERS: Final[Mapping[str, Callable[[Reading, Mapping[str, Any], datetime], Callable[[Any], Any]]]] = {
    "currency": lambda *_: currencies.code,
    "price": _price,
    "quantity": _quantity,
    "timestamp": _time,
}


def _read(field: str, value: object, reader: Callable[[Any], Any]) -> Any:
    try:
        return reader(value)
    except Unreadable as error:
        raise (error if error.field else error.of(field)) from error
