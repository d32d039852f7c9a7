"""The time within which a reply has to be there."""

import asyncio
import socket
import time

import pytest

from etappe.store.wire import within


def test_nothing_that_comes_ends_the_wait() -> None:
    """Who waits for what does not come is told when the time is up."""

    async def acting() -> None:
        with pytest.raises(TimeoutError):
            async with within(0.01):
                await asyncio.sleep(60)

    asyncio.run(acting())


def test_reply_that_is_there_wins_over_a_loop_that_was_busy() -> None:
    """The loop is busy until long after the time is up, and the reply came meanwhile: it counts."""

    def busy() -> None:
        time.sleep(0.03)
        theirs.send(b"reply")

    async def acting() -> bytes:
        reader, writer = await asyncio.open_unix_connection(sock=mine)
        try:
            async with within(0.01):
                asyncio.get_running_loop().call_soon(busy)
                return await reader.readexactly(5)
        finally:
            writer.close()

    mine, theirs = socket.socketpair(socket.AF_UNIX)
    with theirs:
        assert asyncio.run(acting()) == b"reply"


def test_time_that_is_up_at_once_waits_for_nothing() -> None:
    """With no time at all nobody waits."""

    async def acting() -> None:
        with pytest.raises(TimeoutError):
            async with within(0):
                await asyncio.sleep(60)

    asyncio.run(acting())
