"""What befalls a connection, and that whoever asks hears of it at once, or is answered again, and never by another's reply."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import pytest
from redis.exceptions import NoScriptError, OutOfMemoryError, ReadOnlyError
from tests.conftest import OwnServer
from tests.integration.store.wire.ways import PONG, answering

from etappe.errors import GenerationError, StoreUnavailableError
from etappe.settings import Place
from etappe.store import scripts
from etappe.store.server import connection
from etappe.store.wire import Wire, ask_one, ask_script, open_wire
from etappe.store.wire.address import Address
from etappe.store.wire.connection import Connection
from etappe.store.wire.exchange import MOST_BYTES, MOST_COMMANDS

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
Act = Callable[[Wire], Awaitable[Any]]
PATIENCE: Final = 20.0


def _with(place: Place, act: Act, seconds: float = 5.0) -> Any:
    async def acting() -> Any:
        async with asyncio.timeout(PATIENCE), open_wire(place, seconds=seconds) as wire:
            return await act(wire)

    return asyncio.run(acting())


def _with_fake(
    folder: Path, answer: Callable[[Reader, Writer], Awaitable[None]], act: Act, seconds: float = 5.0
) -> Any:
    async def acting() -> Any:
        async with (
            asyncio.timeout(PATIENCE),
            answering(folder, answer) as place,
            open_wire(place, seconds=seconds) as wire,
        ):
            return await act(wire)

    return asyncio.run(acting())


def _always(line: bytes) -> Callable[[Reader, Writer], Awaitable[None]]:
    async def answer(reader: Reader, writer: Writer) -> None:
        while await reader.read(65536):
            writer.write(line)

    return answer


async def _until_answered(wire: Wire) -> None:
    """Asks until there is an answer; what comes before is that there is none."""
    while True:
        try:
            await ask_one(wire, "PING")
        except StoreUnavailableError:
            await asyncio.sleep(0.005)
        else:
            return


def test_server_that_is_killed_fails_who_waits_and_is_found_again(own_server: OwnServer) -> None:
    """Killed: asks in flight and later ones fail, none hangs; started again, the same wire answers, nothing is lost."""

    async def act(wire: Wire) -> None:
        await wire.ask([("SET", "a", "1")])
        waiting = [asyncio.ensure_future(ask_one(wire, "BLPOP", "nothing", 60)) for _ in range(50)]
        await asyncio.sleep(0.01)
        await asyncio.to_thread(own_server.kill)
        for outcome in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(outcome, StoreUnavailableError)
        for _ in range(50):
            with pytest.raises(StoreUnavailableError):
                await ask_one(wire, "GET", "a")
        await asyncio.to_thread(own_server.start)
        await _until_answered(wire)
        assert await ask_one(wire, "GET", "a") == b"1"

    _with(own_server.place, act)


def test_server_that_stands_still_is_given_up_and_answers_again(own_server: OwnServer) -> None:
    """Paused: asks end in their time, by the caller's clock or the wire's; going on, everybody gets their own reply."""
    pid = _pid(own_server.place)

    async def act(wire: Wire) -> None:
        await wire.ask([("SET", "a", "a"), ("SET", "b", "b")])
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.02):
                    await ask_one(wire, "GET", "a")
            with pytest.raises(StoreUnavailableError):
                await ask_one(wire, "GET", "a")
        finally:
            os.kill(pid, signal.SIGCONT)
        await _until_answered(wire)
        assert await asyncio.gather(*(ask_one(wire, "GET", "b") for _ in range(10))) == [b"b"] * 10

    _with(own_server.place, act, seconds=0.2)


def test_late_reply_is_nobodys(tmp_path: Path) -> None:
    """A reply that comes after its ask was given up is thrown away: the next ask, sent long before, gets its own."""

    async def answer(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"first\r\n")
        await reader.readuntil(b"second\r\n")
        writer.write(b"$5\r\nfirst\r\n")
        await asyncio.sleep(0.01)
        writer.write(b"$6\r\nsecond\r\n")
        await reader.read()

    async def act(wire: Wire) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await ask_one(wire, "GET", "first")
        assert await ask_one(wire, "GET", "second") == b"second"

    _with_fake(tmp_path, answer, act)


def test_slow_reply_ends_at_the_deadline_of_the_wire_and_others_go_on(tmp_path: Path) -> None:
    """An ask past its deadline fails though the connection lives; its reply comes later and is not the next one's."""

    async def answer(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"quick\r\n")
        await reader.readuntil(b"slow\r\n")
        await asyncio.sleep(0.15)
        writer.write(b"$5\r\nquick\r\n")
        await reader.readuntil(b"next\r\n")
        writer.write(b"$4\r\nslow\r\n$4\r\nnext\r\n")
        await reader.read()

    async def act(wire: Wire) -> None:
        quick = asyncio.ensure_future(ask_one(wire, "GET", "quick"))
        await asyncio.sleep(0)
        with pytest.raises(StoreUnavailableError, match=r"within 0\.2 s"):
            await ask_one(wire, "GET", "slow")
        assert await quick == b"quick"
        assert await ask_one(wire, "GET", "next") == b"next"

    _with_fake(tmp_path, answer, act, seconds=0.2)


