"""Why an item is shown, in words: JSON with places for numbers and names, which is filled in for each pick.

The words are in the declarations of sources (`sources/`), what they tell of a pick is in `numbers.py`.
"""

from functools import lru_cache
from typing import Final

import msgspec

from etappe.serving.answering import numbers
from etappe.serving.sources.source import Source

_ENCODER: Final = msgspec.json.Encoder()
_OWN: Final = {
    numbers.BOUGHT: "You bought this before",
    numbers.ON_WISH_LIST: "It is on your wish list",
    numbers.IN_CART: "It is in your cart",
    numbers.LOOKED_AT: "You looked at this before",
}
_BOUGHT_IT: Final = "{alone}: {{count}} of {{of}} customers bought it"
_NO_LONGER_SOLD: Final = b"an item no longer sold"
_FIELDS: Final = {"{count}": "%(count)d", "{of}": "%(of)d", "{name}": "%(name)b"}
_NUMBERS: Final = ',"%s":%%(count)d,"of":%%(of)d'
_WITH: Final = "%(with)b"

_KEPT: Final = 8_192
"""Reasons that are kept as JSON, some 300 bytes each. One depends on what is handed in here and on nothing else."""
_KEPT_SOURCES: Final = 64

Patterns = tuple[bytes, ...]
"""For each form in `numbers.py` the JSON of its reason and what is before that, with places to be filled by name."""


@lru_cache(maxsize=_KEPT_SOURCES)
def patterns_of(sources: tuple[Source, ...]) -> tuple[Patterns, ...]:
    """The patterns of each source."""
    return tuple(_patterns(source) for source in sources)


@lru_cache(maxsize=_KEPT)
def alone(pattern: bytes, count: int, of: int) -> bytes:
    """The reason of an item that is told of for itself, in the pattern of its form."""
    return pattern % {b"count": count, b"of": of}


@lru_cache(maxsize=_KEPT)
def because_of(pattern: bytes, title: bytes, quoted: bytes, count: int, of: int) -> bytes:
    """The reason of an item that is shown because of another: its title and id as JSON has them, no id if not sold."""
    named = {b"name": title if quoted else _NO_LONGER_SOLD, b"with": b',"with":%b' % quoted if quoted else b""}
    return pattern % {b"count": count, b"of": of, **named}


def _patterns(source: Source) -> Patterns:
    words, pair = source.words, source.words.pair
    counted = _BOUGHT_IT.format(alone=words.alone)
    of_form = {form: _pattern(source, "again", text) for form, text in _OWN.items()}
    of_form[numbers.ALONE] = _pattern(source, words.kind, words.alone)
    of_form[numbers.UNPROVEN] = _pattern(source, *(words.unproven or (words.kind, words.alone)))
    of_form[numbers.ALONE_COUNTED] = _pattern(source, words.kind, counted, _NUMBERS % "customers")
    if pair is not None:
        of_form[numbers.COUNTED] = _pattern(source, words.kind, pair.counted, _WITH + _NUMBERS % pair.told)
        of_form[numbers.BARE] = _pattern(source, words.kind, pair.bare or "", _WITH)
    return tuple(of_form.get(form, b"") for form in numbers.FORMS)


def _pattern(source: Source, kind: str, text: str, more: str = "") -> bytes:
    said = _ENCODER.encode(text).decode().replace("%", "%%")
    for name, place in _FIELDS.items():
        said = said.replace(name, place)
    return f'"source":"{source.family}","reason":{{"kind":"{kind}","text":{said}{more}}}'.encode()
