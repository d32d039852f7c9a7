"""What a serving process takes for the Redis that was left, and that nothing is written into another."""

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest
from tests.conftest import NOW, SECRET, OwnServer

from etappe.api.replica import Replica
from etappe.errors import GenerationError, StoreUnavailableError
from etappe.events.intake import Accepted, read_event
from etappe.ids import Subject, partition_of, subject_of
from etappe.log import Log
from etappe.settings import Place, Settings
from etappe.store import keys
from etappe.store.config import api_keys, journal
from etappe.store.ingesting.ingest import ingest
from etappe.store.place import beginning, generation, marks
from etappe.store.place.marks import EMPTIED, SET_BACK, Standing
from etappe.store.records import customers
from etappe.store.server import connection
from etappe.store.server.connection import AsyncRedis, SyncRedis, connect_async
from etappe.store.wire import RedisPy

ME: Final = subject_of(SECRET, "user_id", "u")
MARK: Final = keys.mark(partition_of(ME))
Story = Callable[[AsyncRedis, Standing], Awaitable[None]]


@pytest.fixture
def begun(client: SyncRedis, place: Place, log: Log) -> str:
    """The generation of a place that was begun."""
    client.set(keys.SECRET, SECRET)
    beginning.renew(client, log, place.data)
    return str(generation.kept(place.data))


def _told(place: Place, story: Story) -> None:
    async def run() -> None:
        standing = Standing(SECRET)
        async with connect_async(place, standing.greet) as redis:
            await story(redis, standing)

    asyncio.run(run())


async def _stand(redis: AsyncRedis, standing: Standing) -> bool:
    return standing.stand(await redis.get(keys.SECRET), {keys.CONFIG_MARK: await redis.get(keys.CONFIG_MARK)})


def _event(number: str) -> Accepted:
    return read_event(
        json.dumps({"event_id": number, "event": "view_item", "user_id": "u", "item_id": "i"}).encode(), NOW
    )


async def _take(redis: AsyncRedis, standing: Standing, settings: Settings, number: str = "e") -> list[int]:
    return list(await ingest(RedisPy(redis), SECRET, [_event(number)], settings, None, standing))


async def _again(redis: AsyncRedis, standing: Standing, settings: Settings, number: str) -> list[int]:
    """Sends an event once more where the connection broke."""
    try:
        return list(await ingest(RedisPy(redis), standing.secret, [_event(number)], settings, None, standing))
    except StoreUnavailableError:
        return list(await ingest(RedisPy(redis), standing.secret, [_event(number)], settings, None, standing))


def _held(client: SyncRedis, me: Subject = ME) -> tuple[int, bool]:
    return client.xlen(keys.stream(partition_of(me))), bool(client.exists(keys.record(me)))


def test_order_of_marks() -> None:
    """The later of two generations, and the further of two positions, is the larger text, whatever the clock says."""
    first = marks.new_generation(None)
    later = marks.new_generation(marks.new_generation("f" * marks.GENERATION_CHARS))
    assert (len(first), first < later) == (marks.GENERATION_CHARS, True)
    some = [marks.mark_of(first, position) for position in ("0-0", "5-2", "5-10", "40-1", "1764286000000-0")]
    assert sorted(some) == some
    assert marks.position_of(some[2]) == (5, 10)


@pytest.mark.parametrize("hurt", ["missing", "older", "another"])
def test_nothing_is_taken(client: SyncRedis, place: Place, settings: Settings, begun: str, hurt: str) -> None:
    """Where the mark of a partition is missing, older or of another place, a batch writes nothing and nobody is known."""
    older, newer = (marks.mark_of(begun, position) for position in ("5-0", "6-0"))
    client.set(MARK, newer)

    async def story(redis: AsyncRedis, standing: Standing) -> None:
        assert await _stand(redis, standing) is True
        assert await _take(redis, standing, settings) == [1]
        assert (await customers.read(RedisPy(redis), [ME], standing=standing))[0].found
        found = {"missing": None, "older": older, "another": marks.mark_of("0" * marks.GENERATION_CHARS, "9-9")}[hurt]
        client.set(MARK, found) if found else client.delete(MARK)
        for number in ("e", "f"):
            with pytest.raises(GenerationError, match="etappe rebuild"):
                await _take(redis, standing, settings, number)
        with pytest.raises(GenerationError):
            await customers.read(RedisPy(redis), [ME], standing=standing)
        assert standing.reason == (EMPTIED if hurt == "missing" else SET_BACK)
        assert _held(client) == (1, True)
        client.set(MARK, newer)
        assert await _take(redis, standing, settings, "f") == [1]
        assert standing.reason is None

    _told(place, story)


