"""Rows of stream entries: what is packed is told again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etappe.store.ingesting import rows

SUBJECT = b"s" * 16


@given(st.binary(), st.sampled_from([b"", SUBJECT]), st.binary(max_size=255), st.binary())
def test_a_row_tells_what_it_was_made_of(event: bytes, subject: bytes, flag: bytes, raw: bytes) -> None:
    """Event and subject are always told, flag and payload where there are some."""
    told = {b"s": subject, b"e": event}
    given = {name: value for name, value in ((b"f", flag), (b"r", raw)) if value}
    assert told | given == rows.unpack(rows.pack(event, subject, flag, raw))


@pytest.mark.parametrize("length", range(6 + 16 + 5))
def test_a_row_that_is_cut_off(length: int) -> None:
    """Bytes that end before the event does are no row."""
    with pytest.raises(ValueError, match="a row of"):
        rows.unpack(rows.pack(b"event", SUBJECT, b"")[:length])
