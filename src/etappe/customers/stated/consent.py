"""Consent by purpose: what it is given for, and what a `set_consent` event says of each purpose.

The last word counts, and anything but true is a denial. What was said stands beside the traits of a customer, under
PREFIX and the purpose. A base begins with flags of the purposes that decide what may be shown and sent, so that no JSON
has to be decoded to tell them.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from etappe.events.identities import CLAIMED, IDENTITIES

PERSONALISATION: Final = "personalisation"
ANALYTICS: Final = "analytics"
EMAIL: Final = "email"
SMS: Final = "sms"
PUSH: Final = "push"
PHONE: Final = "phone"
AD: Final = "ad"
ENRICHMENT: Final = "enrichment"
PURPOSES: Final = (PERSONALISATION, ANALYTICS, EMAIL, SMS, PUSH, PHONE, AD, ENRICHMENT)
"""The purposes Etappe knows. Of others the last word is kept too."""
SPELLINGS: Final = {"personalization": PERSONALISATION}
"""Other spellings of purposes."""
SOURCE: Final = "source"
TEXT_VERSION: Final = "text_version"
MOMENTS: Final = {True: "$granted", False: "$denied"}
"""Keys that Etappe adds to a `set_consent` whose time does not tell it: from when what it grants or denies counts, and
when that was said by clients' clocks (`withdrawal`; Unix us both)."""
RESERVED: Final = frozenset({SOURCE, TEXT_VERSION, IDENTITIES, CLAIMED, *MOMENTS.values()})
"""Keys of `set_consent` that are no purposes: where consent was given, under which text, and what Etappe adds."""

PREFIX: Final = "$consent:"
"""Consent is kept beside the traits, each purpose under its name behind this reserved prefix."""

GRANTED: Final = 1
"""Flag: personalisation is granted."""
DENIED: Final = 2
"""Flag: personalisation is denied."""
DENIED_FLAGS: Final = {PERSONALISATION: DENIED, EMAIL: 4, SMS: 8, PUSH: 16, PHONE: 32, AD: 64, ANALYTICS: 128}
"""The flag that says that a purpose is denied."""
CHANNEL_FLAGS: Final = {channel: DENIED_FLAGS[channel] for channel in (EMAIL, SMS, PUSH, PHONE, AD)}
"""The flag that says that a channel is denied, for the channels that need consent of their own."""

UNSAID: Final = 0
"""The verdict of an event that says nothing of personalisation; others are GRANTED and DENIED."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Consented(msgspec.Struct, frozen=True):
    """The last word on one purpose: whether it was granted, when, where, and under which version of the text."""

    granted: bool
    time: datetime
    source: str | None = None
    text_version: str | None = None


def purposes_of(said: Mapping[str, Any]) -> dict[str, bool]:
    """Whether each purpose that the properties of `set_consent` name is granted.

    Where two spellings of one purpose are said, a denial counts.
    """
    found: dict[str, bool] = {}
    for name, granted in said.items():
        if name not in RESERVED:
            purpose = SPELLINGS.get(name, name)
            found[purpose] = found.get(purpose, True) and granted is True
    return found


def verdict_of(said: Mapping[str, Any]) -> int:
    """What the properties of `set_consent` say of personalisation: UNSAID, GRANTED or DENIED."""
    granted = purposes_of(said).get(PERSONALISATION)
    if granted is None:
        return UNSAID
    return GRANTED if granted else DENIED


def words_of(said: Mapping[str, Any], time: int) -> dict[str, tuple[dict[str, Any], int]]:
    """The properties of a `set_consent` of `time` as they are kept, by PREFIX and purpose: the word, and its time.

    A word is the verdict, where and under which text it was given, and when it was said, where that is another time.
    """
    origin = {"source": _text(said.get(SOURCE)), "text": _text(said.get(TEXT_VERSION))}
    found: dict[str, tuple[dict[str, Any], int]] = {}
    for purpose, granted in purposes_of(said).items():
        counts, spoken = moments_of(said, granted, time)
        told = {"granted": granted} | origin | ({} if spoken == counts else {"said": spoken})
        found[PREFIX + purpose] = told, counts
    return found


def moments_of(said: Mapping[str, Any], granted: bool, time: int) -> tuple[int, int]:
    """From when the words of one verdict count in a `set_consent` of `time`, and when they were said."""
    match said.get(MOMENTS[granted]):
        case [int(counts), int(spoken)]:
            return counts, spoken
    return time, time


def is_granted(word: Any) -> bool:
    """Whether a kept word grants its purpose: anything but true is a denial."""
    return isinstance(word, dict) and word.get("granted") is True


def consented(word: Any, time: int) -> Consented:
    """The last word as it is shown, with when it was said; it counts from `time` (Unix microseconds)."""
    kept = word if isinstance(word, dict) else {}
    return Consented(is_granted(word), moment(said_at(word, time)), _text(kept.get("source")), _text(kept.get("text")))


def said_at(word: Any, time: int) -> int:
    """When (Unix us) a kept word that counts from `time` was said by clients' clocks."""
    said = word.get("said") if isinstance(word, dict) else None
    return said if isinstance(said, int) else time


def flags_of(words: Mapping[str, bool], before: int) -> int:
    """The consent flags where `words` are the last on each purpose; of others the flags stay as they were `before`."""
    flags = before
    for purpose, denied in DENIED_FLAGS.items():
        if purpose in words:
            flags = flags & ~denied if words[purpose] else flags | denied
    if PERSONALISATION in words:
        flags = flags | GRANTED if words[PERSONALISATION] else flags & ~GRANTED
    return flags


def moment(time: int) -> datetime:
    """The moment (UTC) of Unix microseconds, exactly."""
    return _EPOCH + timedelta(microseconds=time)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
