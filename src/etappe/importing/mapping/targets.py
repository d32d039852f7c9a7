"""What a column can become: the right side of a line of `[columns]`, by what the file holds."""

import difflib
from collections.abc import Mapping
from typing import Final

import msgspec

from etappe.catalog.item import ItemPatch
from etappe.events.identities import EXTERNAL, PLAIN
from etappe.importing.judging import checks

EVENTS: Final = "events"
ITEMS: Final = "items"
CUSTOMERS: Final = "customers"
LEFT_OUT: Final = ""
"""The target of a column that is not read."""
UNDECIDED: Final = "?"
"""What stands where a person has to decide."""

PROPERTIES: Final = "properties."
TRAITS: Final = "traits."
IDENTITIES: Final = "identities."
ATTRIBUTES: Final = "attributes."
CONSENT: Final = "consent."
FACTS: Final = ("title", "category", "brand")
FACT: Final = "item."
"""Facts of the item that a row of an event tells: `item.title`."""
ORIGIN: Final = ("consent_time", "consent_source", "consent_text_version")
"""When, where and under which text consent was given: of all purposes, or of one as in `consent_time.email`."""


class Targets(msgspec.Struct, frozen=True):
    """The names there are, and the beginnings of names of one's own."""

    names: tuple[str, ...]
    prefixes: tuple[str, ...]

    def has(self, name: str) -> bool:
        """Whether a column can become `name`."""
        own = next((prefix for prefix in self.prefixes if name.startswith(prefix)), None)
        if own is None:
            return name in self.names
        rest = name.removeprefix(own)
        return bool(rest) and (own != IDENTITIES or rest in PLAIN or rest.startswith(EXTERNAL))

    def like(self, name: str) -> str:
        """A question after the name that was meant, or what there is."""
        return meant(name, self.names) or "; there are " + ", ".join(
            (*self.names, *(f"{one}NAME" for one in self.prefixes))
        )


def meant(name: str, known: tuple[str, ...] | list[str]) -> str:
    """The question whether X was meant, where one of `known` is like `name`, else nothing."""
    folded = {one.casefold(): one for one in known}
    near = difflib.get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.6)
    return f"; did you mean {folded[near[0]]!r}?" if near else ""


_PERSON: Final = ("user_id", "anonymous_id")
TARGETS: Final[Mapping[str, Targets]] = {
    EVENTS: Targets(
        (*checks.COLUMNS, "date", "time", "total", *(FACT + fact for fact in FACTS)), (PROPERTIES, TRAITS, IDENTITIES)
    ),
    ITEMS: Targets(tuple(ItemPatch.__struct_fields__), (ATTRIBUTES,)),
    CUSTOMERS: Targets((*_PERSON, "timestamp", *ORIGIN), (TRAITS, IDENTITIES, CONSENT, *(f"{one}." for one in ORIGIN))),
}
"""By the kind of file. `date` and `time` are the halves of a timestamp; `total` is the money of a whole line."""
