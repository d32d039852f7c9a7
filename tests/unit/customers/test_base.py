"""The packed base: round trips, and what is no base is refused."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etappe.customers.base import EMPTY, HEADER, Base, consent_of, consent_time_of, pack, unpack
from etappe.customers.consent import DENIED
from etappe.customers.fold import TOTALS
from etappe.customers.records import EVENT, ITEM
from etappe.customers.traits import Trait
from etappe.errors import DataError


def _base(items: int = 2, ring: int = 3, traits: dict[str, Trait] | None = None) -> Base:
    totals, held = np.zeros(1, TOTALS), np.zeros(items, ITEM)
    totals["events"], totals["revenue"], totals["recent_orders"][0, :2] = 9, 12.75, (5, 6)
    held["item"], held["weight"], held["flags"] = np.arange(items), np.linspace(-1, 1, items), 5
    hashes = np.arange(ring, dtype=np.uint64) + np.uint64(2**63)
    recent = np.zeros(ring % 33, EVENT)
    recent["event"] = np.arange(len(recent))
    said = {"country": Trait("DE", 17)} if traits is None else traits
    numbers = {"consent": 2, "flags": 1, "generation": 2**32 - 1}
    return Base(**numbers, totals=totals, items=held, ring=hashes, recent=recent, traits=said)


def _parts(base: Base) -> tuple[Any, ...]:
    arrays = tuple(part.tobytes() for part in (base.totals, base.items, base.ring, base.recent))
    return (base.consent, base.flags, base.generation, *arrays, base.traits)


def test_layout_is_fixed() -> None:
    """The header is 24 bytes with version, consent, generation and consent's time where the Lua scripts look for them."""
    fields = HEADER.fields or {}
    assert (
        HEADER.itemsize,
        TOTALS.itemsize,
        *(fields[name][1] for name in ("version", "consent", "generation", "consent_time")),
    ) == (24, 104, 0, 1, 4, 16)


TRAITS = st.dictionaries(st.text(max_size=5), st.builds(Trait, st.none() | st.text(max_size=5), st.integers(0, 2**52)))


@given(st.integers(0, 1600), st.integers(0, 1024), TRAITS)
@settings(max_examples=50, deadline=None)
def test_round_trip(items: int, ring: int, traits: dict[str, Trait]) -> None:
    """A base of any size comes back as it was packed."""
    given_base = _base(items, ring, traits)
    assert _parts(given_base) == _parts(unpack(pack(given_base)))


def test_no_bytes_are_the_empty_base() -> None:
    """A stranger's base is empty: no events, no items, consent unknown."""
    found = unpack(b"")
    assert (found.consent, found.generation, len(found.items), int(found.totals["events"][0])) == (0, 0, 0, 0)
    assert _parts(EMPTY) == _parts(unpack(pack(EMPTY)))


@pytest.mark.parametrize("version", [0, 1, 3, 255])
def test_unknown_version_is_refused(version: int) -> None:
    """A base of another version is refused, naming it and the one that is read."""
    packed = bytes([version]) + pack(_base())[1:]
    with pytest.raises(DataError, match=f"a base of version {version} .* reads version 2"):
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


def test_damaged_traits_are_refused() -> None:
    """Traits that are no JSON are a damaged base, not a decoder's error."""
    with pytest.raises(DataError, match="traits of a base are damaged"):
        unpack(pack(_base())[:-1] + b"\xff")


def test_unpacked_arrays_are_read_only() -> None:
    """An unpacked base is a view of the bytes, which nothing can change."""
    with pytest.raises(ValueError, match="read-only"):
        unpack(pack(_base())).items["weight"][0] = 1


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
