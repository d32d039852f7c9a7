"""Traits and consent as they were last said, each with its time: the order of arrival does not matter."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from etappe.customers.stated import consent
from etappe.customers.stated.consent import Consented
from etappe.events.identities import CLAIMED, IDENTITIES
from etappe.events.vocabulary import CODES

SET_CONSENT: Final = CODES["set_consent"]
_TELLING: Final = frozenset({CODES["set_traits"], SET_CONSENT, CODES["identify"]})
MAX_TRAITS: Final = 256
"""Names that a record remembers beside the purposes Etappe knows: those said last."""
_ALWAYS: Final = frozenset(consent.PREFIX + purpose for purpose in consent.PURPOSES)


class Trait(msgspec.Struct, frozen=True, array_like=True):
    """A known trait of a customer and the time it was said, in Unix microseconds."""

    value: Any
    time: int


class Said(msgspec.Struct, frozen=True):
    """What an event with blocks told: code, time in Unix microseconds, the object, the channel's number (0: none)."""

    code: int
    time: int
    values: dict[str, Any]
    channel: int = 0


def told(properties: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the properties of an event with blocks tell: all but further identities, vouched for or claimed."""
    return {name: value for name, value in (properties or {}).items() if name not in (IDENTITIES, CLAIMED)}


def after(traits: Mapping[str, Trait], said: Iterable[Said]) -> dict[str, Trait]:
    """Traits after what was `said`, in order of arrival: the later value wins, at the same time what arrived later."""
    known = dict(traits)
    for one in said:
        for name, trait in _words(one).items() if one.code in _TELLING else ():
            if name not in known or known[name].time <= trait.time:
                known[name] = trait
    return _bounded(known)


def joined(parts: Sequence[Mapping[str, Trait]]) -> dict[str, Trait]:
    """Traits of one customer known apart: the later value wins.

    At the same time a denial wins, and of other values the one that is greater as JSON.
    """
    known: dict[str, Trait] = {}
    for part in parts:
        for name, trait in part.items():
            if name not in known or _rank(name, known[name]) < _rank(name, trait):
                known[name] = trait
    return _bounded(known)


def _bounded(known: dict[str, Trait]) -> dict[str, Trait]:
    """The last said. A name left out has MAX_TRAITS later ones ever after, so the order of arrival does not matter."""
    others = [name for name in known if name not in _ALWAYS]
    if len(others) <= MAX_TRAITS:
        return known
    last = sorted(others, key=lambda name: (known[name].time, name))[-MAX_TRAITS:]
    kept = _ALWAYS | set(last)
    return {name: trait for name, trait in known.items() if name in kept}


def flags(traits: Mapping[str, Trait], before: int) -> int:
    """The consent flags by the last words; of a purpose of which nothing is known they stay as they were `before`."""
    words = {purpose: consent.is_granted(trait.value) for purpose, trait in _consents(traits)}
    return consent.flags_of(words, before) if words else before


def consents(traits: Mapping[str, Trait]) -> dict[str, Consented]:
    """The last word on each purpose."""
    return {purpose: consent.consented(trait.value, trait.time) for purpose, trait in _consents(traits)}


def _consents(traits: Mapping[str, Trait]) -> list[tuple[str, Trait]]:
    start = len(consent.PREFIX)
    return [(name[start:], trait) for name, trait in traits.items() if name.startswith(consent.PREFIX)]


def _words(one: Said) -> dict[str, Trait]:
    """What is to be kept of an event's values, by name; the names of consent are reserved to `set_consent`."""
    values = told(one.values)
    if one.code == SET_CONSENT:
        return {name: Trait(word, time) for name, (word, time) in consent.words_of(values, one.time).items()}
    return {name: Trait(value, one.time) for name, value in values.items() if not name.startswith(consent.PREFIX)}


def _rank(name: str, trait: Trait) -> tuple[int, bool, bytes]:
    denial = name.startswith(consent.PREFIX) and not consent.is_granted(trait.value)
    return trait.time, denial, msgspec.json.encode(trait.value, order="sorted")
