"""The packed base: round trips, and what is no base is refused."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etappe.customers.folding.fold import TOTALS
from etappe.customers.folding.ring import ARRIVED
from etappe.customers.packed.base import EMPTY, HEADER, Base, consent_of, consent_time_of, pack, unpack
from etappe.customers.records import EVENT, ITEM
from etappe.customers.stated.consent import DENIED
from etappe.customers.stated.traits import Trait
from etappe.errors import DataError


def _base(items: int = 2, ring: int = 3, traits: dict[str, Trait] | None = None) -> Base:
    totals, held = np.zeros(1, TOTALS), np.zeros(items, ITEM)
    totals["events"], totals["revenue"], totals["recent_orders"][0, :2] = 9, 12.75, (5, 6)
    held["item"], held["weight"], held["flags"] = np.arange(items), np.linspace(-1, 1, items).astype(np.float16), 5
    arrived = np.zeros(ring, ARRIVED)
    arrived["event"], arrived["day"] = np.arange(ring, dtype=np.uint64) + np.uint64(2**63), np.arange(ring)
    recent = np.zeros(ring % 33, EVENT)
    recent["event"] = np.arange(len(recent))
    said = {"country": Trait("DE", 17)} if traits is None else traits
    numbers = {"consent": 2, "flags": 1, "generation": 2**32 - 1}
    return Base(**numbers, totals=totals, items=held, arrived=arrived, recent=recent, traits=said)


def _parts(base: Base) -> tuple[Any, ...]:
    arrays = tuple(part.tobytes() for part in (base.totals, base.items, base.arrived, base.recent))
    return (base.consent, base.flags, base.generation, *arrays, base.traits)


def test_layout_is_fixed() -> None:
    """The header is 24 bytes with version, consent, generation and consent's time where the Lua scripts look for them."""
    said = {"$consent:personalisation": Trait({"granted": False}, 0x0123456789ABCD)}
    packed = pack(_base(traits=said))
    assert HEADER.size == 24
    assert (packed[:3], packed[4:8]) == (bytes([3, 2, 1]), b"\xff\xff\xff\xff")
    assert packed[16:24].hex() == "cdab896745230100"


TRAITS = st.dictionaries(st.text(max_size=5), st.builds(Trait, st.none() | st.text(max_size=5), st.integers(0, 2**52)))


@given(st.integers(0, 1600), st.integers(0, 1024), TRAITS)
@settings(max_examples=50, deadline=None)
def test_round_trip(items: int, ring: int, traits: dict[str, Trait]) -> None:
    """A base of any size comes back as it was packed."""
    given_base = _base(items, ring, traits)
    assert _parts(given_base) == _parts(unpack(pack(given_base)))


def test_hashes_of_events_stand_together() -> None:
    """The scripts find an event by its hash among a base's bytes: each is there whole, one behind the other."""
    base = _base(ring=40)
    assert base.ring.tobytes() in pack(base)


def test_unknown_sections_are_kept() -> None:
    """Sections of a later Etappe come back as they were, behind what is known."""
    unknown = ((200, b"later"), (201, b""))
    packed = pack(msgspec.structs.replace(_base(), unknown=unknown))
    found = unpack(packed)
    assert (found.unknown, pack(found)) == (unknown, packed)
    assert _parts(_base()) == _parts(found)


def test_no_bytes_are_the_empty_base() -> None:
    """A stranger's base is empty: no events, no items, consent unknown."""
    found = unpack(b"")
    assert (found.consent, found.generation, len(found.items), int(found.totals["events"][0])) == (0, 0, 0, 0)
    assert _parts(EMPTY) == _parts(unpack(pack(EMPTY)))


@pytest.mark.parametrize("version", [0, 2, 4, 255])
def test_unknown_version_is_refused(version: int) -> None:
    """A base of another version is refused, naming it, the one that is read, and the remedy."""
    packed = bytes([version]) + pack(_base())[1:]
    with pytest.raises(DataError, match=f"a base of version {version} .* reads version 3: `etappe rebuild` makes"):
        unpack(packed)


@given(st.integers(1, 300), st.integers(-4, 4).filter(bool))
def test_wrong_length_is_refused(cut: int, more: int) -> None:
    """A base cut off anywhere, or with bytes too many, is refused."""
    packed = pack(_base())
    for damaged in (
        packed[:cut] if cut < len(packed) else packed[:-1],
        packed + bytes(more) if more > 0 else packed[:more],
    ):
        with pytest.raises(DataError, match="a base of"):
            unpack(damaged)


def test_a_base_cut_off_between_sections_is_refused() -> None:
    """A base that lacks its last section, or has one too many, is refused: the header says how many there are."""
    base = msgspec.structs.replace(_base(), unknown=((200, b"later"),))
    with pytest.raises(DataError, match="has 3 sections of 4; it is damaged"):
        unpack(pack(base)[: -len(b"later") - 5])
    with pytest.raises(DataError, match="has 5 sections of 4; it is damaged"):
        unpack(pack(base) + b"\xc9" + bytes(4))


def test_damaged_traits_are_refused() -> None:
    """Traits that are no JSON are a damaged base, not a decoder's error."""
    with pytest.raises(DataError, match="traits of a base are damaged"):
        unpack(pack(_base(ring=0))[:-1] + b"\xff")


@given(st.integers(0, 400), st.integers(1, 255), st.integers(0, 3))
@settings(max_examples=400, deadline=None)
def test_no_damage_goes_beyond_the_bytes(place: int, change: int, items: int) -> None:
    """Whatever byte is another than it was, a base is read or refused: nothing behind its bytes is touched."""
    packed = bytearray(pack(_base(items=items)))
    packed[place % len(packed)] ^= change
    with suppress(DataError):
        unpack(bytes(packed))


def test_consent_is_told_by_fixed_bytes() -> None:
    """Consent and its time are read from the header, whatever lies behind it."""
    assert [consent_of(b""), consent_of(bytes([2, DENIED]) + b"\xff" * 50)] == [0, DENIED]
    assert _base().consent == consent_of(pack(_base()))
    said = {"$consent:personalisation": Trait({"granted": True}, 1_772_366_400_999_999)}
    assert consent_time_of(pack(_base(traits=said)) + b"\xff") == 1_772_366_400_999_999
    assert [consent_time_of(pack(_base())), consent_time_of(b"")] == [0, 0]


def test_consent_time() -> None:
    """When consent to personalisation was said is told apart from other purposes and traits, to the microsecond."""
    said = {"$consent:personalisation": Trait(False, 60_000_001), "$consent:email": Trait(True, 90_000_000)}
    assert datetime(1970, 1, 1, 0, 1, 0, 1, tzinfo=UTC) == _base(traits=said).consent_time()
    assert EMPTY.consent_time() is None
