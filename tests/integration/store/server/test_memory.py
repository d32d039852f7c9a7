"""Redis at its maxmemory: told ahead, in words, and nothing that only reads or makes room is held up by it."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis
from tests.integration.full import full, held

from etappe.catalog.item import ItemPatch
from etappe.cli.checks import store as checks
from etappe.cli.checks.finding import Level
from etappe.errors import StoreFullError
from etappe.events.intake import Accepted
from etappe.settings import Place, Settings
from etappe.store import keys
from etappe.store.config import catalogues, journal
from etappe.store.server import connection, memory
from etappe.store.server.connection import SyncRedis
from etappe.store.server.memory import Memory
from etappe.units import MIB
from etappe.wiring.inspecting import Inspected

Accept = Callable[..., Accepted]
Take = Callable[..., list[bool]]


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (Memory(10 * MIB, 0, "allkeys-lru"), []),
        (Memory(79 * MIB, 100 * MIB, "noeviction"), []),
        (Memory(80 * MIB, 100 * MIB, "noeviction"), ["80.0 of 100.0 MiB"]),
        (Memory(100 * MIB, 100 * MIB, "noeviction"), ["Redis is full"]),
        (Memory(10 * MIB, 100 * MIB, "allkeys-lru"), ["set maxmemory-policy noeviction"]),
        (Memory(90 * MIB, 100 * MIB, "volatile-ttl"), ["90.0 of 100.0 MiB", "set maxmemory-policy noeviction"]),
    ],
)
def test_warnings(found: Memory, says: list[str]) -> None:
    """From 80 % of maxmemory on there is a warning; so there is of a policy that drops keys; without a bound of neither."""
    warnings = found.warnings()
    assert len(says) == len(warnings)
    assert all(words in told for words, told in zip(says, warnings, strict=True))


def test_memory_is_what_the_server_says(client: SyncRedis) -> None:
    """What is held and the bound are the server's own numbers."""
    with full(client, 1 << 30):
        found = memory.memory_of(client)
    assert (found.most, found.policy, found.full) == (1 << 30, "noeviction", False)
    assert 0 < found.used < 1 << 30


def test_policy_is_the_servers(client: SyncRedis) -> None:
    """The policy is asked of the server, not taken for granted."""
    client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert memory.memory_of(client).policy == "allkeys-lru"
    finally:
        client.config_set("maxmemory-policy", "noeviction")


def test_full_server_can_be_opened(client: SyncRedis, place: Place) -> None:
    """A full server that has forgotten all scripts is one to work with, and its secret is found."""
    secret = connection.secret(client, place.data)
    client.script_flush()
    with full(client), connection.connect(place) as other:
        connection.refuse_emptied(other, place.data)
        assert secret == connection.secret(other, place.data)


def test_lease_is_renewed_at_full_memory(client: SyncRedis, place: Place) -> None:
    """A replica keeps its lease on a full server, the scripts forgotten too, and gives it up."""

    async def renew(position: str, seconds: float) -> None:
        async with connection.connect_async(place) as redis_client:
            await journal.renew(redis_client, "replica", position, seconds)

    client.script_flush()
    with full(client):
        asyncio.run(renew("1-0", 10))
        assert journal.oldest_live(client) == "1-0"
        asyncio.run(renew("2-0", 10))
        assert journal.oldest_live(client) == "2-0"
        asyncio.run(renew("2-0", 0))
        assert journal.oldest_live(client) is None


@pytest.mark.parametrize("forgotten", [False, True])
def test_events_are_refused_in_words(client: SyncRedis, take: Take, accept: Accept, forgotten: bool) -> None:
    """Events are refused as a whole with what to do; afterwards the same batch is taken, and is no repeat."""
    take(accept("e0"))
    if forgotten:
        client.script_flush()
    with full(client), pytest.raises(StoreFullError, match=r"etappe worker.*maxmemory.*memory_mib"):
        take(accept("e1"), accept("e2", user_id="v"))
    assert take(accept("e1"), accept("e2", user_id="v")) == [True, True]


def test_older_servers_say_so_in_words() -> None:
    """Redis 6.2 tells of a full memory inside a script without the error's own code."""
    said = "Error running script: @user_script:9: -OOM command not allowed when used memory > 'maxmemory'."
    assert memory.is_full(redis.ResponseError(said))
    assert not memory.is_full(redis.ResponseError("READONLY You can't write against a read only replica."))


def test_refused_catalogue_leaves_nothing(client: SyncRedis, place: Place, tmp_path: Path) -> None:
    """A catalogue that a full server takes in part leaves no chunk there and no folder here: what was served stays."""
    journal.append_items(client, [ItemPatch(id="a", title="x")])
    catalogues.compile_current(client, place.data)
    before = sorted(client.scan_iter("etappe:{artifact}:*"))
    folders = sorted((place.data / catalogues.FOLDER).iterdir())
    journal.append_items(client, [ItemPatch(id=f"i{number}", title="x" * 2_000) for number in range(2_500)])
    with full(client, held(client) + MIB), pytest.raises(redis.exceptions.OutOfMemoryError):
        catalogues.compile_current(client, place.data)
    assert before == sorted(client.scan_iter("etappe:{artifact}:*"))
    assert folders == sorted((place.data / catalogues.FOLDER).iterdir())
    assert client.xlen(keys.CONFIG_STREAM) > 0


@pytest.mark.parametrize(("share", "level"), [(2.0, Level.OK), (1.1, Level.WARNING), (0.5, Level.FAULT)])
def test_check_tells_of_it(client: SyncRedis, place: Place, settings: Settings, share: float, level: Level) -> None:
    """`etappe check` has a line for memory: well, a warning near the bound, a fault at it."""
    with full(client, int(held(client) * share)), ExitStack() as until:
        inspected = Inspected(place, settings, until)
        inspected.client = client
        findings: list[Any] = list(checks.memory(inspected))
    assert [level] == [finding.level for finding in findings]
