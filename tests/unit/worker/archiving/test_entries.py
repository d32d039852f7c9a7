"""Entries of streams as rows."""

from datetime import UTC, datetime

import msgspec
import pytest

from etappe.events.vocabulary import TYPES
from etappe.store.ingesting import rows as packed
from etappe.worker.archiving import entries
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


@pytest.mark.parametrize(
    "said",
    [
        '"event": "unheard_of"',
        '"event": "view_item"',
        '"event": "view_item", "item_id": null',
        '"event": "login", "properties": "text"',
        '"event": "login", "properties": [1]',
        '"event": "login", "channel": "smoke"',
        '"event": "login", "quantity": 0',
        '"event": "login", "colour": "red"',
    ],
)
def test_what_no_intake_lets_pass_is_no_row(said: str) -> None:
    """An event of an unknown kind, without the item it must name, or with a value that is none is set aside alone."""
    told = f'{{"event_id": "e", "user_id": "u", "timestamp": "2026-11-03T10:00:00Z", {said}}}'.encode()
    whole = b'{"event": "login", "event_id": "w", "user_id": "u", "timestamp": "2026-11-03T10:00:00Z"}'
    entries = [
        Entry("etappe:{001}:stream", "1-0", {b"1": packed.pack(one, b"s" * 16, b"bot")}) for one in (told, whole)
    ]
    rows, bad = rows_of("event", entries)
    assert rows["event_id"].to_list() == ["w"]
    assert [one.entry.fields for one in bad] == [{b"s": b"s" * 16, b"e": told, b"f": b"bot"}]


def test_properties_are_taken_over_as_they_were_written() -> None:
    """Properties are in the log as intake wrote them; those of an event that is nobody's are not, nor is whose it is."""
    event = b'{"event":"login","event_id":"e","user_id":"u","timestamp":"2026-11-03T10:00:00Z","properties":{"b":1.50,"a":"\\u00e4"}}'
    private = packed.pack(event, b"s" * 16, raw=b"{}")
    private = bytes([packed.OWNED | packed.PRIVATE]) + private[1:]
    entries = [Entry("etappe:{001}:stream", "1-0", {b"1": row}) for row in (packed.pack(event, b"s" * 16), private)]
    rows, bad = rows_of("event", entries)
    told = rows.select("properties", "user_id", "subject", "raw").rows()
    assert (told, bad) == ([('{"b":1.50,"a":"\\u00e4"}', "u", b"s" * 16, None), (None, None, None, None)], [])


def test_an_archived_event_has_every_field_that_events_have() -> None:
    """A field that one kind of event gets is one that the archive takes; without it the event would be set aside."""
    taken = {field.encode_name for field in msgspec.structs.fields(entries._Event)}
    assert taken == {"event"} | {field.encode_name for kind in TYPES.values() for field in msgspec.structs.fields(kind)}
