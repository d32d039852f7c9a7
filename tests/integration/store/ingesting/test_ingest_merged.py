"""Events of concurrent requests go together, and each request is told of its own."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from redis.exceptions import ResponseError

from etappe.errors import StoreError, StoreUnavailableError
from etappe.events.intake import Accepted
from etappe.ids import partition_of, subject_of
from etappe.settings import Place, Settings
from etappe.store import keys
from etappe.store.ingesting import ingest
from etappe.store.ingesting.ingest import Ingest, Outcome
from etappe.store.server import connection
from etappe.store.server.connection import SyncRedis
from etappe.store.wire import Command, RedisPy, Reply

Accept = Callable[..., Accepted]
Act = Callable[[Ingest], Coroutine[Any, Any, Any]]


class _Slow:
    """A wire on which the first commands wait until they are let go."""

    def __init__(self, wire: RedisPy) -> None:
        self._wire = wire
        self.go, self.began = asyncio.Event(), asyncio.Event()
        self.asked = 0

    async def ask(self, commands: Sequence[Command]) -> list[Reply]:
        """See `Wire`."""
        self.asked += 1
        self.began.set()
        await self.go.wait()
        return await self._wire.ask(commands)


@pytest.fixture
def act(place: Place, secret: bytes, settings: Settings) -> Callable[[Act], Any]:
    """Does something with what one serving process sends of events."""

    def done(what: Act) -> Any:
        async def run() -> Any:
            async with connection.connect_async(place) as client:
                return await what(Ingest(RedisPy(client), secret, settings))

        return asyncio.run(run())

    return done


def _calls(client: SyncRedis) -> int:
    stats = client.info("commandstats")
    return sum(told["calls"] for name, told in stats.items() if name in ("cmdstat_evalsha", "cmdstat_eval"))


def test_requests_of_one_moment_are_one_call(act: Callable[[Act], Any], accept: Accept, client: SyncRedis) -> None:
    """However many requests come at one time, each partition is called once and gets one entry, in their order."""
    act(lambda one: one.take([accept("first")]))
    client.config_resetstat()
    found = act(lambda one: asyncio.gather(*(one.take([accept(f"e{n}"), accept(f"f{n}")]) for n in range(20))))
    assert found == [[Outcome.ACCEPTED] * 2] * 20
    assert _calls(client) == 1
    entries: Any = [entry for name in keys.streams() for entry in client.xrange(name)]  # type: ignore[union-attr]
    assert [len(fields) for _, fields in entries] == [1, 40]
    rows = list(entries[1][1].values())
    assert all(f'"e{n}"'.encode() in rows[2 * n] and f'"f{n}"'.encode() in rows[2 * n + 1] for n in range(20))


def test_what_comes_meanwhile_goes_next(act: Callable[[Act], Any], accept: Accept, place: Place) -> None:
    """What comes in while a call is under way goes with the next one, all of it."""

    async def run(_: Ingest) -> tuple[int, list[list[Outcome]]]:
        async with connection.connect_async(place) as client:
            wire = _Slow(RedisPy(client))
            mine = Ingest(wire, b"s" * 32, Settings())
            tasks = [asyncio.create_task(mine.take([accept("e0")]))]
            await wire.began.wait()
            tasks += [asyncio.create_task(mine.take([accept(f"e{number}")])) for number in range(1, 30)]
            await asyncio.sleep(0.05)
            wire.go.set()
            return wire.asked, await asyncio.gather(*tasks)

    asked, found = act(run)
    assert (asked, found) == (1, [[Outcome.ACCEPTED]] * 30)


def test_each_request_has_its_own_outcomes(act: Callable[[Act], Any], accept: Accept) -> None:
    """The same event of several requests is accepted once, whichever of them that is."""

    def both(one: Ingest) -> Any:
        return asyncio.gather(*(one.take([accept("same"), accept(f"own{number}")]) for number in range(5)))

    found = act(both)
    assert sorted(one[0] for one in found) == [0, 0, 0, 0, 1]
    assert [one[1] for one in found] == [Outcome.ACCEPTED] * 5


def test_failures_reach_those_concerned(
    act: Callable[[Act], Any], accept: Accept, client: SyncRedis, secret: bytes
) -> None:
    """Where one partition cannot be written to, only requests with events of it fail; sent again they are taken."""
    users = {partition_of(subject_of(secret, "user_id", f"u{number}")): f"u{number}" for number in range(9)}
    broken, *_ = users
    client.set(keys.stream(broken), b"no stream")

    async def all_of(one: Ingest) -> list[Any]:
        asked = [one.take([accept("e", user_id=user)]) for user in users.values()]
        return await asyncio.gather(*asked, return_exceptions=True)

    found = act(all_of)
    assert [isinstance(one, StoreError) for one in found] == [number == broken for number in users]
    client.delete(keys.stream(broken))
    assert [one[0] for one in act(all_of)] == [number == broken for number in users]


def test_a_request_that_is_given_up(act: Callable[[Act], Any], accept: Accept) -> None:
    """Who waits no longer disturbs no other."""

    async def run(one: Ingest) -> list[Outcome]:
        given_up = asyncio.create_task(one.take([accept("gone")]))
        other = asyncio.create_task(one.take([accept("e")]))
        await asyncio.sleep(0)
        given_up.cancel()
        return await other

    assert act(run) == [Outcome.ACCEPTED]


@contextmanager
def _room(bytes_: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setattr(ingest, "WAITING_BYTES", bytes_)
        yield


def test_the_queue_is_bounded(place: Place, accept: Accept, client: SyncRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where too much waits, more is refused at once, and taken when there is room again."""

    async def run() -> None:
        async with connection.connect_async(place) as connected:
            wire = _Slow(RedisPy(connected))
            mine = Ingest(wire, b"s" * 32, Settings())
            waiting = asyncio.create_task(mine.take([accept(f"e{number}") for number in range(20)]))
            await asyncio.sleep(0)
            with pytest.raises(StoreUnavailableError, match=r"more events come in .* send the same batch again"):
                await mine.take([accept("more")])
            wire.go.set()
            assert await waiting == [Outcome.ACCEPTED] * 20
            assert await mine.take([accept("more")]) == [Outcome.ACCEPTED]

    with _room(1_000, monkeypatch):
        asyncio.run(run())


