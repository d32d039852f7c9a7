"""Whether something that was written down as it came names one of certain people."""

import base64
import binascii
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from etappe.events.identities import EMAIL, ORDER_EMAIL, PHONE, Identity, hashed_email, hashed_phone
from etappe.ids import Subject

BASE64: Final = "base64"
"""The field under which entries that could not be read are kept where they are no text."""
_SHORTEST: Final = 4
"""Characters of an id that is looked for inside other text; shorter ones are everywhere."""
_FEWEST_DIGITS: Final = 5
_UNREADABLE: Final = (msgspec.MsgspecError, RecursionError, UnicodeError)


class Sought:
    """People, by all that they are known by."""

    def __init__(self, identities: Iterable[Identity], subjects: Iterable[Subject]) -> None:
        listed = list(identities)
        kinds = {identity.kind for identity in listed}
        self.values = {identity.value for identity in listed}
        self._emails, self._phones = bool(kinds & {EMAIL, ORDER_EMAIL}), PHONE in kinds
        known = [form for one in subjects for form in (one.hex(), base64.b64encode(one).decode())]
        self._exact = self.values | set(known)
        self._inside = tuple(value for value in self._exact if len(value) >= _SHORTEST)

    def named_in(self, said: bytes) -> bool:
        """Whether JSON, or what was meant to be some, names one of them."""
        try:
            texts = _texts(msgspec.json.decode(said))
            return any(self._is_named(text) for text in texts)
        except _UNREADABLE:
            return any(value.encode() in said for value in self._exact)

    def is_named_by(self, value: Any) -> bool:
        """Whether a property is, or has in it as a whole, something that one of them is known by."""
        return any(text in self._exact or self._is_hashed(text) for text in _texts(value))

    def _is_named(self, text: str) -> bool:
        return text in self._exact or any(value in text for value in self._inside) or self._is_hashed(text)

    def _is_hashed(self, text: str) -> bool:
        if self._emails and "@" in text and hashed_email(text) in self.values:
            return True
        digits = self._phones and sum(map(str.isdigit, text)) >= _FEWEST_DIGITS
        return digits and hashed_phone(text) in self.values


def _texts(value: Any) -> Iterator[str]:
    """All texts in JSON, and in JSON that is a text in it; numbers as text."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield str(name)
            yield from _texts(_unpacked(one) if name == BASE64 else one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, str):
        yield value
        if value[:1] in ("{", "["):
            yield from _inner(value)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _inner(text: str) -> Iterator[str]:
    try:
        yield from _texts(msgspec.json.decode(text))
    except _UNREADABLE:
        return


def _unpacked(fields: Any) -> Any:
    """Fields in base64 with the text that is in them, as far as it is any."""
    if not isinstance(fields, dict):
        return fields
    return [*fields.values(), *(_decoded(one) for one in fields.values() if isinstance(one, str))]


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode(errors="replace")
    except binascii.Error:
        return text
