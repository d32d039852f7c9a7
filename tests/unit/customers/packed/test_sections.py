"""The table of sections, and those of a later Etappe."""

import msgspec
import pytest
from tests.unit.customers.histories import folded, happened

from etappe.customers.packed.base import EMPTY, Base, joined, pack, unpack
from etappe.customers.packed.sections import SECTIONS


def _with(*unknown: tuple[int, bytes], second: int = 0) -> Base:
    return msgspec.structs.replace(folded(EMPTY, [happened("view_item", "a", second)]), unknown=unknown)


def test_the_table_is_whole() -> None:
    """Each section is a field of a base, has a tag of its own, and says its bound and what it is for."""
    assert {one.name for one in SECTIONS} < set(Base.__struct_fields__)
    assert len({one.tag for one in SECTIONS}) == len(SECTIONS)
    assert all(0 < one.tag < 128 and one.bound and one.text for one in SECTIONS)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda one: one.name)
def test_empty_sections_take_no_bytes(section: object) -> None:
    """What there is nothing to say of is left out."""
    assert section.pack(getattr(EMPTY, section.name)) == b""  # type: ignore[attr-defined]


def test_unknown_sections_go_through_a_fold() -> None:
    """A section of a later Etappe is there unchanged after any number of folds."""
    base = folded(_with((200, b"later")), [happened("view_item", "b", 5)], [happened("ignore", "c", 6)])
    assert base.unknown == ((200, b"later"),)


def test_unknown_sections_at_a_join() -> None:
    """Of each unknown tag the first base's stays; where several have it, the customer is to be rebuilt."""
    apart = joined([_with((200, b"one")), _with((201, b"two"), second=1)])
    assert (dict(apart.unknown), apart.dirty) == ({200: b"one", 201: b"two"}, False)
    several = unpack(pack(joined([_with((200, b"one")), _with((200, b"other"), second=1)])))
    assert (several.unknown, several.dirty) == (((200, b"one"),), True)


def test_the_decision_counter_goes_on() -> None:
    """Reservations are counted through folds; joined, the counter is the sum, so that none of before is taken for now."""
    base = msgspec.structs.replace(_with(), drawn=3)
    assert folded(base, [happened("view_item", "b", 5)]).drawn == 3
    assert joined([base, msgspec.structs.replace(_with(second=1), drawn=2**32 - 1)]).drawn == 2
