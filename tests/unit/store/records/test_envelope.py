"""What is kept of a subject, taken apart and put together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.integration.kept import TODAY, record, value

from etappe.customers.packed.base import unpack
from etappe.errors import DataError
from etappe.store.records import envelope

BASE = bytes([2, 0, 0, 0, 5, 0, 0, 0]) + bytes(16)
ALIAS = b"L" + b"1" * 15 + b"r" * 16


def _seen(number: int) -> bytes:
    return number.to_bytes(8, "little") + envelope.SEEN_END


@given(st.sampled_from([b"", BASE]), st.sampled_from([b"", ALIAS]), st.integers(0, 255), st.integers(0, 65_535))
def test_what_is_closed_is_opened(base: bytes, graph: bytes, n_seen: int, used: int) -> None:
    """Every part comes back as it was, and the header alone tells what it must."""
    seen = bytes(range(8)) * n_seen
    whole = envelope.closed(base, graph, used=used, seen=seen)
    kept = envelope.opened(whole)
    assert (base, graph, seen, used, b"") == (kept.base, kept.graph, kept.seen, kept.used, kept.stored)
    header = whole[: envelope.HEADER_BYTES]
    told = (envelope.is_known(header), envelope.has_record(header), envelope.is_alias(header), envelope.used_of(header))
    assert told == (bool(base or graph), bool(base), bool(graph), used)
    assert envelope.graph_of(whole) == graph
    assert envelope.opened(envelope.without_graph(whole)).base == base


@pytest.mark.parametrize(("flags", "word"), [(0, 0), (1, 1), (2, 2), (3, 2), (4, 0), (5, 1)])
def test_the_header_has_the_last_word(flags: int, word: int) -> None:
    """What a base says of personalisation is in the header: a denial before a grant, and nothing of other purposes."""
    base = bytes([2, flags]) + BASE[2:]
    assert envelope.opened(envelope.closed(base, used=TODAY)).consent == word == envelope.word_of(base)


def test_hashes_alone_are_no_events() -> None:
    """A tail tells its events without those that went to no record, whose hashes are the last seen."""
    whole = bytearray(value(BASE, record("a") + _seen(7) + record("b") + _seen(8)))
    whole[2] |= envelope.SEEN
    kept = envelope.opened(bytes(whole))
    assert kept.tail == record("a") + record("b")
    assert kept.seen_by_now() == bytes([7, *bytes(7), 8, *bytes(7)])


def test_so_many_hashes_are_kept() -> None:
    """Of more hashes than are kept the latest stay."""
    tail = b"".join(map(_seen, range(300)))
    whole = bytearray(value(tail=tail))
    whole[2] = envelope.SEEN | envelope.HOT
    seen = envelope.opened(bytes(whole)).seen_by_now()
    assert (seen[:8], seen[-8:], len(seen)) == ((45).to_bytes(8, "little"), (299).to_bytes(8, "little"), 255 * 8)


@pytest.mark.parametrize("whole", [b"\x09 of another version", value(BASE)[:20], b"\1"])
def test_what_cannot_be_taken_apart(whole: bytes) -> None:
    """A value of another version or one that is cut off has a base that cannot be read, so nobody is answered by it."""
    with pytest.raises(DataError):
        unpack(envelope.opened(whole).base)


def test_nothing_is_kept_of_a_stranger() -> None:
    """No value is the empty envelope."""
    assert envelope.opened(None) == envelope.opened(b"") == envelope.EMPTY
