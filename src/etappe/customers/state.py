"""A customer's state: fold(base, tail), computed when needed and never stored."""

from collections.abc import Sequence
from typing import Any, Final, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from etappe.customers.folding import aggregates, claims, pieces, ring
from etappe.customers.folding.aggregates import NONE, Declaration
from etappe.customers.folding.fold import fold, keep_telling, orders_forgotten
from etappe.customers.folding.kernels import EPOCH
from etappe.customers.packed.base import DIRTY, TRIMMED, Base, consent_of, consent_time_of, joined, unpack
from etappe.customers.packed.compact import SEEN
from etappe.customers.packed.digest import digest
from etappe.customers.packed.recall import UNTOLD, recall
from etappe.customers.records import (
    CARRIES_BLOCKS,
    CODE_AT,
    EVENT,
    ITEM,
    OF_SESSION,
    PIECE_CODES,
    TOUCHED,
    WIDTH,
    blocks_of,
    check_tail,
    decode_tail,
    heads,
    in_order,
    one_run,
    plain,
    writable,
)
from etappe.customers.stated import touches, traits
from etappe.customers.stated.consent import CHANNEL_FLAGS, DENIED, GRANTED, PREFIX, Consented
from etappe.customers.stated.traits import SET_CONSENT, Said
from etappe.units import MICROSECONDS, SECONDS_PER_DAY

_PERSONAL: Final = GRANTED | DENIED
_NO_EVENTS: Final = np.zeros(0, EVENT)
LEAST: Final = 1e-4
"""A weight below this is 0: what was put into the cart and taken out again leaves the rounding of packed weights, and
sources that look at shares only would take that for a taste."""


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Who a customer is now, as far as a decision asks.

    `items` is ITEM[n], what is remembered of items, ascending by hash. `recent` is EVENT[m], the last events about
    items in order of time, whether they wait in the tail or were folded; `claims` is EVENT[k], what a browser says was
    bought and no server has confirmed. All three can be written to, as kernels take them. `known`: whether there is any
    event of this customer.
    """

    items: NDArray[np.void]
    recent: NDArray[np.void]
    claims: NDArray[np.void]
    known: bool
    half_life_days: float
    digest: str

    def weights(self, now: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """float64[n]: each item's weight as of `now` (Unix seconds, one for all or for each), 0 or LEAST at least."""
        aged = 2.0 ** (-(now - EPOCH) / (self.half_life_days * SECONDS_PER_DAY))
        weights: NDArray[np.float64] = self.items["weight"] * aged
        weights[weights < LEAST] = 0.0
        return weights


class Whole(State, frozen=True, kw_only=True):
    """A state with all else that its record tells."""

    base: Base

    @classmethod
    def of(cls, base: Base, half_life_days: float, digest: str = "") -> Self:
        """The state of a customer of whom a base has everything."""
        claimed = claims.are_claims(base.recent)
        return cls(
            base=base,
            items=writable(base.items),
            recent=writable(base.recent.compress(~claimed)),
            claims=writable(base.recent.compress(claimed)),
            known=bool(base.totals["events"][0]),
            half_life_days=half_life_days,
            digest=digest,
        )

    @property
    def consent(self) -> str:
        """granted, denied or unknown: what the customer said about personalisation."""
        if self.base.consent & DENIED:
            return "denied"
        return "granted" if self.base.consent & GRANTED else "unknown"

    def consents(self) -> dict[str, Consented]:
        """The last word on each purpose of which the customer said anything."""
        return traits.consents(self.base.traits)

    def traits(self) -> dict[str, Any]:
        """Known traits by name."""
        return {name: trait.value for name, trait in self.base.traits.items() if not name.startswith(PREFIX)}


def fold_state(packed: bytes, tail: bytes, half_life_days: float, others: Sequence[bytes] = ()) -> Whole:
    """The state of the customer with this packed base and tail (both empty for a stranger).

    `others` are packed bases of the same customer that were folded apart.

    Raises:
        DataError: one of them is damaged, or of another version.
    """
    base = joined([unpack(one) for one in (packed, *others)]) if others else unpack(packed)
    records = decode_tail(tail)
    if len(records):
        base = extend(base, *split_blocks(records), half_life_days)
    read = b"".join((tail, *others))
    return Whole.of(base, half_life_days, _digest(np.frombuffer(packed, np.uint8), np.frombuffer(read, np.uint8)))


def recalled(packed: bytes, tail: bytes, half_life_days: float) -> State:
    """The state that `fold_state` gives, as far as a decision asks: nothing else is unpacked.

    Raises:
        DataError: base or tail are damaged, or of another version.
    """
    waiting = len(tail) // WIDTH
    most, events = len(packed) // SEEN + waiting, len(packed) // WIDTH + waiting
    behind = most * ITEM.itemsize
    room = np.empty(behind + events * WIDTH, np.uint8)
    kept, came = np.frombuffer(packed, np.uint8), np.frombuffer(tail, np.uint8)
    told = recall(kept, came, half_life_days * SECONDS_PER_DAY, room, most)
    count, first, recent, claimed, happened = told
    if count == UNTOLD:
        return fold_state(packed, tail, half_life_days)
    return State(
        items=np.frombuffer(room, ITEM, count),
        recent=np.frombuffer(room, EVENT, recent, behind + first * WIDTH) if recent else _NO_EVENTS,
        claims=np.frombuffer(room, EVENT, claimed, behind + (first + recent) * WIDTH) if claimed else _NO_EVENTS,
        known=happened > 0,
        half_life_days=half_life_days,
        digest=_digest(kept, came),
    )


