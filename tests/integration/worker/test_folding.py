"""Folding changes where a customer's events are kept, and never who the customer is."""

from collections.abc import Callable
from typing import Any

import msgspec
import polars as pl
import pytest

from etappe.customers.base import unpack
from etappe.customers.records import decode_tail
from etappe.customers.state import State, fold_state
from etappe.events.intake import Accepted
from etappe.ids import Subject, event_hash, subject_of
from etappe.settings import Settings, Store
from etappe.store import customers, history, keys
from etappe.store.connection import SyncRedis
from etappe.store.customers import CustomerRecord
from etappe.store.log import Log
from etappe.worker import folding
from etappe.worker.archive import archive
from etappe.worker.folding import fold_long_tails, rebuild

Accept = Callable[..., Accepted]
Take = Callable[..., list[bool]]


@pytest.fixture
def small(settings: Settings) -> Settings:
    """Settings with which a tail of two records is a long one."""
    return msgspec.structs.replace(settings, store=Store(tail_limit=1))


@pytest.fixture
def me(secret: bytes) -> Subject:
    """The customer `u`."""
    return subject_of(secret, "user_id", "u")


def _record(client: SyncRedis, subject: Subject) -> CustomerRecord:
    return customers.read_blocking(client, [subject])[0]


def _shown(client: SyncRedis, subject: Subject) -> tuple[Any, ...]:
    """What of a customer's state does not depend on how it is kept."""
    record = _record(client, subject)
    state: State = fold_state(record.base, record.tail, 60.0)
    items = {int(item["item"]): item.tobytes() for item in state.items}
    return items, state.base.totals.tobytes(), state.traits(), state.consent, state.base.ring.tolist()


def _history(accept: Accept) -> list[Accepted]:
    """A customer's history, in order of time, with everything in it that records carry."""

    def at(second: int) -> str:
        return f"2026-02-01T00:00:{second:02d}Z"

    return [
        accept("e0", timestamp=at(0)),
        accept("e1", "set_traits", item_id=None, properties={"country": "DE", "text": "x" * 99}, timestamp=at(1)),
        accept("e2", "add_to_cart", item_id="b", price=2.5, timestamp=at(2)),
        accept("e3", "purchase", item_id="b", price=2.5, quantity=3, order_id="o", channel="web", timestamp=at(3)),
        accept(
            "e4", "set_consent", item_id=None, properties={"personalisation": True, "email": False}, timestamp=at(4)
        ),
        accept("e5", "rate", item_id="b", properties={"rating": 4}, price=2.5, timestamp=at(5)),
        accept("e6", "ignore", item_id="c", timestamp=at(6)),
        accept("e7", "refund", item_id=None, order_id="o", price=2.5, timestamp=at(7)),
        accept("e8", "set_traits", item_id=None, properties={"country": "AT"}, timestamp=at(8)),
    ]


def test_folding_keeps_the_state(take: Take, accept: Accept, client: SyncRedis, small: Settings, me: Subject) -> None:
    """Folding a tail into the base leaves the customer's state as it was, to the byte, and the tail empty."""
    take(*_history(accept), settings=small)
    before = _shown(client, me)
    assert fold_long_tails(client, small) == 1
    assert before == _shown(client, me)
    record = _record(client, me)
    assert (unpack(record.base).generation, record.tail, customers.waiting(client)) == (1, b"", [])


def test_folding_in_pieces_keeps_the_state(
    take: Take, accept: Accept, client: SyncRedis, small: Settings, me: Subject
) -> None:
    """Folded after every few events the state is that of the whole history in one tail."""
    events = _history(accept)
    take(*events)
    before = _shown(client, me)
    client.flushall()
    for start in range(0, len(events), 2):
        take(*events[start : start + 2], settings=small)
        fold_long_tails(client, small)
    assert unpack(_record(client, me).base).generation >= 4
    assert before == _shown(client, me)


def test_short_tails_are_left(take: Take, accept: Accept, client: SyncRedis, settings: Settings, me: Subject) -> None:
    """A tail within its limit is not folded."""
    take(*_history(accept))
    assert (fold_long_tails(client, settings), _record(client, me).base) == (0, b"")


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
    client.set(keys.base(me), b"\x09 of another version")
    assert fold_long_tails(client, small) == 2
    assert [me] == customers.waiting(client)
    assert len(decode_tail(_record(client, me).tail)) == 2
    assert f"the record of customer {me.hex()} is left as it is: a base of version 9" in caplog.text


def test_rebuild_keeps_the_state(
    take: Take, accept: Accept, client: SyncRedis, log: Log, small: Settings, me: Subject
) -> None:
    """A base built anew from the log gives the state that was there, to the byte, whatever had been folded."""
    events = _history(accept)
    take(*events[:4], settings=small)
    fold_long_tails(client, small)
    take(*events[4:], settings=small)
    before = _shown(client, me)
    archive(client, log)
    assert rebuild(client, log, pl.Series([me]), small) == 1
    assert before == _shown(client, me)
    record = _record(client, me)
    assert (unpack(record.base).generation, record.tail) == (2, b"")


