"""A touch: how a visit came about, as properties that any event may carry. `docs/events.md` has the words."""

from collections.abc import Mapping
from typing import Any, Final

from etappe.errors import InputError

REFERRER: Final = "referrer"
FIELDS: Final = ("source", "medium", "campaign", "term", "content", "click_id", REFERRER)
LONGEST: Final = 512
"""Characters that a field of a touch may have; ids of clicks have some hundred."""
LONGEST_REFERRER: Final = 2048
"""Browsers send addresses up to about that length."""


def longest(name: str) -> int:
    """How many characters a field of a touch may have."""
    return LONGEST_REFERRER if name == REFERRER else LONGEST


def is_told(name: str, value: object) -> bool:
    """Whether `value` is what the field `name` of a touch may be."""
    return isinstance(value, str) and 1 <= len(value) <= longest(name)


def check(properties: Mapping[str, Any]) -> None:
    """Where a touch is what an event is about, each field of it must be text.

    Raises:
        InputError: one is none; names it.
    """
    for name in FIELDS:
        value = properties.get(name)
        if value is not None and not is_told(name, value):
            raise InputError(
                f"properties.{name} of a touch is text of 1 to {longest(name)} characters, or left out",
                field=f"properties.{name}",
            )
