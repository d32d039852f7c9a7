"""What befalls a connection, and that whoever asks hears of it at once, or is answered again, and never by another's reply."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import OwnServer
from tests.integration.store.wire.acting import (
    Reader,
    Writer,
    outcome_of,
    pid_of,
    until_answered,
    with_fake,
    with_wire,
)
from tests.integration.store.wire.ways import PONG

from etappe.errors import StoreUnavailableError
from etappe.store.wire import Wire, ask_one


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
        await until_answered(wire)
        assert await ask_one(wire, "GET", "a") == b"1"

    with_wire(own_server.place, act)


def test_server_that_stands_still_is_given_up_and_answers_again(own_server: OwnServer) -> None:
    """Paused: asks end in their time, by the caller's clock or the wire's; going on, everybody gets their own reply."""
    pid = pid_of(own_server.place)

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
        await until_answered(wire)
        assert await asyncio.gather(*(ask_one(wire, "GET", "b") for _ in range(10))) == [b"b"] * 10

    with_wire(own_server.place, act, seconds=0.2)


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

    with_fake(tmp_path, answer, act)


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

    with_fake(tmp_path, answer, act, seconds=0.2)


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

    with_fake(tmp_path, answer, act)


@pytest.mark.parametrize(
    "noise", [b"HTTP/1.1 400 Bad Request\r\n\r\n", PONG + PONG, b"-MOVED nonsense\r\n", b"*1\r\n*-7\r\n"]
)
def test_what_is_no_protocol_ends_the_connection(tmp_path: Path, noise: bytes) -> None:
    """After bytes that are no Redis, or a reply that nobody asked for, the connection is not trusted any more."""

    async def answer(reader: Reader, writer: Writer) -> None:
        while await reader.read(65536):
            writer.write(noise)

    async def act(wire: Wire) -> list[Any]:
        return [await outcome_of(wire) for _ in range(3)]

    outcomes = with_fake(tmp_path, answer, act)
    assert {type(one) for one in outcomes} <= {StoreUnavailableError, bytes}
    assert any(isinstance(one, StoreUnavailableError) for one in outcomes) or noise == PONG + PONG
