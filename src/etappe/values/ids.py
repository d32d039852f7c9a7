"""Ids as others write them: trimmed, in Unicode's composed form, and none where they are nobody's."""

import math
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from etappe.values.unreadable import Unreadable

NOBODYS: Final = ("undefined", "null", "None", "nan", "[object Object]", "\\N", "(not set)", "(none)")
"""What programs write where they know no id."""
DOUBTFUL: Final = frozenset({"0", "-1", "unknown", "anonymous", "guest", "test"})
"""Ids (lower case) that may be nobody's or somebody's: only the shop knows."""

_INVISIBLE: Final = "\ufeff\u200b\u200e\u200f\u2060"
_WHOLE: Final = re.compile(r"(-?(?:0|[1-9]\d{0,15}))\.0+")
_EXACT: Final = 2**53
_LARGEST: Final = 10**256
_REFUSED: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})


@lru_cache(maxsize=16)
def nobody_of(texts: tuple[str, ...]) -> frozenset[str]:
    """The ids of a list in the settings as `cleaned` takes them; blank is always one."""
    return frozenset({"", *(text.strip().lower() for text in texts)})


NOBODY: Final = nobody_of(NOBODYS)


def cleaned(value: object, nobody: frozenset[str] = NOBODY) -> str | None:
    """The id that `value` (text, a number, None) is; None where it is nobody's.

    Without space around it, in NFC; a whole number that a program has made a float (17850.0) is that number.

    Raises:
        Unreadable: it has control characters, or is neither text nor a number.
    """
    if isinstance(value, str):
        return _of_text(value, nobody)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST:
        return _of_text(str(value), nobody)
    if isinstance(value, float):
        if math.isnan(value):
            return None
        if value.is_integer() and abs(value) < _EXACT:
            return _of_text(str(int(value)), nobody)
    raise Unreadable("no id: give text or a whole number", value)


def is_clean(text: str, nobody: frozenset[str] = NOBODY) -> bool:
    """Whether `cleaned` returns `text` as it is, for certain: asked of most ids, in a fraction of its time."""
    if not (text and text.isascii() and text.isprintable()) or text[0] == " " or text[-1] == " ":
        return False
    return not (text[-1] == "0" and "." in text) and text.lower() not in nobody


def are_clean(texts: Iterable[str], nobody: frozenset[str] = NOBODY) -> bool:
    """Whether all of `texts` are clean at one glance: where it says no, each is to be asked."""
    joined = "!".join(texts)
    if not (joined.isascii() and joined.isprintable()) or " " in joined or "." in joined:
        return False
    return nobody.isdisjoint(joined.lower().split("!"))


def is_doubtful(text: str) -> bool:
    """Whether a clean id only looks like nobody's."""
    return text.lower() in DOUBTFUL


def _of_text(text: str, nobody: frozenset[str]) -> str | None:
    trimmed = text.strip().strip(_INVISIBLE).strip()
    if trimmed.lower() in nobody:
        return None
    if not trimmed.isprintable() and any(unicodedata.category(sign) in _REFUSED for sign in trimmed):
        raise Unreadable("no id: it has control characters", text)
    whole = _WHOLE.fullmatch(trimmed)
    composed = whole[1] if whole else unicodedata.normalize("NFC", trimmed)
    return None if composed.lower() in nobody else composed
