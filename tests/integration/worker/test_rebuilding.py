"""Rebuilding makes a customer's record of the log, and never changes who the customer is."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
import pytest
from tests.integration.kept import put, seen
from tests.integration.worker.told import happened, record_of, shown
from tests.unit.customers.people import claim, subject

from etappe.customers.packed.base import unpack
from etappe.customers.tails import events_of
from etappe.errors import DataError
from etappe.events.identities import Identity
from etappe.events.intake import Accepted
from etappe.events.vocabulary import Event
from etappe.ids import Subject, subject_of
from etappe.log import Log
from etappe.settings import Settings
from etappe.store import keys
from etappe.store.identities import erasure, graph
from etappe.store.ingesting.ingest import Outcome
from etappe.store.logged import history
from etappe.store.server.connection import SyncRedis
from etappe.worker import rebuilding
from etappe.worker.archiving.archive import archive
from etappe.worker.folding import fold_long_tails
from etappe.worker.rebuilding import rebuild, rebuild_dirty

Accept = Callable[..., Accepted]
Take = Callable[..., list[int]]
USER: Final = Identity("user_id", "u")
BROWSER: Final = Identity("anonymous_id", "browser")


def _meanwhile(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object], *, each_time: bool = False) -> list[int]:
    """Has something happen after the log was read, the first time or each time; what is returned counts the times."""
    of, calls = history.of, list[int]()

    def busy(*arguments: Any) -> Any:
        found = list(of(*arguments))
        calls.append(1)
        if each_time or len(calls) == 1:
            happens()
        return iter(found)

    monkeypatch.setattr(history, "of", busy)
    return calls


def _as_browser(one: Accepted) -> Event:
    return msgspec.structs.replace(one.event, user_id=None, anonymous_id="browser")


def test_rebuild_keeps_the_state(
    take: Take, accept: Accept, client: SyncRedis, log: Log, small: Settings, me: Subject
) -> None:
    """A base built anew from the log gives the state that was there, to the byte, whatever had been folded."""
    events = happened(accept)
    take(*events[:4], settings=small)
    fold_long_tails(client, small)
    take(*events[4:], settings=small)
    before = shown(client, me)
    archive(client, log)
    assert rebuild(client, log, [me], small) == 1
    assert before == shown(client, me)
    record = record_of(client, me)
    assert (unpack(record.base).generation, record.tail) == (2, b"")


def test_rebuild_of_another_version(
    take: Take, accept: Accept, client: SyncRedis, log: Log, small: Settings, me: Subject
) -> None:
    """A base of another version is made anew from the log, and nothing of the customer is lost."""
    take(*happened(accept), settings=small)
    fold_long_tails(client, small)
    before, base = shown(client, me), record_of(client, me).base
    archive(client, log)
    put(client, me, bytes([2]) + base[1:])
    with pytest.raises(DataError, match=r"a base of version 2 and .* bytes"):
        shown(client, me)
    assert rebuild(client, log, [me], small) == 1
    assert before == shown(client, me)


def test_rebuild_of_a_lost_redis(
    take: Take, accept: Accept, client: SyncRedis, log: Log, settings: Settings, me: Subject
) -> None:
    """From the log alone a customer is who they were, and a repeat of their events is recognised."""
    take(*happened(accept))
    before = shown(client, me)
    archive(client, log)
    client.flushall()
    rebuild(client, log, [me], settings)
    assert before == shown(client, me)
    assert take(*happened(accept)) == [Outcome.DUPLICATE] * 9


def test_what_was_folded_and_not_archived_is_not_lost(
    take: Take, accept: Accept, client: SyncRedis, log: Log, small: Settings, me: Subject
) -> None:
    """Events that were folded before they were archived are archived first, so that the rebuilt base has them."""
    events = happened(accept)
    take(*events[:4], settings=small)
    archive(client, log)
    take(*events[4:], settings=small)
    fold_long_tails(client, small)
    before = shown(client, me)
    assert rebuild(client, log, [me], small) == 1
    assert before == shown(client, me)


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
    events = happened(accept)
    take(*events[:4], settings=small)
    archive(client, log)

    def meanwhile() -> None:
        take(*events[4:], settings=small)
        archive(client, log)
        fold_long_tails(client, small)

    _meanwhile(monkeypatch, meanwhile)
    rebuild(client, log, [me], small)
    monkeypatch.undo()
    put(client, me, seen(client, me).base)
    assert int(unpack(record_of(client, me).base).totals["events"][0]) == 9


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
    take(*happened(accept), settings=small)
    before = shown(client, me)
    calls = _meanwhile(monkeypatch, lambda: fold_long_tails(client, small))
    assert rebuild(client, log, [me], small) == 1
    assert (before, 2) == (shown(client, me), len(calls))


def test_base_with_events_the_log_never_had(
    take: Take, accept: Accept, client: SyncRedis, log: Log, small: Settings, me: Subject
) -> None:
    """Where the log has lost what a base has, as after erasing, the log is the truth and the rebuilding ends."""
    events = happened(accept)
    take(*events[:4], settings=small)
    archive(client, log)
    take(*events[4:], settings=small)
    fold_long_tails(client, small)
    client.delete(keys.stream(me[0]))
    assert rebuild(client, log, [me], small) == 1
    assert int(unpack(record_of(client, me).base).totals["events"][0]) == 4


def test_what_comes_in_meanwhile_counts_once(
    take: Take,
    accept: Accept,
    client: SyncRedis,
    log: Log,
    settings: Settings,
    me: Subject,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Events accepted while a customer is rebuilt count once, whether the log that is read has them already or not."""
    events = happened(accept)
    take(*events[:4])
    read_members = rebuilding._members

    def archived(*arguments: Any) -> Any:
        take(*events[4:6])
        archive(client, log)
        return read_members(*arguments)

    monkeypatch.setattr(rebuilding, "_members", archived)
    _meanwhile(monkeypatch, lambda: take(*events[6:8]))
    assert rebuild(client, log, [me], settings) == 1
    take(*events[8:])
    record = record_of(client, me)
    assert (int(unpack(record.base).totals["events"][0]), len(events_of(record.tail))) == (6, 3)
    now = shown(client, me)
    client.flushall()
    take(*events)
    assert now == shown(client, me)


