"""What a server refuses, and what is not even asked of it because too much is in flight."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import NoScriptError, OutOfMemoryError, ReadOnlyError
from tests.conftest import OwnServer
from tests.integration.store.wire.acting import Reader, Writer, pid_of, with_fake, with_wire

from etappe.errors import StoreUnavailableError
from etappe.settings import Place
from etappe.store import scripts
from etappe.store.wire import Wire, ask_one, ask_script
from etappe.store.wire.exchange import MOST_BYTES, MOST_COMMANDS


def _always(line: bytes) -> Callable[[Reader, Writer], Awaitable[None]]:
    async def answer(reader: Reader, writer: Writer) -> None:
        while await reader.read(65536):
            writer.write(line)

    return answer


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b"-OOM command not allowed when used memory > 'maxmemory'.\r\n", OutOfMemoryError),
        (b"-READONLY You can't write against a read only replica.\r\n", ReadOnlyError),
        (b"-NOSCRIPT No matching script. Please use EVAL.\r\n", NoScriptError),
    ],
)
def test_refusals_have_the_classes_of_redis_py(tmp_path: Path, line: bytes, kind: type[Exception]) -> None:
    """A full, a read-only Redis and a script it lacks are replies, each of its class."""

    async def act(wire: Wire) -> Any:
        return (await wire.ask([("SET", "a", "1")]))[0]

    assert type(with_fake(tmp_path, _always(line), act)) is kind


@pytest.mark.parametrize(
    "line",
    [
        b"-LOADING Redis is loading the dataset in memory\r\n",
        b"-NOAUTH Authentication required.\r\n",
        b"-ERR max number of clients reached\r\n",
        b"-CLUSTERDOWN The cluster is down\r\n",
    ],
)
def test_server_that_can_do_nothing_yet_does_not_answer(tmp_path: Path, line: bytes) -> None:
    """A server that loads, wants a password, has no room or no cluster is as one that does not answer."""

    async def act(wire: Wire) -> None:
        with pytest.raises(StoreUnavailableError):
            await wire.ask([("GET", "a")])

    with_fake(tmp_path, _always(line), act)


def test_script_that_the_server_forgot_is_sent_again(own_place: Place) -> None:
    """`ask_script` calls by digest, and with the text where that is unknown; the digest is known then."""

    async def act(wire: Wire) -> None:
        arguments = [b"answer", 60, 10_000, 300]
        for _ in range(2):
            assert await ask_script(wire, scripts.KEEP, ["{1}:a", "{1}:ring"], arguments) in (None, b"", b"answer")
        assert await ask_one(wire, "SCRIPT", "EXISTS", scripts.KEEP.digest) == [1]

    with_wire(own_place, act)


def test_ten_thousand_ask_at_once(place: Place) -> None:
    """10,000 asks of one moment are answered, each with its own, over one connection."""

    async def act(wire: Wire) -> None:
        before = await ask_one(wire, "INFO", "stats")
        await asyncio.gather(*(ask_one(wire, "SET", f"k{number}", number) for number in range(10_000)))
        replies = await asyncio.gather(*(ask_one(wire, "GET", f"k{number}") for number in range(10_000)))
        assert replies == [str(number).encode() for number in range(10_000)]
        after = await ask_one(wire, "INFO", "stats")
        assert _connections(after) == _connections(before)

    with_wire(place, act)


def test_more_than_may_be_in_flight_is_refused_at_once(own_server: OwnServer) -> None:
    """Beyond the bounds of commands or of bytes an ask fails at once; what was let in is answered."""
    pid = pid_of(own_server.place)

    async def act(wire: Wire) -> None:
        await ask_one(wire, "PING")
        os.kill(pid, signal.SIGSTOP)
        try:
            first = asyncio.ensure_future(wire.ask([("PING",)] * MOST_COMMANDS))
            await asyncio.sleep(0)
            with pytest.raises(StoreUnavailableError, match="is behind"):
                await ask_one(wire, "PING")
        finally:
            os.kill(pid, signal.SIGCONT)
        assert len(await first) == MOST_COMMANDS
        alone = asyncio.ensure_future(wire.ask([("SET", "a", bytes(MOST_BYTES))]))
        await asyncio.sleep(0)
        with pytest.raises(StoreUnavailableError, match="is behind"):
            await ask_one(wire, "PING")
        assert await alone == [b"OK"]
        assert await ask_one(wire, "PING") == b"PONG"

    with_wire(own_server.place, act)


def _connections(info: bytes) -> bytes:
    return next(line for line in info.splitlines() if line.startswith(b"total_connections_received"))
