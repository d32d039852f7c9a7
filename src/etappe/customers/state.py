"""A customer's state: fold(base, tail), computed when needed and never stored."""

import hashlib
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from etappe.customers.base import (
    CONSENT,
    CONSENT_DENIED,
    CONSENT_GRANTED,
    PERSONALISATION,
    RECENT,
    RING,
    Base,
    Trait,
    consent_of,
    unpack,
)
from etappe.customers.fold import EPOCH, SECONDS_PER_DAY, fold
from etappe.customers.records import CARRIES_BLOCKS, blocks_of, decode_tail
from etappe.events.vocabulary import CODES, STRENGTH

_SET_CONSENT: Final = CODES["set_consent"]
_SPELLINGS: Final = {"personalization": PERSONALISATION}


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Who a customer is now."""

    base: Base
    half_life_days: float
    digest: str

    @property
    def known(self) -> bool:
        """Whether there is any event of this customer."""
        return bool(self.base.totals["events"][0])

    @property
    def items(self) -> NDArray[np.void]:
        """ITEM[n]: what is remembered of items."""
        return self.base.items

    @property
    def recent(self) -> NDArray[np.void]:
        """EVENT[m]: the last events about items, in order of time, whether they wait in the tail or were folded."""
        return self.base.recent

    @property
    def consent(self) -> str:
        """granted, denied or unknown: what the customer said about personalisation."""
        if self.base.consent & CONSENT_DENIED:
            return "denied"
        return "granted" if self.base.consent & CONSENT_GRANTED else "unknown"

    def traits(self) -> dict[str, Any]:
        """Known traits by name."""
        return {name: trait.value for name, trait in self.base.traits.items() if not name.startswith(CONSENT)}

    def weights(self, now: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """float64[n]: each item's weight as of `now` (Unix seconds, one for all or for each), never below 0."""
        aged = 2.0 ** (-(now - EPOCH) / (self.half_life_days * SECONDS_PER_DAY))
        weights: NDArray[np.float64] = np.maximum(self.items["weight"] * aged, 0.0)
        return weights


def fold_state(packed: bytes, tail: bytes, half_life_days: float) -> State:
    """The state of the customer with this packed base and tail (both empty for a stranger)."""
    base = unpack(packed)
    records = decode_tail(tail)
    digest = hashlib.blake2b(packed + tail, digest_size=8).hexdigest() if packed or tail else ""
    if len(records) == 0:
        return State(base=base, half_life_days=half_life_days, digest=digest)
    events, said = split_blocks(records)
    return State(base=extend(base, events, said, half_life_days), half_life_days=half_life_days, digest=digest)


def denied(packed: bytes, tail: bytes, unknown_denies: bool) -> bool:
    """Whether personalisation is off limits, told by the base's flags unless the tail speaks of consent."""
    consent = consent_of(packed)
    records = decode_tail(tail)
    if len(records) and (records["code"] == _SET_CONSENT).any():
        _, said = split_blocks(records)
        base = unpack(packed)
        consent = _consent_of(_traits_after(base.traits, said), base.consent)
    return bool(consent & CONSENT_DENIED) or (unknown_denies and not consent & CONSENT_GRANTED)


class Said(msgspec.Struct, frozen=True):
    """What an event with blocks told: code, Unix seconds, and the object."""

    code: int
    time: int
    values: dict[str, Any]


def split_blocks(records: NDArray[np.void]) -> tuple[NDArray[np.void], list[Said]]:
    """The events of a tail in order, and what those with blocks said by time, within one second as it arrived."""
    said: list[Said] = []
    if np.isin(records["code"], list(CARRIES_BLOCKS)).any():
        kept, said = _without_blocks(records)
        records = records[kept]
    return in_order(records), sorted(said, key=lambda one: one.time)


def in_order(events: NDArray[np.void]) -> NDArray[np.void]:
    """EVENT[n] in the one order they are folded in: by time, ties by event hash."""
    ordered: NDArray[np.void] = events[np.lexsort((events["event"], events["time"]))]
    return ordered


def extend(base: Base, events: NDArray[np.void], said: list[Said], half_life_days: float) -> Base:
    """`base` after `events` (EVENT[m], in order of time) and what was `said`; its generation is one higher."""
    items, totals = fold(base.items, base.totals, events, half_life_days)
    ring = np.concatenate([base.ring, events["event"]])[-RING:]
    traits = _traits_after(base.traits, said)
    telling = events[(events["item"] > 0) & (STRENGTH[events["code"]] != 0)]
    return Base(
        consent=_consent_of(traits, base.consent),
        flags=base.flags,
        generation=base.generation + 1,
        totals=totals,
        items=items,
        ring=ring,
        recent=in_order(np.concatenate([base.recent, telling]))[-RECENT:],
        traits=traits,
    )


def _without_blocks(records: NDArray[np.void]) -> tuple[list[int], list[Said]]:
    kept: list[int] = []
    said: list[Said] = []
    index = 0
    while index < len(records):
        kept.append(index)
        record = records[index]
        if int(record["code"]) in CARRIES_BLOCKS:
            said.append(Said(int(record["code"]), int(record["time"]), blocks_of(records, index)))
            index += int(record["quantity"])
        index += 1
    return kept, said


def _traits_after(traits: dict[str, Trait], said: list[Said]) -> dict[str, Trait]:
    """The later value wins; one said earlier than what is known changes nothing."""
    after = dict(traits)
    for one in said:
        values = _by_purpose(one.values) if one.code == _SET_CONSENT else one.values
        for name, value in values.items():
            if name not in after or after[name].time <= one.time:
                after[name] = Trait(value, one.time)
    return after


def _by_purpose(said: dict[str, Any]) -> dict[str, bool]:
    """Consent under the reserved names; where both spellings of a purpose are said, a denial counts."""
    found: dict[str, bool] = {}
    for purpose, granted in said.items():
        name = CONSENT + _SPELLINGS.get(purpose, purpose)
        found[name] = found.get(name, True) and granted is True
    return found


def _consent_of(traits: dict[str, Trait], unsaid: int) -> int:
    """Consent flags by what was last said of personalisation; `unsaid` where that is nothing."""
    said = traits.get(CONSENT + PERSONALISATION)
    if said is None:
        return unsaid
    return CONSENT_GRANTED if said.value is True else CONSENT_DENIED
