"""The digest of a state: XXH64, as others compute it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etappe.customers.packed.digest import digest, xxh64


def _hashed(data: bytes, seed: int = 0) -> int:
    return int(xxh64(np.frombuffer(data, np.uint8), np.uint64(seed)))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0xEF46DB3751D8E999),
        (b"a", 0xD24EC4F1A98C6E5B),
        (b"abc", 0x44BC2CF5AD770999),
        (b"Nobody inspects the spammish repetition", 0xFBCEA83C8A378BF1),
    ],
)
def test_published_values(data: bytes, expected: int) -> None:
    """Of texts whose hash is known it is that."""
    assert _hashed(data) == expected


@given(st.binary(min_size=1, max_size=200), st.data())
def test_any_byte_changes_it(data: bytes, drawn: st.DataObject) -> None:
    """Another byte anywhere, one byte more or another seed give another hash."""
    place = drawn.draw(st.integers(0, len(data) - 1))
    other = bytearray(data)
    other[place] ^= drawn.draw(st.integers(1, 255))
    hashes = [_hashed(data), _hashed(bytes(other)), _hashed(data + b"\0"), _hashed(data, 1)]
    assert len(set(hashes)) == len(hashes)


def test_base_and_tail_are_told_apart() -> None:
    """The same bytes in a tail are another state than in a base."""
    data, nothing = np.frombuffer(b"bytes", np.uint8), np.frombuffer(b"", np.uint8)
    assert digest(data, nothing) != digest(nothing, data)
