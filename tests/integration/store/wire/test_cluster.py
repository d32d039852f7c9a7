"""A cluster of two nodes: the wire finds who has a key, and follows where it is moved to."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.retry import Retry
from tests.integration.store.wire.servers import FreePort, started

from etappe.errors import StoreUnavailableError
from etappe.settings import Place
from etappe.store import scripts
from etappe.store.wire import Wire, ask_one, ask_script, open_wire

Node = redis.Redis
HALF = 8192
TAGS = [f"{{{number:03d}}}" for number in range(256)]


@pytest.fixture
def nodes(short_folder: Path, free_port: FreePort) -> Iterator[list[Node]]:
    """Two nodes, each with half of the slots, who know each other."""
    with ExitStack() as until:
        found: list[Node] = []
        for name in ("c1", "c2"):
            port = free_port()
            until.enter_context(started(short_folder / name, port, "--cluster-enabled", "yes"))
            found.append(until.enter_context(redis.Redis(port=port, retry=Retry(NoBackoff(), 0))))
        found[0].execute_command("CLUSTER", "ADDSLOTSRANGE", 0, HALF - 1)
        found[1].execute_command("CLUSTER", "ADDSLOTSRANGE", HALF, 16383)
        found[0].execute_command("CLUSTER", "MEET", "127.0.0.1", _port(found[1]))
        while not all(b"cluster_state:ok" in node.execute_command("CLUSTER", "INFO") for node in found):
            pass
        yield found


def _port(node: Node) -> int:
    return int(node.connection_pool.connection_kwargs["port"])


def _with(node: Node, folder: Path, act: Any) -> Any:
    async def acting() -> Any:
        place = Place(folder, redis_url=f"redis://127.0.0.1:{_port(node)}")
        async with asyncio.timeout(20), open_wire(place) as wire:
            return await act(wire)

    return asyncio.run(acting())


def _asked(node: Node, command: str) -> int:
    return int(node.info("commandstats").get(f"cmdstat_{command}", {}).get("calls", 0))


def test_each_command_goes_to_the_node_that_has_its_key(nodes: list[Node], tmp_path: Path) -> None:
    """Keys of all partitions are written and read; once known, no node is asked for what the other has."""

    async def act(wire: Wire) -> None:
        writes = [("SET", f"etappe:{tag}:a", tag) for tag in TAGS]
        assert await wire.ask(writes) == [b"OK"] * len(TAGS)
        before = [_asked(node, "mget") for node in nodes]
        reads = [("MGET", f"etappe:{tag}:a", f"etappe:{tag}:b") for tag in TAGS]
        for _ in range(2):
            assert await wire.ask(reads) == [[tag.encode(), None] for tag in TAGS]
        asked = [_asked(node, "mget") - count for node, count in zip(nodes, before, strict=True)]
        assert sum(asked) == 2 * len(TAGS)
        assert all(count > 0 for count in asked)

    _with(nodes[0], tmp_path, act)


def test_script_goes_to_its_first_key_and_is_known_to_each_node(nodes: list[Node], tmp_path: Path) -> None:
    """A script is called where its keys are; a node that lacks it gets the text."""

    async def act(wire: Wire) -> None:
        for tag in TAGS[:20]:
            names = [f"etappe:{tag}:answer", f"etappe:{tag}:ring"]
            assert await ask_script(wire, scripts.KEEP, names, [b"first", 60, 10_000, 300]) in (None, b"", b"first")
            assert await ask_script(wire, scripts.KEEP, names, [b"second", 60, 10_000, 300]) == b"first"

    _with(nodes[0], tmp_path, act)


def test_slot_that_is_moved_is_followed_while_and_after(nodes: list[Node], tmp_path: Path) -> None:
    """While a slot moves, what is gone already is asked for there (ASK); afterwards all of it is (MOVED)."""
    tag = next(tag for tag in TAGS if key_slot(tag.encode()) < HALF)
    slot, names = key_slot(tag.encode()), [f"{tag}:stays", f"{tag}:goes"]
    ids = [node.execute_command("CLUSTER", "MYID").decode() for node in nodes]

    async def act(wire: Wire) -> None:
        assert await wire.ask([("SET", name, name) for name in names]) == [b"OK", b"OK"]
        nodes[1].execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[0])
        nodes[0].execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[1])
        nodes[0].execute_command("MIGRATE", "127.0.0.1", _port(nodes[1]), names[1], 0, 5000)
        for _ in range(2):
            assert await wire.ask([("GET", name) for name in names]) == [name.encode() for name in names]
        nodes[0].execute_command("MIGRATE", "127.0.0.1", _port(nodes[1]), names[0], 0, 5000)
        for node in (nodes[1], nodes[0]):
            node.execute_command("CLUSTER", "SETSLOT", slot, "NODE", ids[1])
        for _ in range(2):
            assert await wire.ask([("GET", name) for name in names]) == [name.encode() for name in names]
        assert await ask_one(wire, "MGET", *names) == [name.encode() for name in names]

    _with(nodes[0], tmp_path, act)


def test_node_that_is_gone_fails_its_own_keys_alone(nodes: list[Node], tmp_path: Path) -> None:
    """Where a node does not answer, its keys fail at once; those of the other are answered, also where it was the first."""
    mine = {0: "", 1: ""} | {int(key_slot(tag.encode()) >= HALF): tag for tag in TAGS}

    async def act(wire: Wire) -> None:
        await wire.ask([("SET", f"{tag}:a", tag) for tag in TAGS])
        for node in nodes:
            node.config_set("cluster-require-full-coverage", "no")
        nodes[0].shutdown(nosave=True)
        with pytest.raises(StoreUnavailableError):
            await ask_one(wire, "GET", f"{mine[0]}:a")
        assert await ask_one(wire, "GET", f"{mine[1]}:a") == mine[1].encode()
        assert await ask_one(wire, "GET", f"{mine[1]}:a") == mine[1].encode()

    _with(nodes[0], tmp_path, act)
