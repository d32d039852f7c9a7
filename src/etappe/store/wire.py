"""How the hot path speaks to Redis: commands in, replies out, no more. Everything else of `store` uses redis-py."""

from collections.abc import Sequence
from typing import Any, Protocol

import redis
from redis.exceptions import ResponseError

from etappe.errors import StoreUnavailableError
from etappe.store.connection import AsyncRedis

Command = tuple[bytes | str | int | float, ...]
"""The name of a command and its arguments. Its first key is what routes it in a cluster."""
Reply = Any
"""bytes, int, None, a list of replies, or the ResponseError that the server gave instead."""


class Wire(Protocol):
    """A way to a server. Commands asked at one time, by whomever, share a round trip where they can."""

    async def ask(self, commands: Sequence[Command]) -> list[Reply]:
        """The reply to each command, in order; a command that the server refuses has a ResponseError for a reply.

        Raises:
            StoreUnavailableError: the server does not answer. It may have done what it was asked.
        """
        ...


async def ask_one(wire: Wire, *command: bytes | str | float) -> Reply:
    """The reply to one command.

    Raises:
        ResponseError: the server refuses it.
        StoreUnavailableError: the server does not answer.
    """
    (reply,) = await wire.ask([command])
    if isinstance(reply, ResponseError):
        raise reply
    return reply


class RedisPy:
    """A wire through redis-py."""

    def __init__(self, client: AsyncRedis) -> None:
        self._client = client

    async def ask(self, commands: Sequence[Command]) -> list[Reply]:
        """See `Wire`."""
        try:
            async with self._client.pipeline(transaction=False) as pipe:
                for command in commands:
                    pipe.execute_command(*command)
                return list(await pipe.execute(raise_on_error=False))
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise StoreUnavailableError(f"Redis does not answer: {error}") from error