def test_merged_meanwhile(
    take: Take,
    accept: Accept,
    client: SyncRedis,
    log: Log,
    small: Settings,
    me: Subject,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who is merged into another customer, or takes one over, while being rebuilt, loses and doubles nothing."""
    events = happened(accept)
    browsing = [msgspec.structs.replace(one, event=_as_browser(one)) for one in events[:5]]
    take(*browsing, settings=small)
    take(*events[5:], settings=small)
    fold_long_tails(client, small)
    for meanwhile in ([me], [subject(BROWSER)], [me, subject(BROWSER)]):
        _meanwhile(monkeypatch, lambda: graph.link(client, [claim(USER, BROWSER)], small))
        rebuild(client, log, meanwhile, small)
        monkeypatch.undo()
        assert len(shown(client, me)[4]) == len(events)
        rebuild_dirty(client, log, small)
        assert int(unpack(record_of(client, me).base).totals["events"][0]) == len(events)
        assert shown(client, me) == shown(client, subject(BROWSER))
        kept = seen(client, subject(BROWSER))
        assert (kept.base, kept.stored) == (b"", b"")
        graph.part(client, me, subject(BROWSER), "by hand", small)
        rebuild_dirty(client, log, small)
        assert int(unpack(record_of(client, subject(BROWSER)).base).totals["events"][0]) == 5
        _without_graph(client, me, subject(BROWSER))


def _without_graph(client: SyncRedis, *subjects: Subject) -> None:
    """Has Redis forget who is whom, and keep the records."""
    for one in subjects:
        kept = seen(client, one)
        client.delete(keys.members(one))
        put(client, one, kept.base, kept.stored)


def test_dirty_mark_follows_the_merger(
    take: Take,
    accept: Accept,
    client: SyncRedis,
    log: Log,
    small: Settings,
    me: Subject,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A customer to be rebuilt who becomes an alias meanwhile is rebuilt as the customer they belong to then."""
    one = accept("e", user_id=None, anonymous_id="browser")
    take(one)
    graph.mark_dirty(client, [subject(BROWSER)])
    _meanwhile(monkeypatch, lambda: graph.link(client, [claim(USER, BROWSER)], small))
    assert rebuild_dirty(client, log, small) == 1
    assert (int(unpack(record_of(client, me).base).totals["events"][0]), graph.dirty(client)) == (1, {})


def test_marked_again_meanwhile(
    take: Take,
    accept: Accept,
    client: SyncRedis,
    log: Log,
    small: Settings,
    me: Subject,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A customer who is found dirty again while being rebuilt stays marked, a server without scripts or not."""
    take(*happened(accept))
    graph.mark_dirty(client, [me])
    _meanwhile(monkeypatch, lambda: graph.mark_dirty(client, [me]))
    client.script_flush()
    rebuild_dirty(client, log, small)
    assert [me] == list(graph.dirty(client))
    client.script_flush()
    rebuild_dirty(client, log, small)
    assert graph.dirty(client) == {}


def test_too_active_customer_stays_marked(
    take: Take,
    accept: Accept,
    client: SyncRedis,
    log: Log,
    small: Settings,
    me: Subject,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where a worker folds each time, the customer is left to the next round and has lost nothing."""
    take(*happened(accept), settings=small)
    numbers = iter(range(100))

    def busy() -> None:
        take(*[accept(f"more{next(numbers)}") for _ in range(2)], settings=small)
        fold_long_tails(client, small)

    _meanwhile(monkeypatch, busy, each_time=True)
    assert rebuild(client, log, [me], small) == 0
    assert [me] == list(graph.dirty(client))
    base = unpack(record_of(client, me).base)
    assert int(base.totals["events"][0]) == 9 + next(numbers)


def test_erased_meanwhile_stays_gone(
    take: Take,
    accept: Accept,
    client: SyncRedis,
    log: Log,
    small: Settings,
    me: Subject,
    secret: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever is erased while being rebuilt or folded, from a full or an empty Redis, is not brought back."""
    take(*happened(accept), settings=small)
    archive(client, log)
    client.delete(keys.record(me))
    _meanwhile(monkeypatch, lambda: erasure.erase(client, secret, USER, me, small))
    rebuild(client, log, [me], small)
    assert not record_of(client, me).found


def test_rebuild_of_many(
    take: Take, accept: Accept, client: SyncRedis, log: Log, settings: Settings, secret: bytes
) -> None:
    """Any number of customers are built, each from their own events, and progress comes to all of them."""
    take(*[accept(f"e{number}", user_id=f"u{number % 120}") for number in range(300)])
    archive(client, log)
    subjects = [subject_of(secret, "user_id", f"u{number}") for number in range(120)]
    before = {one: shown(client, one) for one in subjects}
    seen: list[int] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(rebuilding, "BATCH", 50)
        assert rebuild(client, log, subjects, settings, lambda _what, done, _of: seen.append(done)) == 120
    assert before == {one: shown(client, one) for one in subjects}
    assert seen == [50, 100, 120]