def _digest(packed: NDArray[np.uint8], tail: NDArray[np.uint8]) -> str:
    """What tells one state from another; empty for a stranger's."""
    return f"{digest(packed, tail):016x}" if len(packed) or len(tail) else ""


def denied(
    packed: bytes, tail: bytes, unknown_denies: bool, channel: str | None = None, others: Sequence[bytes] = ()
) -> bool:
    """Whether personalisation is off limits, or the customer denied the `channel`.

    It is told by flags and fixed fields. JSON is decoded only where personalisation is allowed, the channel needs
    consent of its own, and the tail or `others` (as for `fold_state`) may have a later word on it.

    Raises:
        DataError: the tail is damaged, or what had to be decoded of the rest.
    """
    flag = CHANNEL_FLAGS.get(channel or "", 0)
    if not others and SET_CONSENT not in tail[CODE_AT::WIDTH]:  # nearly always: the flags have the last word
        check_tail(tail)
        flags = consent_of(packed)
        return bool(flags & (DENIED | flag)) or (unknown_denies and not flags & GRANTED)
    records = decode_tail(tail)
    spoken = _spoken(records)
    personal = _last_verdict((packed, *others), records, spoken)
    if personal & DENIED or (unknown_denies and not personal & GRANTED):
        return True
    if flag and (others or spoken):
        known = joined([unpack(one) for one in (packed, *others)])
        return bool(traits.flags(traits.after(known.traits, _said(records, spoken)), known.consent) & flag)
    return bool(consent_of(packed) & flag)


def split_blocks(records: NDArray[np.void]) -> tuple[NDArray[np.void], list[Said]]:
    """The events of a tail in order, and what those with blocks said by time, at one time as it arrived."""
    places = heads(records)
    if places is None:
        return in_order(plain(records)), []
    codes = records["code"].tolist()
    said = _said(records, [place for place in places if codes[place] in CARRIES_BLOCKS])
    return in_order(plain(records[places])), said


def extend(
    base: Base,
    events: NDArray[np.void],
    said: list[Said],
    half_life_days: float,
    *,
    now: float | NDArray[np.float64] | None = None,
    declared: Declaration = NONE,
) -> Base:
    """`base` after `events` (EVENT[m], in order of time) and what was `said`; its generation is one higher.

    It is DIRTY where events come late (not after the second of the last one in the base) and items, pieces or orders
    were left out for the bounds: only the whole history tells then what they change. So it is where it had other
    aggregates than are `declared`. `now` (Unix seconds, one for all or for each) is when the events came in, from
    which on their repeats are recognised for a time; without it their own times are taken for it.
    """
    items, totals = fold(base.items, base.totals, events, half_life_days)
    kept = keep_telling(items)
    known = traits.after(base.traits, said) if said else base.traits
    codes = events["code"]
    telling = events.compress(OF_SESSION[codes] & (events["item"] > 0))
    met = pieces.joined([base.pieces, pieces.met(events)]) if codes.max(initial=0) >= PIECE_CODES else base.pieces
    kept_pieces = pieces.kept(met)
    trimmed = len(kept) < len(items) or len(kept_pieces) < len(met)
    flags = base.flags | (TRIMMED if trimmed else 0)
    if declared and aggregates.stale(base.aggregates, declared) and base.totals["events"][0]:
        flags |= DIRTY
    if (base.flags & TRIMMED or orders_forgotten(totals)) and _is_late(base, events):
        flags |= DIRTY
    return Base(
        consent=traits.flags(known, base.consent) if said else base.consent,
        flags=flags,
        generation=base.generation + 1,
        totals=totals,
        items=kept,
        arrived=one_run(base.arrived, ring.entries(events, now))[-ring.RING :],
        recent=claims.kept(in_order(one_run(base.recent, telling)), totals),
        traits=known,
        pieces=kept_pieces,
        aggregates=aggregates.after(base.aggregates, events, declared),
        touches=touches.after(base.touches, said) if said else base.touches,
        drawn=base.drawn,
        unknown=base.unknown,
    )


def _is_late(base: Base, events: NDArray[np.void]) -> bool:
    """Whether one of `events` (in order of time) is not later than the second of the last in the base."""
    last = base.totals["last"][0]
    return bool(base.totals["events"][0] and len(events) and events["time"][0] // MICROSECONDS <= last)


def _said(records: NDArray[np.void], places: Sequence[int]) -> list[Said]:
    """What the records with blocks at `places` said, by time, at one time as it arrived."""
    codes, times, channels = records["code"] & (TOUCHED - 1), records["time"], records["meta"] & 15
    said = [
        Said(int(codes[place]), int(times[place]), blocks_of(records, place), int(channels[place])) for place in places
    ]
    return sorted(said, key=lambda one: one.time)


def _spoken(records: NDArray[np.void]) -> list[int]:
    """The places of `set_consent` in a tail, in order of arrival."""
    codes = records["code"]
    return [place for place in heads(records) or () if codes[place] == SET_CONSENT]


def _last_verdict(bases: Sequence[bytes], records: NDArray[np.void], spoken: Sequence[int]) -> int:
    """GRANTED, DENIED or 0: the last word on personalisation. At one time a denial among bases wins, then the tail."""
    if len(bases) == 1 and not spoken:
        return consent_of(bases[0]) & _PERSONAL
    words = [(consent_time_of(one), consent_of(one) & _PERSONAL) for one in bases]
    time, verdict = max((word for word in words if word[1]), default=(0, 0))
    for place in spoken:
        said = int(records["item"][place])
        if said and records["time"][place] >= time:
            time, verdict = int(records["time"][place]), said
    return verdict
