"""What can be seen of an item, and what its picture is called."""

import re
import unicodedata

import msgspec


class Look(msgspec.Struct, frozen=True, order=True):
    """What can be seen of an item, in the English words of the assortment. Items that look alike share a picture."""

    category: str
    kind: str
    trait: str
    option: str
    style: str


def name(look: Look) -> str:
    """The file name of a look's picture: "lighting-table-lamp-brass-warm-white-modern.svg"; each look has its own."""
    words = (look.category.rpartition("/")[2], look.kind, look.trait, look.option, look.style)
    return "-".join(_plain(word) for word in words) + ".svg"


def _plain(words: str) -> str:
    """Lower-case letters, digits and hyphens."""
    letters = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")
