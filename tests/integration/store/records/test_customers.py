"""Customers' records: one command to read, compare-and-set to replace."""

import asyncio
import struct
import threading
import time
from collections.abc import Callable, Sequence

import msgspec
import pytest
from tests.integration.kept import put, record, seen
from tests.unit.customers.people import claim, subject

from etappe.customers.packed.base import unpack
from etappe.customers.records import decode_tail
from etappe.errors import DataError, StoreUnavailableError
from etappe.events.identities import Identity
from etappe.events.intake import Accepted
from etappe.ids import Subject, event_hash, item_hash, subject_of
from etappe.settings import Place, Settings, Store
from etappe.store import keys
from etappe.store.identities import graph
from etappe.store.records import customers, envelope
from etappe.store.records.customers import CustomerRecord, Replacement
from etappe.store.server import connection
from etappe.store.server.connection import SyncRedis
from etappe.store.wire import RedisPy
from etappe.worker.folding import fold_long_tails

Accept = Callable[..., Accepted]
Take = Callable[..., list[bool]]
ME = Subject(bytes([7]) * 16)
ANNA = Identity("user_id", "anna")
BROWSER = Identity("anonymous_id", "browser")
MAIL = Identity("email_sha256", "0" * 64)
BASE = bytes([1, 0, 0, 0, 5, 0, 0, 0]) + bytes(16) + b"rest"
"""Something with a generation where bases have it."""
NEXT = bytes([1, 0, 0, 0, 7, 0, 0, 0]) + bytes(16) + b"next"
FASTER = bytes([1, 0, 0, 0, 6, 0, 0, 0]) + bytes(16)
TAIL = record("tail")


def _read(place: Place, subjects: Sequence[Subject], request_id: str | None = None) -> list[CustomerRecord]:
    async def ask() -> list[CustomerRecord]:
        async with connection.connect_async(place) as client:
            return await customers.read(RedisPy(client), subjects, request_id)

    return asyncio.run(ask())


def _commands(client: SyncRedis) -> dict[str, int]:
    """How often each command that touches data was called since the last reset."""
    found = client.info("commandstats")
    names = {name.removeprefix("cmdstat_"): stats["calls"] for name, stats in found.items()}
    return {
        name: calls for name, calls in names.items() if name.split("|")[0] not in ("config", "info", "hello", "client")
    }


@pytest.mark.parametrize("request_id", [None, "r1"])
def test_read_is_one_command(place: Place, client: SyncRedis, request_id: str | None) -> None:
    """Base, tail and a kept answer of a customer are read with one command, as the server itself counts."""
    put(client, ME, tail=TAIL)
    client.config_resetstat()
    (found,) = _read(place, [ME], request_id)
    assert _commands(client) == {"mget": 1}
    assert (found.subject, found.base, found.tail) == (ME, b"", TAIL)


def test_read_of_two_is_one_command_each(place: Place, client: SyncRedis) -> None:
    """Two identities take one command each, as on a cluster their keys have other slots."""
    other = Subject(bytes([9]) * 16)
    put(client, other, BASE)
    client.config_resetstat()
    assert [(ME, b""), (other, BASE)] == [(one.subject, one.base) for one in _read(place, [ME, other])]
    assert _commands(client) == {"mget": 2}


def test_kept_answer_comes_along(place: Place, client: SyncRedis) -> None:
    """The answer given to a request_id comes with the record, and only for that request_id."""
    client.set(keys.answer(ME, "r1"), b"answer")
    assert [_read(place, [ME], request)[0].answer for request in ("r1", "r2", None)] == [b"answer", b"", b""]


def test_read_writes_nothing(place: Place, client: SyncRedis) -> None:
    """Reading a stranger leaves no trace of them."""
    assert not _read(place, [ME], "r")[0].found
    assert list(client.scan_iter()) == []


