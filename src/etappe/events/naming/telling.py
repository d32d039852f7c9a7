"""What is unmistakably one person's wherever it stands: addresses, and ids that nothing else is by accident.

In text that holds no ids only such tokens are looked for, and only whole ones. Of ids: 10 characters or more with a
letter and three digits (UUIDs, hashes, `vera-USER-7f3a9c`), or 13 digits or more (cards by EAN, client ids of Google).
Words, short numbers and short codes are sizes, ratings, items and names too.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import unquote

import msgspec

from etappe.events.identities import (
    ANONYMOUS,
    CARD,
    DEVICE,
    EMAIL,
    ORDER_EMAIL,
    PHONE,
    USER,
    Identity,
    hashed_email,
    hashed_phone,
)

ADDRESSES: Final = (EMAIL, ORDER_EMAIL)
"""Kinds of an e-mail address: it is the same person's in a receipt."""
_SHORTEST: Final = 10
_LONGEST: Final = 256
"""Characters that an id may have at most."""
_FEWEST_DIGITS: Final = 3
_LONG_NUMBER: Final = 13
_PHONE_DIGITS: Final = range(7, 16)
"""Digits of an international number, by E.164."""
# Repetitions are bounded, so that no text takes more than linear time.
_MAIL: Final = re.compile(r"(?<![\w.+%-])[\w.+%-][\w.+%'-]{0,127}(?:@|%40)[\w-]+(?:\.[\w-]+)+")
_NUMBER: Final = re.compile(r"(?<![\w+])(?:\+|00)\d(?:[ ()./-]{0,3}\d){5,19}(?!\w)")
_TOKEN: Final = re.compile(r"[\w-]+(?:[.@+|:][\w-]+)*")
_PARTS: Final = re.compile(r"[^|:]+")
_HASH: Final = re.compile(r"[0-9A-Fa-f]{64}")
_PLAIN_KINDS: Final = (USER, ANONYMOUS, CARD, DEVICE)


_HINT: Final = re.compile(r"@|%40|\d.*\d.*\d", re.DOTALL)
"""What every text has that tells anybody."""


class Token(msgspec.Struct, frozen=True):
    """A token of a text from `start` to `end`, and the identities that it may be."""

    start: int
    end: int
    identities: tuple[Identity, ...]


def is_telling(value: str) -> bool:
    """Whether an id is nothing else by accident."""
    if not _SHORTEST <= len(value) <= _LONGEST:
        return False
    digits, letters = sum(map(str.isdigit, value)), any(map(str.isalpha, value))
    if not letters:
        return digits >= _LONG_NUMBER and not _is_time(value)
    return digits >= _FEWEST_DIGITS and not _is_time(value)


def tokens(text: str, kinds: Sequence[str] = ()) -> Iterator[Token]:
    """The tokens of a text that tell a person; `kinds` are kinds of ids to think of besides Etappe's own."""
    if not _HINT.search(text):
        return
    yield from addresses(text)
    spans = {(0, len(text))} if len(text.split()) == 1 else set()
    for match in _TOKEN.finditer(text):
        spans |= {match.span(), *(part.span() for part in _PARTS.finditer(text, *match.span()))}
    for start, end in sorted(spans):
        if is_telling(text[start:end]):
            yield Token(start, end, tuple(_ids(text[start:end], kinds)))


def addresses(text: str) -> Iterator[Token]:
    """The e-mail addresses and international phone numbers in a text, however they are written."""
    for match in _MAIL.finditer(text) if "@" in text or "%40" in text else ():
        plain = [match[0], unquote(match[0])]
        hashed = [Identity(kind, hashed_email(one)) for one in plain for kind in ADDRESSES]
        told = [Identity(kind, one) for one in plain for kind in _PLAIN_KINDS]
        yield Token(*match.span(), (*hashed, *told))
    for match in _NUMBER.finditer(text) if "+" in text or "00" in text else ():
        yield from _numbers(text, *match.span())


def _numbers(text: str, start: int, end: int) -> Iterator[Token]:
    """The number and its beginnings: what stands behind it may be another number."""
    ends = [
        place + 1 for place in range(start, end) if text[place].isdigit() and not text[place + 1 : place + 2].isdigit()
    ]
    for stop in reversed(ends):
        number = text[start:stop]
        digits = sum(map(str.isdigit, number)) - (0 if number[0] == "+" else 2)
        if digits in _PHONE_DIGITS:
            yield Token(start, stop, (Identity(PHONE, hashed_phone(number)),))


def _ids(text: str, kinds: Sequence[str]) -> Iterator[Identity]:
    for kind in (*_PLAIN_KINDS, *kinds):
        yield Identity(kind, text)
    if _HASH.fullmatch(text):
        for kind in (*ADDRESSES, PHONE):
            yield Identity(kind, text.lower())


def _is_time(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
