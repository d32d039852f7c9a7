"""Every translation is total: whatever stands in a field, a payload is taken or refused with a reason, alone."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from tests import odd

from etappe.errors import InputError
from etappe.events.intake import completed, read_batch
from etappe.events.translation import ga4, segment
from etappe.events.translation.segment_messages import messages
from etappe.events.translation.translated import Translated, accepted

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
Translate = Callable[[bytes], Translated]


def _taken(raw: bytes, translate: Translate) -> int:
    """How many events a payload makes; each can be kept, what makes none has a reason, and it says the same again."""
    try:
        done = translate(raw)
    except InputError:
        return 0
    assert translate(raw) == done
    good, bad = accepted(done, NOW)
    assert all(msgspec.json.decode(completed(one)) for one in good)
    assert all(one.reason for one in bad)
    assert all(msgspec.json.encode(one) for one in bad)
    return len(good)


def _batch(message: Any) -> list[bytes]:
    """A message in the middle of a batch of good ones, as it goes to the translation."""
    good = odd.SEGMENT[0]
    body = {"batch": [good, message, good], "sentAt": "2026-03-01T11:00:01Z"}
    return list(messages(json.dumps(body).encode(), "batch", NOW))


@given(odd.changed(odd.SEGMENT))
@settings(max_examples=500, deadline=None)
def test_segment(message: odd.Payload) -> None:
    """Any JSON in any field of a message: its neighbours in the batch are taken, it is taken or refused."""
    counts = [_taken(raw, segment.translate) for raw in _batch(message)]
    assert counts[0] == counts[2] > 0


@given(odd.changed(odd.GA4))
@settings(max_examples=300, deadline=None)
def test_ga4(body: odd.Payload) -> None:
    """Any JSON in any field of a body."""
    _taken(ga4.stamped(json.dumps(body).encode(), NOW), ga4.translate)


@given(odd.changed(odd.BIGQUERY))
@settings(max_examples=300, deadline=None)
def test_bigquery(row: odd.Payload) -> None:
    """Any JSON in any field of a row of the export."""
    _taken(json.dumps(row).encode(), ga4.translate)


@given(odd.changed(odd.NATIVE))
@settings(max_examples=300, deadline=None)
def test_native(event: odd.Payload) -> None:
    """Any JSON in any field of an event: its neighbours are taken, it is taken or rejected by its index."""
    good = odd.NATIVE[0] | {"event_id": "good"}
    taken, rejected, _ = read_batch(json.dumps({"events": [good, event, good]}).encode(), NOW)
    assert len(taken) + len(rejected) == 3
    assert {one.index for one in rejected} <= {1}
    assert all(msgspec.json.decode(completed(one)) for one in taken)


@pytest.mark.parametrize("payload", [*odd.SEGMENT, *odd.GA4, *odd.BIGQUERY, *odd.NATIVE], ids=lambda _: "")
def test_whole_payloads_are_taken(payload: odd.Payload) -> None:
    """The payloads that are made odd are good as they are, so it is the odd value that is judged."""
    raw = json.dumps(payload).encode()
    if payload in odd.NATIVE:
        assert len(read_batch(b'{"events": [' + raw + b"]}", NOW)[0]) == 1
    else:
        assert _taken(raw, segment.translate if payload in odd.SEGMENT else ga4.translate) > 0


@pytest.mark.parametrize(
    ("payloads", "translate"), [(odd.SEGMENT, segment.translate), (odd.GA4, ga4.translate), (odd.BIGQUERY, ga4.translate)]
)  # fmt: skip
def test_every_field(payloads: list[odd.Payload], translate: Translate) -> None:
    """Each odd value in each field, one by one."""
    for payload in odd.every(payloads):
        _taken(json.dumps(payload).encode(), translate)