def test_no_lease_and_no_change_in_another_redis(client: SyncRedis, place: Place, begun: str) -> None:
    """Where the journal's mark does not stand nothing is journalled and there is no lease, so that it can be rebuilt."""

    async def story(redis: AsyncRedis, standing: Standing) -> None:
        await _stand(redis, standing)
        least = standing.expected(keys.CONFIG_MARK)
        assert await journal.append_async(redis, journal.ITEMS, [], least) is not None
        assert await journal.renew(redis, "r", "0-0", 60, least) == 1
        client.flushall()
        assert await journal.append_async(redis, journal.ITEMS, [], least) is None
        assert await journal.renew(redis, "r", "0-0", 60, least) == b""
        assert client.keys() == []

    _told(place, story)


def test_a_later_generation_of_the_same_shop_is_followed(
    client: SyncRedis, place: Place, log: Log, settings: Settings, begun: str
) -> None:
    """After a rebuild a process goes on by itself; not with an earlier generation, nor in another shop's Redis."""

    async def story(redis: AsyncRedis, standing: Standing) -> None:
        await _stand(redis, standing)
        beginning.renew(client, log, place.data)
        with pytest.raises(GenerationError):
            await _take(redis, standing, settings)
        assert await _stand(redis, standing) is True
        assert await _take(redis, standing, settings) == [1]
        client.set(keys.SECRET, b"another")
        with pytest.raises(GenerationError, match="another shop"):
            await _stand(redis, standing)
        client.set(keys.SECRET, SECRET)
        marks.put(client, begun, {})
        with pytest.raises(GenerationError, match="set back"):
            await _stand(redis, standing)

    _told(place, story)


def test_replica_holds_on_to_what_it_knew(client: SyncRedis, place: Place, settings: Settings, begun: str) -> None:
    """Keys and catalogue stay as they were while Redis is empty, and are loaded anew after a rebuild."""
    api_keys.create(client, "secret")

    async def story(redis: AsyncRedis, standing: Standing) -> None:
        replica = Replica(redis, place, settings, standing)
        await replica.start()
        assert (len(replica.keys), replica.current) == (1, True)
        client.flushall()
        replica._valid_until = 0.0
        assert await replica.keep_current(1.0) is False
        assert (len(replica.keys), replica.refusal) == (1, EMPTIED)
        assert client.keys() == []
        client.set(keys.SECRET, SECRET)
        beginning.renew(client, Log(place.data / "log"), place.data)
        assert await replica.keep_current(1.0) is True
        assert (len(replica.keys), replica.refusal) == (0, None)

    _told(place, story)


def test_started_on_an_older_copy(own_server: OwnServer, own_place: Place, settings: Settings) -> None:
    """A server that comes back with an older copy of its files is told by the beat: no connection is opened to it.

    No mark needs to have moved since the copy was made.
    """
    files = own_place.data if own_place.redis_url else own_place.data / "valkey"
    log = Log(own_place.data / "log")
    log.prepare()
    with connection.connect(own_place) as client:
        beginning.join(client, log, own_place.data, begins=True)
        secret = connection.secret(client, own_place.data)

    async def story() -> None:
        standing = Standing(secret)
        async with connect_async(own_place, standing.greet) as redis:
            replica = Replica(redis, own_place, settings, standing)
            await replica.start()
            shutil.copytree(files / "appendonlydir", files / "older")
            await replica._renew()
            assert await _again(redis, standing, settings, "e") == [1]
            own_server.kill()
            shutil.rmtree(files / "appendonlydir")
            (files / "older").rename(files / "appendonlydir")
            own_server.start()
            with pytest.raises(GenerationError, match="set back"):
                await _again(redis, standing, settings, "f")
            assert standing.reason == SET_BACK
            with connection.connect(own_place) as client:
                assert _held(client, subject_of(secret, "user_id", "u")) == (0, False)
                beginning.renew(client, log, own_place.data)
            replica._valid_until = 0.0
            assert await replica.keep_current(1.0) is True
            assert await _again(redis, standing, settings, "f") == [1]

    asyncio.run(story())


def test_restarted_on_its_own_files(own_server: OwnServer, own_place: Place, settings: Settings) -> None:
    """A server that was killed and has all that it had is gone on with."""
    log = Log(own_place.data / "log")
    log.prepare()
    with connection.connect(own_place) as client:
        secret = beginning.join(client, log, own_place.data, begins=True)

    async def story() -> None:
        standing = Standing(secret)
        async with connect_async(own_place, standing.greet) as redis:
            replica = Replica(redis, own_place, settings, standing)
            await replica.start()
            await replica._renew()
            own_server.kill()
            own_server.start()
            assert await _again(redis, standing, settings, "e") == [1]
            assert standing.reason is None

    asyncio.run(story())


def test_folder(tmp_path: Path) -> None:
    """The generation of a folder is read as it was written; what is none is named with the remedy."""
    assert generation.kept(tmp_path) is None
    (tmp_path / generation.FILE).write_text("nonsense\n")
    with pytest.raises(Exception, match="etappe rebuild"):
        generation.kept(tmp_path)