def test_no_server(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where nothing answers a read says that the store is not available."""
    nowhere = Place(tmp_path_factory.mktemp("x"), redis_url="unix:///nowhere.sock")
    for subjects in ([ME], [ME, ME]):
        with pytest.raises(StoreUnavailableError, match="does not answer"):
            _read(nowhere, subjects)


def _stored(client: SyncRedis) -> tuple[bytes, bytes]:
    (found,) = customers.read_blocking(client, [ME])
    return found.base, found.tail


def _link(client: SyncRedis, settings: Settings, *pairs: tuple[Identity, Identity]) -> None:
    graph.link(client, [claim(one, other) for one, other in pairs], settings)


def test_alias_is_one_more_round_trip(place: Place, client: SyncRedis, settings: Settings) -> None:
    """A subject that is an alias is answered with its customer's record; the kept answer is that of who was asked."""
    _link(client, settings, (ANNA, BROWSER))
    put(client, subject(ANNA), tail=TAIL)
    client.set(keys.answer(subject(BROWSER), "r"), b"answer")
    client.config_resetstat()
    (found,) = _read(place, [subject(BROWSER)], "r")
    assert (found.subject, found.tail, found.answer) == (subject(ANNA), TAIL, b"answer")
    assert _commands(client) == {"mget": 2}


def test_two_aliases_of_one_customer(place: Place, client: SyncRedis, settings: Settings) -> None:
    """Several subjects of one customer are all answered with that customer, in the order they were asked for."""
    _link(client, settings, (ANNA, BROWSER), (ANNA, MAIL))
    put(client, subject(ANNA), tail=TAIL)
    asked = [subject(one) for one in (MAIL, BROWSER, ANNA)] + [ME]
    assert [(one.subject, one.tail) for one in _read(place, asked)] == [(subject(ANNA), TAIL)] * 3 + [(ME, b"")]


def test_waiting_bases_are_joined(
    place: Place, client: SyncRedis, take: Take, accept: Accept, settings: Settings
) -> None:
    """Until the worker has rebuilt a merged customer, reading joins the bases of whom were merged."""
    small = msgspec.structs.replace(settings, store=Store(tail_limit=1))
    take(*[accept(f"a{number}", user_id="anna", item_id="x") for number in range(3)], settings=small)
    take(
        *[accept(f"b{number}", user_id=None, anonymous_id="browser", item_id="y") for number in range(2)],
        settings=small,
    )
    fold_long_tails(client, small)
    _link(client, settings, (ANNA, BROWSER))
    for asked in (BROWSER, ANNA):
        (found,) = _read(place, [subject(asked)])
        assert found.place.waiting == (subject(BROWSER),)
        assert {item_hash("x"): 3, item_hash("y"): 2} == {
            int(one["item"]): int(one["views"]) for one in unpack(found.base).items
        }
        resolved = customers.read_resolved(client, subject(asked))
        assert (found.base, found.tail) == (resolved.base, resolved.tail)


def test_replace_takes_the_read_part_of_the_tail(client: SyncRedis) -> None:
    """What was read of the tail goes, but for what is to be kept; what came in since stays behind it."""
    put(client, ME, BASE, record("read"))
    (read,) = customers.read_blocking(client, [ME])
    client.append(keys.record(ME), record("new"))
    client.sadd(keys.long_tails(ME[0]), ME)  # type: ignore[arg-type]
    assert customers.replace(client, [Replacement(read, NEXT, kept=record("kept"))]) == []
    assert _stored(client) == (NEXT, record("kept") + record("new"))
    assert customers.waiting(client) == []


def test_empty_tail_is_dropped(client: SyncRedis) -> None:
    """Of a tail of which nothing is left there is neither a trace nor a hot part."""
    put(client, ME, tail=record("read"))
    customers.replace(client, [Replacement(*customers.read_blocking(client, [ME]), NEXT)])
    assert _stored(client) == (NEXT, b"")
    assert len(client.get(keys.record(ME))) == envelope.HEADER_BYTES + len(NEXT)  # type: ignore[arg-type]


def test_a_count_of_this_minute_outlasts_folding(client: SyncRedis) -> None:
    """How many events counted in a minute that is not long over is still known when the tail was folded."""
    put(client, ME, BASE, record("read"))
    for minute, there in ((int(time.time()) // 60, True), (int(time.time()) // 60 - 5, False)):
        hot = envelope.HEADER_BYTES + len(BASE) + 8
        client.setrange(keys.record(ME), hot, struct.pack("<IHH", minute, 7, 0))  # type: ignore[arg-type]
        customers.replace(client, [Replacement(*customers.read_blocking(client, [ME]), NEXT)])
        assert bool(seen(client, ME).flags & envelope.HOT) == there


@pytest.mark.parametrize("before", [b"", BASE])
def test_changed_base_is_not_replaced(client: SyncRedis, before: bytes) -> None:
    """Where the base has another generation than when it was read nothing is done, and the customer is named."""
    put(client, ME, before, TAIL)
    (read,) = customers.read_blocking(client, [ME])
    put(client, ME, FASTER, TAIL)
    assert customers.replace(client, [Replacement(read, NEXT)]) == [ME]
    assert _stored(client) == (FASTER, TAIL)


def test_changed_tail_is_not_replaced(client: SyncRedis) -> None:
    """A tail that does not begin as it was read belongs to somebody who was erased or parted since: nothing is done."""
    put(client, ME, tail=TAIL + record("more"))
    (read,) = customers.read_blocking(client, [ME])
    for now in (b"", record("other") + record("and more"), TAIL):
        put(client, ME, tail=now)
        assert customers.replace(client, [Replacement(read, NEXT)]) == [ME]
        assert _stored(client) == (b"", now)


@pytest.mark.parametrize("meanwhile", [b"L" + b"2" * 15 + b"x" * 16, b"O" + b"2" * 15])
def test_merged_customer_is_not_replaced(client: SyncRedis, meanwhile: bytes) -> None:
    """Who became an alias meanwhile, or took somebody over, is to be tried again."""
    put(client, ME, graph=b"O" + b"1" * 15)
    (read,) = customers.read_blocking(client, [ME])
    put(client, ME, graph=meanwhile)
    assert customers.replace(client, [Replacement(read, NEXT)]) == [ME]
    assert _stored(client) == (b"", b"")


def test_held_bases_wait_no_longer(client: SyncRedis) -> None:
    """Of the bases that waited to be joined, those in the new base are struck off, others go on waiting."""
    head, others = b"O" + b"1" * 15, [bytes([number]) * 16 for number in range(3)]
    put(client, ME, graph=head + b"".join(others))
    (read,) = customers.read_blocking(client, [ME])
    assert customers.replace(client, [Replacement(read, NEXT, (Subject(others[0]), Subject(others[2])))]) == []
    assert seen(client, ME).graph == head + others[1]


def test_swept_base_is_not_replaced(client: SyncRedis) -> None:
    """A base that was there when read and is gone is a change too."""
    put(client, ME, BASE)
    (read,) = customers.read_blocking(client, [ME])
    client.delete(keys.record(ME))
    assert customers.replace(client, [Replacement(read, NEXT)]) == [ME]


def test_what_cannot_be_read_can_be_replaced(client: SyncRedis) -> None:
    """A value of another version is a record that cannot be read, and gives way to one that is built anew."""
    client.set(keys.record(ME), b"\x09 of another version")
    (read,) = customers.read_blocking(client, [ME])
    with pytest.raises(DataError, match="version"):
        unpack(read.base)
    assert customers.replace(client, [Replacement(read, NEXT)]) == []
    assert _stored(client) == (NEXT, b"")


def test_replace_of_many(client: SyncRedis) -> None:
    """Each replacement succeeds or fails alone; the scripts are loaded again where the server forgot them."""
    subjects = [Subject(bytes([number]) * 16) for number in range(5)]
    for one in subjects:
        put(client, one, BASE)
    read = customers.read_blocking(client, subjects)
    put(client, subjects[2], FASTER)
    client.script_flush()
    assert [subjects[2]] == customers.replace(client, [Replacement(one, NEXT) for one in read])
    assert [one.base for one in customers.read_blocking(client, subjects) if one.subject != subjects[2]] == [NEXT] * 4
    assert customers.replace(client, []) == []


def test_two_workers_lose_nothing(
    place: Place, client: SyncRedis, take: Take, accept: Accept, settings: Settings, secret: bytes
) -> None:
    """While two workers fold all the time every event of a stream of batches is counted once."""
    small = msgspec.structs.replace(settings, store=Store(tail_limit=1))
    stop, failures = threading.Event(), list[BaseException]()

    def work() -> None:
        try:
            with connection.connect(place) as mine:
                while not stop.is_set():
                    fold_long_tails(mine, small)
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failures.append(error)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    try:
        for batch in range(60):
            events = [accept(f"e{batch}-{number}", user_id=f"u{number % 2}") for number in range(6)]
            assert take(*events, settings=small) == [True] * 6
    finally:
        stop.set()
        for worker in workers:
            worker.join()
    assert failures == []
    for user in range(2):
        (record,) = customers.read_blocking(client, [subject_of(secret, "user_id", f"u{user}")])
        base, tail = unpack(record.base), decode_tail(record.tail)
        expected = {event_hash(f"e{batch}-{number}") for batch in range(60) for number in range(user, 6, 2)}
        assert int(base.totals["events"][0]) + len(tail) == 180
        assert base.generation > 1
        assert set(base.ring.tolist()) | set(tail["event"].tolist()) == expected