@pytest.mark.parametrize(("name", "value"), [("MOST_EVENTS", 3), ("MOST_BYTES", 450)])
def test_a_large_batch_takes_several_calls(
    act: Callable[[Act], Any], accept: Accept, client: SyncRedis, monkeypatch: pytest.MonkeyPatch, name: str, value: int
) -> None:
    """A call takes so many events and bytes; the rest goes with the next ones, in order."""
    monkeypatch.setattr(f"etappe.store.ingesting.calls.{name}", value)
    assert act(lambda one: one.take([accept(f"e{number}") for number in range(10)])) == [Outcome.ACCEPTED] * 10
    entries: Any = [entry for found in keys.streams() for entry in client.xrange(found)]  # type: ignore[union-attr]
    assert max(len(fields) for _, fields in entries) <= 3
    told = b"".join(row for _, fields in entries for row in fields.values())
    assert sorted(range(10), key=lambda number: told.index(f'"e{number}"'.encode())) == list(range(10))


def test_a_flood_keeps_nobody_waiting(
    act: Callable[[Act], Any], accept: Accept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events of others overtake those whose calls are full."""
    monkeypatch.setattr("etappe.store.ingesting.calls.MOST_EVENTS", 2)
    monkeypatch.setattr(ingest, "AT_ONCE", 4)
    done: list[str] = []

    async def send(one: Ingest, user: str, count: int) -> None:
        await one.take([accept(f"{user}{number}", user_id=user) for number in range(count)])
        done.append(user)

    act(lambda one: asyncio.gather(send(one, "u", 20), send(one, "v", 1)))
    assert done == ["v", "u"]


class _Broken:
    """A wire that fails in a way nobody has foreseen."""

    async def ask(self, commands: Sequence[Command]) -> list[Reply]:
        """See `Wire`."""
        raise ResponseError(f"{len(commands)} commands")


def test_what_nobody_has_foreseen(accept: Accept, secret: bytes, settings: Settings) -> None:
    """Whatever goes wrong, whoever waits is told."""
    with pytest.raises(ResponseError, match="1 commands"):
        asyncio.run(Ingest(_Broken(), secret, settings).take([accept("e")]))
