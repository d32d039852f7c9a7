"""What any wire does: the bare one and redis-py's on both servers, and the twin that is in memory."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from redis.exceptions import NoScriptError, ResponseError
from tests.integration.store.wire.ways import WAYS, wire_of

from etappe.settings import Place
from etappe.store.wire import Wire, ask_one

Run = Callable[[Callable[[Wire], Awaitable[Any]]], Any]


@pytest.fixture(params=["twin", *(f"{way} {server}" for way in WAYS for server in ("embedded", "external"))])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs what a test does with a wire."""
    way, _, server = request.param.partition(" ")
    place: Place | None = request.getfixturevalue("place_on")(server) if server else None

    def running(act: Callable[[Wire], Awaitable[Any]]) -> Any:
        async def acting() -> Any:
            async with wire_of(way, place) as wire:
                return await act(wire)

        return asyncio.run(acting())

    return running


def _asking(*commands: tuple[Any, ...]) -> Callable[[Wire], Coroutine[Any, Any, list[Any]]]:
    return lambda wire: wire.ask(commands)


def test_replies_come_in_order(run: Run) -> None:
    """Each command has its reply in its place: text, bytes, numbers, nothing, lists."""
    commands = [("SET", "a", b"1"), ("GET", "a"), ("APPEND", "a", "23"), ("MGET", "a", "b"), ("GET", "b"), ("PING",)]
    replies = run(_asking(*commands))
    assert replies[1:5] == [b"1", 3, [b"123", None], None]
    assert replies[0] in (b"OK", True)
    assert replies[5] in (b"PONG", True)


def test_nothing_asked_is_nothing_answered(run: Run) -> None:
    """No commands have no replies."""
    assert run(_asking()) == []


def test_any_bytes_and_numbers_pass(run: Run) -> None:
    """Keys and values may hold any byte; numbers are sent as text."""
    key, value = b"\r\n\x00$-1", bytes(range(256)) * 4096
    assert run(
        _asking(("SET", key, value), ("GET", key), ("SET", "n", 17), ("GET", "n"), ("SET", "f", 0.5), ("GET", "f"))
    )[1::2] == [value, b"17", b"0.5"]


def test_refused_command_is_a_reply_and_its_neighbours_are_answered(run: Run) -> None:
    """What the server refuses is a ResponseError in its place; what stands beside it is done."""
    before, refused, after = run(_asking(("SET", "a", "1"), ("NOSUCH", "a"), ("GET", "a")))
    assert isinstance(refused, ResponseError)
    assert "unknown command" in str(refused)
    assert (before in (b"OK", True), after) == (True, b"1")


def test_wrong_number_of_arguments_and_syntax_are_refused(run: Run) -> None:
    """A command that makes no sense is refused, each in its place."""
    replies = run(_asking(("GET",), ("SET", "a", "1", "NEVER"), ("SET", "a", "1", "EX", "soon")))
    assert [isinstance(reply, ResponseError) for reply in replies] == [True, True, True]


def test_unknown_script_is_told_by_its_own_class(run: Run) -> None:
    """EVALSHA of a script that nobody loaded is a NoScriptError."""
    assert isinstance(run(_asking(("EVALSHA", "0" * 40, 1, "a")))[0], NoScriptError)


def test_one_reply_or_its_refusal(run: Run) -> None:
    """`ask_one` gives the reply itself, and raises what the server refuses."""

    async def act(wire: Wire) -> None:
        assert await ask_one(wire, "EXISTS", "a") == 0
        with pytest.raises(ResponseError, match="unknown command"):
            await ask_one(wire, "NOSUCH")

    run(act)


def test_conditions_and_times_of_set(run: Run) -> None:
    """SET NX keeps what is there; EX ends it; DEL and EXISTS count."""
    commands = [("SET", "a", "1", "EX", 100, "NX"), ("SET", "a", "2", "NX"), ("GET", "a"), ("SET", "b", "3", "XX")]
    first, second, kept, absent = run(_asking(*commands))
    assert (first in (b"OK", True), second, kept, absent) == (True, None, b"1", None)
    assert run(_asking(("SET", "a", "1"), ("SET", "b", "1"), ("EXISTS", "a", "b", "c"), ("DEL", "a", "b", "c")))[
        2:
    ] == [2, 2]


def test_time_runs_out(run: Run) -> None:
    """What was set for a moment is gone after it."""

    async def act(wire: Wire) -> None:
        await wire.ask([("SET", "a", "1", "PX", 1), ("SET", "b", "1"), ("EXPIRE", "b", 100)])
        await asyncio.sleep(0.002)
        assert await ask_one(wire, "MGET", "a", "b") == [None, b"1"]

    run(act)


def test_everyone_who_asks_at_one_time_gets_their_own(run: Run) -> None:
    """Of 500 who ask together nobody gets what another asked for."""

    async def act(wire: Wire) -> None:
        await wire.ask([("SET", f"k{number}", number) for number in range(500)])
        replies = await asyncio.gather(*(ask_one(wire, "GET", f"k{number}") for number in range(500)))
        assert replies == [str(number).encode() for number in range(500)]

    run(act)


def test_ask_that_is_given_up_costs_no_other(run: Run) -> None:
    """Who stops waiting at once leaves replies to nobody: those who ask later get their own."""

    async def act(wire: Wire) -> None:
        await wire.ask([("SET", "a", "a"), ("SET", "b", "b")])
        for _ in range(20):
            given_up = asyncio.ensure_future(wire.ask([("GET", "a"), ("GET", "a")]))
            await asyncio.sleep(0)
            given_up.cancel()
            assert await wire.ask([("GET", "b")]) == [b"b"]

    run(act)
