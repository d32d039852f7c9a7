"""Redis is made anew from the log: graph, tombstones, records, streams, whatever was lost and however often it is begun."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.integration.kept import put, seen

from etappe.errors import DamagedFileError, StoreError
from etappe.events.identities import Identity
from etappe.events.intake import Accepted, read_event
from etappe.ids import Subject, subject_of
from etappe.log import Log
from etappe.settings import Place, Settings
from etappe.store import keys
from etappe.store.config import api_keys, artifacts, journal
from etappe.store.config.catalogues import load
from etappe.store.identities import erasure, graph, logged_tombstones, tombstones
from etappe.store.identities.linking import Linker
from etappe.store.ingesting.ingest import ingest
from etappe.store.place import marks
from etappe.store.records import customers, envelope
from etappe.store.scripts import LEASE
from etappe.store.server.connection import SyncRedis, connect_async, run_script
from etappe.store.wire import RedisPy
from etappe.worker.archiving.archive import archive
from etappe.worker.backup import regraphing, restoring, unerased
from etappe.worker.backup.restoring import rebuild_all
from etappe.worker.erasing.rewriting import erase_now
from etappe.worker.rebuilding import rebuild

Accept = Callable[..., Accepted]
Take = Callable[..., Any]
Again = Callable[[], restoring.Rebuilt]


@pytest.fixture
def again(client: SyncRedis, log: Log, place: Place, secret: bytes, settings: Settings) -> Again:
    """Rebuilds everything."""
    return lambda: rebuild_all(client, log, place.data, secret, settings)


@pytest.fixture
def live(take: Take, accept: Accept, client: SyncRedis, secret: bytes, settings: Settings) -> None:
    """Three customers, two of them with several identities; one is erased; a key and some items."""
    events = [
        accept("a1", user_id=None, anonymous_id="as-phone"),
        accept("a2", "login", user_id="a", anonymous_id="as-phone", item_id=None),
        accept("a3", "purchase", user_id="a", order_id="o", price=2.0, item_id="j"),
        accept("b1", user_id="b", item_id="k"),
        accept("c1", "login", user_id="c", anonymous_id="cs-phone", item_id=None),
        accept("c2", user_id="c"),
    ]
    take(*events)
    linker = Linker(client, secret, settings)
    linker.link(linker.news(events))
    erasure.erase(client, secret, Identity("user_id", "c"), subject_of(secret, "user_id", "c"), settings)
    api_keys.create(client, "secret")
    journal.append(client, journal.ITEMS, [{"id": "i"}, {"id": "j", "available": False}])


def _of(secret: bytes, user: str) -> Subject:
    return subject_of(secret, "user_id", user)


def _held(client: SyncRedis) -> dict[bytes, Any]:
    """All of Redis that the log tells, so without marks: records whole but for their count of folds, lists sorted."""
    found: dict[bytes, Any] = {}
    for name in client.scan_iter():
        kind = b"passing" if any(part in name for part in (b":mark", b":beat")) else client.type(name)
        if kind == b"string" and b"{artifact}" not in name:
            value: Any = client.get(name)
            found[name] = _known(value) if b":c:" in name else value
        elif kind == b"hash":
            found[name] = {field: sorted(value) for field, value in client.hgetall(name).items()}
        elif kind == b"stream":
            found[name] = client.xinfo_stream(name)["last-generated-id"]
    return found


def _known(value: bytes) -> tuple[Any, ...]:
    """A record but for its count of folds, and the hashes of what went to no record, which no log tells."""
    kept = envelope.opened(value)
    return kept.consent, kept.flags, kept.used, kept.graph, kept.base[:4] + kept.base[8:], kept.tail


def test_from_nothing(live: None, again: Again, client: SyncRedis, log: Log, place: Place, secret: bytes) -> None:
    """An emptied Redis has afterwards, key by key, what a rebuilt one had."""
    first = again()
    before = _held(client)
    kept = client.get(keys.SECRET)
    client.flushall()
    if kept:
        client.set(keys.SECRET, kept)
    assert again() == first
    assert _held(client) == before
    assert (first.customers, first.aliases, first.items, first.api_keys, first.erasures) == (2, 1, 2, 1, 1)
    catalogue, position = load(client, place.data)
    assert catalogue.find("j") is not None
    assert position == log.streams()[keys.CONFIG_STREAM]


def test_what_the_log_lacks_goes(live: None, again: Again, client: SyncRedis, secret: bytes) -> None:
    """A record, an alias and a key that are in Redis alone are gone afterwards."""
    again()
    before = _held(client)
    stranger, other = _of(secret, "x"), _of(secret, "y")
    put(client, stranger, seen(client, _of(secret, "b")).base)
    put(client, other, graph=b"L" + b"9" * 15 + stranger)
    client.hset(keys.members(stranger), "epoch", "9")
    client.hset(keys.API_KEYS, "digest", json.dumps({"name": "n", "kind": "secret", "digest": "digest"}))
    again()
    assert {name: value for name, value in _held(client).items() if value != b""} == before


@pytest.mark.parametrize("step", ["_put_api_keys", "_put_catalogue", "_put_snapshots", "_put_records", "raise_streams"])
def test_broken_off(
    live: None, again: Again, client: SyncRedis, step: str, monkeypatch: pytest.MonkeyPatch, secret: bytes
) -> None:
    """Broken off before any step, it is begun again and comes to the same."""
    again()
    before = _held(client)
    client.flushall()

    def broken(*_: Any) -> None:
        raise StoreError("broken off")

    with monkeypatch.context() as patched:
        patched.setattr(restoring, step, broken)
        with pytest.raises(StoreError, match="broken off"):
            again()
    again()
    assert _held(client) == before


def test_damage_is_found_before_anything_is_replaced(live: None, again: Again, client: SyncRedis, log: Log) -> None:
    """A file with its size and other bytes stops the rebuild while Redis is as it was, marks included."""
    again()
    before = marks.read(client)
    path = log.folder / next(iter(log.state().of("event"))).path
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(DamagedFileError, match="--heal"):
        again()
    assert marks.read(client) == before
    assert marks.missing(before) == []


def test_the_erased_stay_away(
    live: None, again: Again, client: SyncRedis, log: Log, secret: bytes, settings: Settings, place: Place
) -> None:
    """Of someone erased, whom the log still holds, nothing comes back; the list of whom it holds does, and the receipt."""
    listed = erasure.pending(client)
    archive(client, log)
    client.flushall()
    again()
    assert not customers.read_blocking(client, [_of(secret, "c")])[0].found
    assert graph.groups(client, [_of(secret, "c")])[_of(secret, "c")] == {}
    (one,) = erasure.pending(client)
    assert (one.receipt, one.since, one.due) == (listed[0].receipt, listed[0].since, listed[0].due)
    assert (set(one.subjects), set(one.identities)) == (set(listed[0].subjects), set(listed[0].identities))
    client.set(keys.SECRET, secret)
    erase_now(client, log, place.data / "rejected", settings)
    client.flushall()
    assert again().erasures == 0
    told = erasure.receipt(client, one.receipt)
    assert told is not None
    assert (told.identities, told.rewritten is not None) == (2, True)
    assert unerased.still_in(log, secret, settings) == []


def test_tombstones_hold_where_redis_was_emptied(
    live: None, again: Again, take: Take, accept: Accept, client: SyncRedis, log: Log
) -> None:
    """An event from before an erasure is refused after a rebuild, too."""
    archive(client, log)
    client.flushall()
    again()
    assert take(accept("c3", user_id="c")) == [-2]


def test_dirty_ones_stay_without_the_erased(
    live: None, client: SyncRedis, log: Log, secret: bytes, settings: Settings, place: Place
) -> None:
    """Whoever comes back after being erased is rebuilt from what came later alone."""
    again = {"event_id": "c9", "event": "view_item", "user_id": "c", "item_id": "z"}
    later = read_event(json.dumps(again).encode(), datetime.now(UTC))
    _ingest(place, secret, settings, later)
    rebuild(client, log, [_of(secret, "c")], settings)
    assert customers.read_blocking(client, [_of(secret, "c")])[0].base[8:10] == b"\x01\x00"


def _ingest(place: Place, secret: bytes, settings: Settings, event: Accepted) -> None:
    async def send() -> None:
        async with connect_async(place) as redis_client:
            assert await ingest(RedisPy(redis_client), secret, [event], settings) == [1]

    asyncio.run(send())


def test_streams_go_on(live: None, again: Again, client: SyncRedis, log: Log) -> None:
    """A Redis whose clock is behind numbers entries behind those that the log has."""
    archive(client, log)
    client.flushall()
    client.xadd(keys.CONFIG_STREAM, {"k": "key", "p": "{}"}, id="5-0")
    client.delete(keys.CONFIG_STREAM)
    again()
    ends = log.streams()
    for name, last in ends.items():
        assert journal.ordered(client.xinfo_stream(name)["last-generated-id"].decode()) >= journal.ordered(last)
        assert client.xlen(name) == 0


def test_servers_are_waited_for(
    live: None, again: Again, client: SyncRedis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lease that lapses is waited for; one that goes on is refused with what to do."""
    names = [keys.LEASES, keys.LEASE_POSITIONS, keys.CONFIG_MARK, keys.BEAT]
    run_script(client, LEASE, names, ["r", "0-0", 300, "", 0])
    again()
    monkeypatch.setattr(restoring, "_LAPSE_SECONDS", -3.9)
    run_script(client, LEASE, names, ["r", "0-0", 60_000, "", 0])
    with pytest.raises(StoreError, match="etappe serve"):
        again()


