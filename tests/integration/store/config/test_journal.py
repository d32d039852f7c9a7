"""The journal of configuration: one order for all, and waiting for those who are alive."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from etappe.catalog.item import ItemPatch
from etappe.errors import StoreUnavailableError
from etappe.settings import Place
from etappe.store import keys
from etappe.store.config import journal, kinds
from etappe.store.server import connection
from etappe.store.server.connection import AsyncRedis, SyncRedis

Scenario = Callable[[AsyncRedis], Awaitable[None]]


@pytest.fixture
def run(place: Place) -> Callable[[Scenario], None]:
    """Runs a scenario with a connection, and never longer than ten seconds."""

    def play(scenario: Scenario) -> None:
        async def connected() -> None:
            async with connection.connect_async(place) as client:
                await asyncio.wait_for(scenario(client), 10)

        asyncio.run(connected())

    return play


def _patches(count: int) -> list[ItemPatch]:
    return [ItemPatch(id=f"i{number}", price=float(number)) for number in range(count)]


def test_changes_are_read_in_order(client: SyncRedis) -> None:
    """Changes come back as they were journalled, in their order, from any position on."""
    positions = [journal.append(client, journal.KEY, {"n": number}) for number in range(450)]
    found = list(journal.read(client, journal.START))
    assert positions == [change.position for change in found]
    assert [f'{{"n":{number}}}'.encode() for number in range(450)] == [change.payload for change in found]
    assert positions[201:] == [change.position for change in journal.read(client, positions[200])]
    assert list(journal.read(client, positions[-1])) == []
    assert {journal.KEY} == {change.kind for change in found}


def test_items_come_back(client: SyncRedis) -> None:
    """Item changes are journalled some hundred to an entry and come back whole, absent fields absent."""
    last = journal.append_items(client, _patches(1100))
    found = list(journal.read(client, journal.START))
    assert _patches(1100) == [patch for change in found for patch in kinds.content(change)]
    assert (3, last) == (len(found), found[-1].position)


def test_no_items(client: SyncRedis) -> None:
    """Journalling nothing journals nothing, and its position is one that everybody has."""
    assert journal.append_items(client, []) == journal.START
    assert client.exists(keys.CONFIG_STREAM) == 0


def test_positions_compare_as_numbers() -> None:
    """Positions are ordered by their numbers, not by their letters."""
    assert journal.ordered("9-10") < journal.ordered("10-9") < journal.ordered("10-11")
    assert journal.ordered("7") == (7, 0)


def test_time_of_a_change() -> None:
    """A change knows when the server took it."""
    assert datetime(2026, 1, 1, tzinfo=UTC) == journal.Change("1767225600000-3", "k", b"").time


def test_wait_for_change(run: Callable[[Scenario], None], client: SyncRedis) -> None:
    """Whoever waits is told of a change when it comes, and of nothing where none comes."""

    async def scenario(mine: AsyncRedis) -> None:
        assert await journal.wait_for_change(mine, journal.START, 0.01) == []
        waiting = asyncio.create_task(journal.wait_for_change(mine, journal.START, 9))
        await asyncio.sleep(0.01)
        position = await asyncio.to_thread(journal.append, client, journal.KEY, 1)
        assert [journal.Change(position, journal.KEY, b"1")] == await waiting
        assert [journal.Change(position, journal.KEY, b"1")] == await journal.read_async(mine, journal.START)
        assert position != await journal.append_async(mine, journal.KEY, 2)

    run(scenario)


def test_waits_for_a_live_lease(run: Callable[[Scenario], None]) -> None:
    """A change is answered no sooner than every live replica has applied it."""

    async def scenario(client: AsyncRedis) -> None:
        await journal.renew(client, "one", "5-1", 60)
        await journal.renew(client, "two", "4-9", 60)
        waiting = asyncio.create_task(journal.wait_until_applied(client, "5-1", 60))
        await asyncio.sleep(0.03)
        assert not waiting.done()
        await journal.renew(client, "two", "5-1", 60)
        await waiting

    run(scenario)


@pytest.mark.parametrize("given_up", [True, False])
def test_does_not_wait_for_a_lapsed_lease(run: Callable[[Scenario], None], client: SyncRedis, given_up: bool) -> None:
    """A replica that gave its lease up, or let it lapse, holds nothing up and is forgotten."""

    async def scenario(mine: AsyncRedis) -> None:
        await journal.renew(mine, "dead", "1-1", 0.005)
        if given_up:
            await journal.renew(mine, "dead", "1-1", 0)
        await asyncio.sleep(0.01)
        await asyncio.wait_for(journal.wait_until_applied(mine, "5-1", 60), 5)

    run(scenario)
    assert (client.zcard(keys.LEASES), client.hlen(keys.LEASE_POSITIONS)) == (0, 0)


def test_lease_lapses_while_waited_for(run: Callable[[Scenario], None]) -> None:
    """A replica that dies while it is waited for holds the change up until its lease lapses, no longer."""

    async def scenario(client: AsyncRedis) -> None:
        await journal.renew(client, "dying", "1-1", 0.05)
        await asyncio.wait_for(journal.wait_until_applied(client, "5-1", 60), 5)

    run(scenario)


def test_says_where_one_hangs(run: Callable[[Scenario], None]) -> None:
    """A replica that lives on without applying holds the change up for two leases at most, and then that is said."""

    async def scenario(client: AsyncRedis) -> None:
        await journal.renew(client, "hanging", "1-1", 60)
        with pytest.raises(StoreUnavailableError, match="has not applied the change"):
            await asyncio.wait_for(journal.wait_until_applied(client, "5-1", 0.01), 5)

    run(scenario)


def test_blocking_wait(client: SyncRedis, run: Callable[[Scenario], None]) -> None:
    """Commands wait as the API does: not at all without replicas, and no longer than two leases."""
    journal.wait_until_applied_blocking(client, "5-1", 60)

    async def live(mine: AsyncRedis) -> None:
        await journal.renew(mine, "one", "1-1", 60)

    run(live)
    began = time.monotonic()
    with pytest.raises(StoreUnavailableError, match="has not applied the change"):
        journal.wait_until_applied_blocking(client, "5-1", 0.01)
    assert time.monotonic() - began >= 0.02
    journal.wait_until_applied_blocking(client, "1-1", 60)


def test_oldest_live(client: SyncRedis, run: Callable[[Scenario], None]) -> None:
    """The oldest position of live replicas is told by number; without replicas there is none."""
    assert journal.oldest_live(client) is None

    async def scenario(mine: AsyncRedis) -> None:
        await journal.renew(mine, "one", "10-1", 60)
        await journal.renew(mine, "two", "9-1", 60)

    run(scenario)
    assert journal.oldest_live(client) == "9-1"


def test_trim(client: SyncRedis) -> None:
    """Trimming drops what is up to the position, and nothing behind it."""
    positions = [journal.append(client, journal.KEY, number) for number in range(5)]
    journal.trim(client, positions[2])
    assert positions[3:] == [change.position for change in journal.read(client, journal.START)]
    journal.trim(client, journal.START)
    assert client.xlen(keys.CONFIG_STREAM) == 2