def test_cut_reply_ends_the_connection_and_the_next_is_whole(tmp_path: Path) -> None:
    """A reply that is cut off in its middle is no reply: who waits fails, and who asks then is answered by a new one."""
    met: list[int] = []

    async def answer(reader: Reader, writer: Writer) -> None:
        met.append(1)
        await reader.readuntil(b"a\r\n")
        writer.write(b"$100\r\nhalf" if len(met) == 1 else b"$4\r\nwhole"[:4] + b"full\r\n")
        await writer.drain()
        if len(met) > 1:
            await reader.read()

    async def act(wire: Wire) -> None:
        with pytest.raises(StoreUnavailableError):
            await ask_one(wire, "GET", "a")
        assert await ask_one(wire, "GET", "a") == b"full"

    _with_fake(tmp_path, answer, act)


@pytest.mark.parametrize(
    "noise", [b"HTTP/1.1 400 Bad Request\r\n\r\n", PONG + PONG, b"-MOVED nonsense\r\n", b"*1\r\n*-7\r\n"]
)
def test_what_is_no_protocol_ends_the_connection(tmp_path: Path, noise: bytes) -> None:
    """After bytes that are no Redis, or a reply that nobody asked for, the connection is not trusted any more."""

    async def answer(reader: Reader, writer: Writer) -> None:
        while await reader.read(65536):
            writer.write(noise)

    async def act(wire: Wire) -> list[Any]:
        return [await _outcome(wire) for _ in range(3)]

    outcomes = _with_fake(tmp_path, answer, act)
    assert {type(one) for one in outcomes} <= {StoreUnavailableError, bytes}
    assert any(isinstance(one, StoreUnavailableError) for one in outcomes) or noise == PONG + PONG


async def _outcome(wire: Wire) -> Any:
    try:
        return await ask_one(wire, "PING")
    except StoreUnavailableError as error:
        return error


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

    assert type(_with_fake(tmp_path, _always(line), act)) is kind


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

    _with_fake(tmp_path, _always(line), act)


def test_script_that_the_server_forgot_is_sent_again(own_place: Place) -> None:
    """`ask_script` calls by digest, and with the text where that is unknown; the digest is known then."""

    async def act(wire: Wire) -> None:
        arguments = [b"answer", 60, 10_000, 300]
        for _ in range(2):
            assert await ask_script(wire, scripts.KEEP, ["{1}:a", "{1}:ring"], arguments) in (None, b"", b"answer")
        assert await ask_one(wire, "SCRIPT", "EXISTS", scripts.KEEP.digest) == [1]

    _with(own_place, act)