def test_snapshots_that_are_nowhere(live: None, again: Again, client: SyncRedis) -> None:
    """A snapshot that no folder has is named; Redis has no current one then."""
    journal.append(client, journal.SNAPSHOT, {"version": "20260101T000000000Z-00000000"})
    done = again()
    assert (done.snapshot, done.missing) == (None, ["20260101T000000000Z-00000000"])
    assert artifacts.current(client, "snapshot") is None


def test_two_at_once(live: None, again: Again, client: SyncRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another changes identities all the time, it gives up with a message, and takes its lock along."""
    client.set(keys.IDENTITY_LOCK, "someone", px=60_000)
    monkeypatch.setattr(regraphing, "WAIT_SECONDS", 0.05)
    with pytest.raises(StoreError, match="changing identities"):
        again()
    assert client.get(keys.IDENTITY_LOCK) == b"someone"


def test_lists_of_tombstones(live: None, client: SyncRedis, log: Log, secret: bytes) -> None:
    """What is listed is read again; Redis and the log name the same ones; the log takes each up once."""
    archive(client, log)
    known = logged_tombstones.in_log(log)
    text = tombstones.listed(known)
    assert tombstones.read(text, "list") == known
    assert [(one.mark, one.partition, one.since) for one in tombstones.in_redis(client)] == [
        (one.mark, one.partition, one.since) for one in known
    ]
    new = tombstones.of(secret, _of(secret, "b"), 1_700_000_000_000, "r")
    assert logged_tombstones.add(log, [*known, new, new]) == 1
    assert logged_tombstones.in_log(log) == sorted([*known, new])
    assert "vera" not in text
    for bad in ("x", "00 1 2026-01-01 r", f"{'00' * 16} 256 2026-01-01T00:00:00+00:00 r"):
        with pytest.raises(Exception, match="line 1 is no tombstone"):
            tombstones.read(bad, "list")


def test_no_log_is_begun(live: None, client: SyncRedis, log: Log, place: Place) -> None:
    """Where the disk was lost, who was erased is taken from Redis, and what waits in its streams goes on waiting."""
    waiting = sum(client.xlen(name) for name in keys.streams())
    assert len(restoring.known_tombstones(client, place.data / "lost")) == 2
    assert not (place.data / "lost").exists()
    assert sum(client.xlen(name) for name in keys.streams()) == waiting == 4
    known = restoring.known_tombstones(client, log.folder)
    assert {one.receipt for one in known} >= {one.receipt for one in erasure.pending(client)}
