"""Decision records: behind the answer, bounded, dropped in need and counted."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from etappe.errors import StoreError
from etappe.settings import Place
from etappe.store import keys
from etappe.store.decided.decisions import BUFFER_BYTES, USUAL_BYTES, DecisionWriter, Recorded
from etappe.store.server import connection
from etappe.store.server.connection import AsyncRedis, SyncRedis
from etappe.store.wire import RedisPy

Play = Callable[[Callable[[AsyncRedis], Awaitable[None]]], None]


@pytest.fixture
def play(place: Place) -> Play:
    """Runs a scenario with a connection."""

    def run(scenario: Callable[[AsyncRedis], Awaitable[None]]) -> None:
        async def connected() -> None:
            async with connection.connect_async(place) as client:
                await asyncio.wait_for(scenario(client), 10)

        asyncio.run(connected())

    return run


def _record(number: int) -> Recorded:
    return Recorded(f"d{number}", 1000 + number, b"s", b"{}")


def _written(client: SyncRedis) -> list[str]:
    return [fields[b"d"].decode() for _, fields in client.xrange(keys.DECISION_STREAM)]  # type: ignore[union-attr]


def test_records_are_written_in_order(play: Play, client: SyncRedis) -> None:
    """A flush writes all that waits, in order, with time, subject and record."""

    async def scenario(mine: AsyncRedis) -> None:
        writer = DecisionWriter(RedisPy(mine), 5000, 5000)
        for number in range(1200):
            writer.add(_record(number))
        await writer.flush()
        await writer.flush()
        assert (writer.written, writer.dropped) == (1200, 0)

    play(scenario)
    assert [f"d{number}" for number in range(1200)] == _written(client)
    (first,) = client.xrange(keys.DECISION_STREAM, count=1)  # type: ignore[misc]
    assert first[1] == {b"d": b"d0", b"t": b"1000", b"s": b"s", b"r": b"{}"}


def test_oldest_are_dropped(play: Play, client: SyncRedis) -> None:
    """Where there is no room the oldest record goes, and is counted."""

    async def scenario(mine: AsyncRedis) -> None:
        writer = DecisionWriter(RedisPy(mine), 3, 5000)
        for number in range(5):
            writer.add(_record(number))
        assert writer.dropped == 2
        await writer.flush()

    play(scenario)
    assert _written(client) == ["d2", "d3", "d4"]


def test_long_records_are_held_back_by_bytes(play: Play) -> None:
    """However long records are, those that a replica holds back take no more than a set number of bytes."""

    async def scenario(mine: AsyncRedis) -> None:
        writer = DecisionWriter(RedisPy(mine), 5000, 5000)
        long = b"x" * (BUFFER_BYTES // 10)
        for number in range(25):
            writer.add(Recorded(f"d{number}", 1000, b"s", long))
        assert writer.dropped == 15

    play(scenario)


def test_long_records_are_fewer_in_the_stream(play: Play, client: SyncRedis) -> None:
    """A stream of records that are ten times as long as usual holds a tenth of them, and of usual ones all it may."""

    async def scenario(mine: AsyncRedis) -> None:
        writer = DecisionWriter(RedisPy(mine), 5000, 2000)
        for number in range(2000):
            writer.add(Recorded(f"d{number}", 1000, b"s", b"x" * 10 * USUAL_BYTES))
        await writer.flush()
        assert 200 <= len(_written(client)) <= 300
        for number in range(4000):
            writer.add(_record(number))
        await writer.flush()

    play(scenario)
    assert 2000 <= len(_written(client)) <= 2200


def test_refused_records_wait(play: Play, client: SyncRedis) -> None:
    """What Redis does not take waits in its order for the next flush."""

    async def scenario(mine: AsyncRedis) -> None:
        client.set(keys.DECISION_STREAM, b"no stream")
        writer = DecisionWriter(RedisPy(mine), 100, 5000)
        for number in range(3):
            writer.add(_record(number))
        with pytest.raises(StoreError, match="WRONGTYPE"):
            await writer.flush()
        client.delete(keys.DECISION_STREAM)
        assert writer.written == 0
        await writer.flush()

    play(scenario)
    assert _written(client) == ["d0", "d1", "d2"]


def test_last_flush(play: Play, client: SyncRedis) -> None:
    """When the writer is stopped what waits is written."""

    async def scenario(mine: AsyncRedis) -> None:
        writer = DecisionWriter(RedisPy(mine), 100, 5000)
        running = asyncio.create_task(writer.run())
        await asyncio.sleep(0)
        writer.add(_record(0))
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    play(scenario)
    assert _written(client) == ["d0"]


def test_stream_is_bounded(play: Play, client: SyncRedis) -> None:
    """Redis holds about as many records as it may, the latest, while nobody archives them."""

    async def scenario(mine: AsyncRedis) -> None:
        writer = DecisionWriter(RedisPy(mine), 5000, 100)
        for number in range(2000):
            writer.add(_record(number))
        await writer.flush()

    play(scenario)
    assert 100 <= len(_written(client)) <= 300
    assert _written(client)[-1] == "d1999"
