"""Names by which shop software, tills and CRM systems call a column, by what it means and by language.

A name is compared without case, accents, spaces and signs. A meaning is none of a native column yet: the `item` of an
event is its `item_id`, and among items the `id`.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

import msgspec

from etappe.importing.mapping.naming import persons, sales

_BRACKETS: Final = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")


def key_of(name: str) -> str:
    """A name as it is compared: "Kunden-Nr." is "kundennr", "N° de commande" is "ndecommande"."""
    plain = unicodedata.normalize("NFKD", name.replace("№", "n").replace("º", "").replace("°", "")).casefold()
    return "".join(letter for letter in plain if letter.isalnum())


def keys_of(name: str) -> list[str]:
    """The keys by which a name is looked for: all of it, and without what it has in brackets, as in "Preis (EUR)"."""
    return list(dict.fromkeys((key_of(name), key_of(_BRACKETS.sub("", name)))))


class Meaning(msgspec.Struct, frozen=True):
    """What a name means, in which language, and its place among the names for it: the first tell it best."""

    name: str
    language: str
    rank: int


def split(names: str) -> list[str]:
    """The keys of names parted by commas."""
    return [key_of(name) for name in names.split(",")]


MEANINGS: Final[Mapping[str, Meaning]] = {
    key: Meaning(meaning, language, rank)
    for meaning, languages in reversed((sales.NAMES | persons.NAMES).items())
    for language, names in languages.items()
    for rank, key in enumerate(split(names))
}
"""Meaning by a name's key. Of a name that means two things the meaning that stands first counts."""
