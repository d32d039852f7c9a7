"""What customers say of themselves, as tails and states."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from etappe.customers.packed.base import pack
from etappe.customers.records import encode
from etappe.customers.state import Whole, fold_state
from etappe.events.vocabulary import TYPES

HALF_LIFE: Final = 60.0
BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)


class Spoken(msgspec.Struct, frozen=True):
    """set_traits, set_consent or identify, its properties, and seconds since BEGIN."""

    name: str
    values: dict[str, Any]
    second: float

    def record(self) -> bytes:
        """The event as a tail has it."""
        event = TYPES[self.name](properties=self.values)
        return encode(event, f"{self.name}{self.values}{self.second}", self.time)

    @property
    def time(self) -> datetime:
        """When it was said."""
        return BEGIN + timedelta(seconds=self.second)


def traits(second: float, **values: Any) -> Spoken:
    """Traits said at a second."""
    return Spoken("set_traits", values, second)


def consent(second: float, **values: Any) -> Spoken:
    """Consent said at a second."""
    return Spoken("set_consent", values, second)


def tail_of(said: Sequence[Spoken]) -> bytes:
    """The tail in which this arrived in this order."""
    return b"".join(one.record() for one in said)


def base_of(*tails: bytes) -> bytes:
    """The packed base after each tail was folded."""
    base = b""
    for tail in tails:
        base = pack(fold_state(base, tail, HALF_LIFE).base)
    return base


def state_of(*tails: bytes) -> Whole:
    """The state after each tail but the last was folded into the base."""
    return fold_state(base_of(*tails[:-1]), tails[-1], HALF_LIFE)
