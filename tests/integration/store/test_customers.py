"""Customers' records: one command to read, compare-and-set to replace."""

import asyncio
import threading
from collections.abc import Callable, Sequence

import msgspec
import pytest

from etappe.customers.base import unpack
from etappe.customers.records import decode_tail
from etappe.errors import StoreUnavailableError
from etappe.events.intake import Accepted
from etappe.ids import Subject, event_hash, subject_of
from etappe.settings import Place, Settings, Store
from etappe.store import connection, customers, keys
from etappe.store.connection import SyncRedis
from etappe.store.customers import CustomerRecord, Replacement
from etappe.worker.folding import fold_long_tails

Accept = Callable[..., Accepted]
Take = Callable[..., list[bool]]
ME = Subject(bytes([7]) * 16)
BASE = bytes([1, 0, 0, 0, 5, 0, 0, 0]) + b"rest"
"""Something with a generation where bases have it."""


def _read(place: Place, subjects: Sequence[Subject], request_id: str | None = None) -> list[CustomerRecord]:
    async def ask() -> list[CustomerRecord]:
        async with connection.connect_async(place) as client:
            return await customers.read(client, subjects, request_id)

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
    client.set(keys.tail(ME), b"t")
    client.config_resetstat()
    (found,) = _read(place, [ME], request_id)
    assert _commands(client) == {"mget": 1}
    assert CustomerRecord(ME, b"", b"t", b"") == found


def test_read_of_two_is_one_command_each(place: Place, client: SyncRedis) -> None:
    """Two identities take one command each, as on a cluster their keys have other slots."""
    other = Subject(bytes([9]) * 16)
    client.set(keys.base(other), b"b")
    client.config_resetstat()
    assert [CustomerRecord(ME), CustomerRecord(other, b"b")] == _read(place, [ME, other])
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


def test_replace_takes_the_read_part_of_the_tail(client: SyncRedis) -> None:
    """What was read of the tail goes, but for what is to be kept; what came in since stays behind it."""
    client.set(keys.base(ME), BASE)
    client.set(keys.tail(ME), b"read")
    (read,) = customers.read_blocking(client, [ME])
    client.append(keys.tail(ME), b"new")
    client.sadd(keys.long_tails(ME[0]), ME)  # type: ignore[arg-type]
    assert customers.replace(client, [Replacement(read, b"base", b"kept")], 60) == []
    assert _stored(client) == (b"base", b"keptnew")
    assert customers.waiting(client) == []
    assert [client.ttl(key) for key in (keys.base(ME), keys.tail(ME))] == [60, 60]


def test_empty_tail_is_dropped(client: SyncRedis) -> None:
    """A tail of which nothing is left has no key."""
    client.set(keys.tail(ME), b"read")
    customers.replace(client, [Replacement(*customers.read_blocking(client, [ME]), b"base")], 60)
    assert _stored(client) == (b"base", b"")
    assert client.exists(keys.tail(ME)) == 0


@pytest.mark.parametrize("before", [b"", BASE])
def test_changed_base_is_not_replaced(client: SyncRedis, before: bytes) -> None:
    """Where the base has another generation than when it was read nothing is done, and the customer is named."""
    client.set(keys.tail(ME), b"tail")
    if before:
        client.set(keys.base(ME), before)
    (read,) = customers.read_blocking(client, [ME])
    faster = bytes([1, 0, 0, 0, 6, 0, 0, 0])
    client.set(keys.base(ME), faster)
    assert customers.replace(client, [Replacement(read, b"base")], 60) == [ME]
    assert (faster, b"tail") == _stored(client)


def test_expired_base_is_not_replaced(client: SyncRedis) -> None:
    """A base that was there when read and is gone is a change too."""
    client.set(keys.base(ME), BASE)
    (read,) = customers.read_blocking(client, [ME])
    client.delete(keys.base(ME))
    assert customers.replace(client, [Replacement(read, b"base")], 60) == [ME]


def test_replace_of_many(client: SyncRedis) -> None:
    """Each replacement succeeds or fails alone; the scripts are loaded again where the server forgot them."""
    subjects = [Subject(bytes([number]) * 16) for number in range(5)]
    for subject in subjects:
        client.set(keys.base(subject), BASE)
    read = customers.read_blocking(client, subjects)
    client.set(keys.base(subjects[2]), b"\1\0\0\0\6\0\0\0")
    client.script_flush()
    assert [subjects[2]] == customers.replace(client, [Replacement(one, b"base") for one in read], 60)
    assert [one.base for one in customers.read_blocking(client, subjects) if one.subject != subjects[2]] == [
        b"base"
    ] * 4
    assert customers.replace(client, [], 60) == []


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