def test_rebuild_of_a_lost_redis(
    take: Take, accept: Accept, client: SyncRedis, log: Log, settings: Settings, me: Subject
) -> None:
    """From the log alone a customer is who they were, and a repeat of their events is recognised."""
    take(*_history(accept))
    before = _shown(client, me)
    archive(client, log)
    client.flushall()
    rebuild(client, log, pl.Series([me]), settings)
    assert before == _shown(client, me)
    assert take(*_history(accept)) == [False] * 9


def test_what_is_not_archived_stays_in_the_tail(
    take: Take, accept: Accept, client: SyncRedis, log: Log, settings: Settings, me: Subject
) -> None:
    """Records, with their blocks, that the log has not got yet stay in the tail behind the rebuilt base."""
    events = _history(accept)
    take(*events[:4])
    archive(client, log)
    take(*events[4:])
    before = _shown(client, me)
    rebuild(client, log, pl.Series([me]), settings)
    record = _record(client, me)
    assert before == _shown(client, me)
    assert int(unpack(record.base).totals["events"][0]) == 4
    tail = decode_tail(record.tail)["event"].tolist()
    assert [event_hash(f"e{number}") for number in range(4, 9)] == [one for one in tail if one in before[4]]


def test_what_was_folded_and_not_archived_is_not_lost(
    take: Take, accept: Accept, client: SyncRedis, log: Log, small: Settings, me: Subject
) -> None:
    """Events that were folded before they were archived are archived first, so that the rebuilt base has them."""
    events = _history(accept)
    take(*events[:4], settings=small)
    archive(client, log)
    take(*events[4:], settings=small)
    fold_long_tails(client, small)
    before = _shown(client, me)
    assert rebuild(client, log, pl.Series([me]), small) == 1
    assert before == _shown(client, me)


def test_active_customer_loses_nothing(
    take: Take,
    accept: Accept,
    client: SyncRedis,
    log: Log,
    small: Settings,
    me: Subject,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Events accepted, archived and folded while the log is being read are in the rebuilt base."""
    events = _history(accept)
    take(*events[:4], settings=small)
    archive(client, log)
    of, meanwhile = history.of, list[int]()

    def busy(*arguments: Any) -> Any:
        found = list(of(*arguments))
        if not meanwhile:
            meanwhile.append(1)
            take(*events[4:], settings=small)
            archive(client, log)
            fold_long_tails(client, small)
        return iter(found)

    monkeypatch.setattr(history, "of", busy)
    rebuild(client, log, pl.Series([me]), small)
    monkeypatch.undo()
    client.delete(keys.tail(me))
    assert int(unpack(_record(client, me).base).totals["events"][0]) == 9


def test_rebuild_tries_again_where_another_was_faster(
    take: Take,
    accept: Accept,
    client: SyncRedis,
    log: Log,
    small: Settings,
    me: Subject,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where a worker folds between our reading and replacing, the customer is read again."""
    take(*_history(accept), settings=small)
    before = _shown(client, me)
    archive(client, log)
    rebuilt, calls = folding._rebuilt, list[int]()

    def overtaken(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            fold_long_tails(client, small)
        return rebuilt(*arguments)

    monkeypatch.setattr(folding, "_rebuilt", overtaken)
    assert rebuild(client, log, pl.Series([me]), small) == 1
    assert (before, 2) == (_shown(client, me), len(calls))


def test_base_with_events_the_log_never_had(
    take: Take, accept: Accept, client: SyncRedis, log: Log, small: Settings, me: Subject
) -> None:
    """Where the log has lost what a base has, as after erasing, the log is the truth and the rebuilding ends."""
    events = _history(accept)
    take(*events[:4], settings=small)
    archive(client, log)
    take(*events[4:], settings=small)
    fold_long_tails(client, small)
    client.delete(keys.stream(me[0]))
    assert rebuild(client, log, pl.Series([me]), small) == 1
    assert int(unpack(_record(client, me).base).totals["events"][0]) == 4


def test_rebuild_of_many(
    take: Take, accept: Accept, client: SyncRedis, log: Log, settings: Settings, secret: bytes
) -> None:
    """Any number of customers are built, each from their own events, and progress comes to all of them."""
    take(*[accept(f"e{number}", user_id=f"u{number % 120}") for number in range(300)])
    archive(client, log)
    subjects = pl.Series([subject_of(secret, "user_id", f"u{number}") for number in range(120)])
    before = {one: _shown(client, one) for one in subjects}
    seen: list[int] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(folding, "BATCH", 50)
        assert rebuild(client, log, subjects, settings, lambda _what, done, _of: seen.append(done)) == 120
    assert before == {one: _shown(client, one) for one in subjects}
    assert seen == [50, 100, 120]
