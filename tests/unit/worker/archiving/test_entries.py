"""Entries of streams as rows."""

from datetime import UTC, datetime

import pytest

from etappe.worker.archiving.entries import Entry, rows_of


@pytest.mark.parametrize("written", ["2026-11-03T10:00:00.000007", "2026-11-03T12:00:00.000007+02:00"])
def test_times_are_utc(written: str) -> None:
    """A time without a zone is UTC, one with another zone the same moment, to the microsecond."""
    event = f'{{"event": "login", "event_id": "e", "user_id": "u", "timestamp": "{written}"}}'.encode()
    rows, bad = rows_of("event", [Entry("etappe:{001}:stream", "1-0", {b"e": event, b"s": b""})])
    assert (rows["time"].to_list(), bad) == ([datetime(2026, 11, 3, 10, 0, 0, 7, tzinfo=UTC)], [])


def test_entries_that_are_none_stop_no_others() -> None:
    """Of entries of which some cannot be read the others are rows, in their order; where none can, there is no row."""
    whole = b'{"event": "login", "event_id": "%s", "user_id": "u", "timestamp": "2026-11-03T10:00:00Z"}'
    told = [whole % b"e1", b"{}", whole % b"e2"]
    entries = [Entry("etappe:{001}:stream", f"{at}-0", {b"e": event, b"s": b""}) for at, event in enumerate(told)]
    rows, bad = rows_of("event", entries)
    assert (rows["event_id"].to_list(), [one.entry for one in bad]) == (["e1", "e2"], [entries[1]])
    rows, bad = rows_of("event", [entries[1]])
    assert (rows.height, len(bad)) == (0, 1)
