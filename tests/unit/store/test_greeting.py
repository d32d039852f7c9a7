"""How a new connection of the wire is looked at before it is used."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from etappe.errors import GenerationError
from etappe.store import keys
from etappe.store.place.marks import Standing, mark_of, new_generation
from etappe.store.wire import InMemory
from etappe.store.wire.port import Command

SECRET = b"secret"
MARK = mark_of(new_generation(None))


class Meanwhile(InMemory):
    """A wire on whose way something happens while a reply is under way."""

    def __init__(self, happens: Callable[[], None]) -> None:
        super().__init__()
        self._happens = happens

    async def ask(self, commands: Sequence[Command]) -> list[Any]:
        """See `Wire`."""
        replies = await super().ask(commands)
        if commands[0][0] == "MGET":
            self._happens()
        return replies


def _standing(beat: int) -> Standing:
    standing = Standing(SECRET)
    standing.stand(SECRET, {keys.CONFIG_MARK: MARK.encode()})
    standing.heard(beat)
    return standing


def _greet(standing: Standing, beat: int, happens: Callable[[], None] = lambda: None) -> None:
    async def greeting() -> None:
        wire = Meanwhile(happens)
        await wire.ask([("SET", keys.BEAT, beat), ("SET", keys.CONFIG_MARK, MARK)])
        await standing.greet_wire(wire)

    asyncio.run(greeting())


def test_older_redis_is_not_used() -> None:
    """A beat less than what was heard is that of a Redis that was set back."""
    with pytest.raises(GenerationError, match="set back"):
        _greet(_standing(5), 4)


def test_redis_that_went_on_is_used() -> None:
    """The beat that was heard, or a later one, is that of the Redis that was left."""
    _greet(_standing(5), 5)
    _greet(_standing(5), 6)


def test_beat_that_another_connection_hears_meanwhile_is_no_proof() -> None:
    """While a reply is under way the next beat may be heard elsewhere: that makes nothing older."""
    standing = _standing(5)
    _greet(standing, 5, lambda: standing.heard(6))
    assert standing.reason is None
