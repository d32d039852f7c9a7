"""How a connection begins: greeted before it is used, not used where it is not let through, given up where nobody is."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from tests.integration.store.wire.acting import PATIENCE, Reader, Writer, outcome_of, until_answered
from tests.integration.store.wire.ways import answering

from etappe.errors import GenerationError, StoreUnavailableError
from etappe.settings import Place
from etappe.store.wire import Wire, ask_one, open_wire
from etappe.store.wire.address import Address
from etappe.store.wire.connection import Connection


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
            await until_answered(wire)
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
        outcomes = await asyncio.gather(*(outcome_of(wire) for _ in range(1000)))
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
                assert isinstance(await outcome_of(wire), StoreUnavailableError)

    asyncio.run(asyncio.wait_for(acting(), PATIENCE))