def test_ten_thousand_ask_at_once(place: Place) -> None:
    """10,000 asks of one moment are answered, each with its own, over one connection."""

    async def act(wire: Wire) -> None:
        before = await ask_one(wire, "INFO", "stats")
        await asyncio.gather(*(ask_one(wire, "SET", f"k{number}", number) for number in range(10_000)))
        replies = await asyncio.gather(*(ask_one(wire, "GET", f"k{number}") for number in range(10_000)))
        assert replies == [str(number).encode() for number in range(10_000)]
        after = await ask_one(wire, "INFO", "stats")
        assert _connections(after) == _connections(before)

    _with(place, act)


def test_more_than_may_be_in_flight_is_refused_at_once(own_server: OwnServer) -> None:
    """Beyond the bounds of commands or of bytes an ask fails at once; what was let in is answered."""
    pid = _pid(own_server.place)

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

    _with(own_server.place, act)


def test_connection_is_greeted_before_it_is_used(place: Place) -> None:
    """What greets a connection comes before all asks, once for all who wait for it, and anew on the next connection."""
    greeted: list[int] = []

    async def acting() -> None:
        async def greet(wire: Wire) -> None:
            greeted.append(await ask_one(wire, "CLIENT", "ID"))

        async with open_wire(place, greet) as wire:
            ids = await asyncio.gather(*(ask_one(wire, "CLIENT", "ID") for _ in range(20)))
            assert [ids[0]] == greeted
            assert len(set(ids)) == 1
            await wire.ask([("CLIENT", "KILL", "ID", ids[0], "SKIPME", "no")])
            await _until_answered(wire)
            assert [ids[0], await ask_one(wire, "CLIENT", "ID")] == greeted

    asyncio.run(acting())


def test_connection_that_is_not_let_through_is_not_used(place: Place) -> None:
    """Where greeting finds another Redis, whoever asks hears that, as long as it is so."""
    wrong = [True]

    async def acting() -> None:
        async def greet(_wire: Wire) -> None:
            if wrong:
                raise GenerationError("set back")

        async with open_wire(place, greet) as wire:
            for _ in range(3):
                with pytest.raises(GenerationError, match="set back"):
                    await ask_one(wire, "PING")
            wrong.clear()
            while True:
                try:
                    assert await ask_one(wire, "PING") == b"PONG"
                except GenerationError:
                    await asyncio.sleep(0.005)
                else:
                    break

    asyncio.run(acting())


def test_absent_server_is_not_waited_for_twice(tmp_path: Path) -> None:
    """Nobody there: whoever asks hears it at once, and one attempt serves all who ask meanwhile."""
    attempts: list[float] = []

    class Counted(Connection):
        async def _open(self) -> Any:
            attempts.append(time.monotonic())
            return await super()._open()

    async def acting() -> None:
        wire = Counted(Address(path=str(tmp_path / "nobody.sock")))
        outcomes = await asyncio.gather(*(_outcome(wire) for _ in range(1000)))
        assert {type(one) for one in outcomes} == {StoreUnavailableError}
        assert "nobody.sock" in str(outcomes[0])
        await wire.aclose()

    asyncio.run(acting())
    assert len(attempts) == 1


def test_silent_server_is_given_up_while_connecting(tmp_path: Path) -> None:
    """One that accepts and says nothing is no server: the attempt ends in its time, later asks hear it sooner."""

    async def answer(reader: Reader, _writer: Writer) -> None:
        await reader.read(65536)
        await asyncio.sleep(60)

    async def acting() -> None:
        async def greet(wire: Wire) -> None:
            await ask_one(wire, "PING")

        async with answering(tmp_path, answer) as place, open_wire(place, greet, seconds=0.1) as wire:
            for _ in range(5):
                assert isinstance(await _outcome(wire), StoreUnavailableError)

    asyncio.run(asyncio.wait_for(acting(), PATIENCE))


def _pid(place: Place) -> int:
    with connection.connect(place) as client:
        return int(client.info("server")["process_id"])


def _connections(info: bytes) -> bytes:
    return next(line for line in info.splitlines() if line.startswith(b"total_connections_received"))
