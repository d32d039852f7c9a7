"""Folding changes where a customer's events are kept, and never who the customer is."""

from collections.abc import Callable

import pytest
from tests.integration.kept import put, seen
from tests.integration.worker.told import happened, record_of, shown

from etappe.customers.packed.base import unpack
from etappe.customers.records import decode_tail
from etappe.events.intake import Accepted
from etappe.ids import Subject
from etappe.settings import Settings
from etappe.store import keys
from etappe.store.identities import graph
from etappe.store.records import customers
from etappe.store.server.connection import SyncRedis
from etappe.worker.folding import fold_long_tails

Accept = Callable[..., Accepted]
Take = Callable[..., list[int]]


def test_folding_keeps_the_state(take: Take, accept: Accept, client: SyncRedis, small: Settings, me: Subject) -> None:
    """Folding a tail into the base leaves the customer's state as it was, to the byte, and the tail empty."""
    take(*happened(accept), settings=small)
    before = shown(client, me)
    assert fold_long_tails(client, small) == 1
    assert before == shown(client, me)
    record = record_of(client, me)
    assert (unpack(record.base).generation, record.tail, customers.waiting(client)) == (1, b"", [])


def test_folding_in_pieces_keeps_the_state(
    take: Take, accept: Accept, client: SyncRedis, small: Settings, me: Subject
) -> None:
    """Folded after every few events the state is that of the whole history in one tail."""
    events = happened(accept)
    take(*events)
    before = shown(client, me)
    client.flushall()
    for start in range(0, len(events), 2):
        take(*events[start : start + 2], settings=small)
        fold_long_tails(client, small)
    assert unpack(record_of(client, me).base).generation >= 4
    assert before == shown(client, me)


def test_short_tails_are_left(take: Take, accept: Accept, client: SyncRedis, settings: Settings, me: Subject) -> None:
    """A tail within its limit is not folded."""
    take(*happened(accept))
    assert (fold_long_tails(client, settings), record_of(client, me).base) == (0, b"")


def test_gone_customer_is_not_revived(client: SyncRedis, settings: Settings, me: Subject) -> None:
    """A customer whose record has expired while waiting is forgotten, not made anew."""
    client.sadd(keys.long_tails(me[0]), me)  # type: ignore[arg-type]
    assert fold_long_tails(client, settings) == 0
    assert list(client.scan_iter()) == []


def test_damaged_record_stops_no_other(
    take: Take, accept: Accept, client: SyncRedis, small: Settings, me: Subject, caplog: pytest.LogCaptureFixture
) -> None:
    """A record that cannot be folded is left as it is and warned of; all others are folded."""
    for number in range(3):
        take(
            *[accept(f"e{number}-{place}", user_id="u" if number == 1 else f"u{number}") for place in range(2)],
            settings=small,
        )
    put(client, me, b"\x09 of another version", seen(client, me).stored)
    assert fold_long_tails(client, small) == 2
    assert [me] == customers.waiting(client)
    assert len(decode_tail(record_of(client, me).tail)) == 2
    assert f"the record of customer {me.hex()} is left as it is: a base of version 9" in caplog.text


def test_late_events_beyond_the_bounds_are_noted(
    take: Take, accept: Accept, client: SyncRedis, small: Settings, me: Subject
) -> None:
    """Where a late event finds a base that has left items out, the customer is marked to be rebuilt from the log."""
    take(*[accept(f"e{number}", item_id=f"i{number}") for number in range(70)], settings=small)
    fold_long_tails(client, small)
    assert graph.dirty(client) == {}
    take(accept("late", timestamp="2026-01-01T00:00:00Z"), accept("later"), settings=small)
    fold_long_tails(client, small)
    assert [me] == list(graph.dirty(client))
