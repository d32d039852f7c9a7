"""The port: what any way to a server can do. Whoever speaks through it knows no other."""

from collections.abc import Sequence
from typing import Any, Protocol

from redis.exceptions import NoScriptError, ResponseError

from etappe.store.scripts import Script
from etappe.store.server.memory import refusal

Command = tuple[bytes | str | int | float, ...]
"""The name of a command and its arguments. Its first key is what routes it in a cluster."""
Reply = Any
"""bytes, int, None, a list of replies, or the ResponseError that the server gave instead."""


class Wire(Protocol):
    """A way to a server. Commands asked at one time, by whomever, share a round trip where they can."""

    async def ask(self, commands: Sequence[Command]) -> list[Reply]:
        """The reply to each command, in order; a command that the server refuses has a ResponseError for a reply.

        It may be given up at any time (`asyncio.timeout`): its replies are then nobody's.

        Raises:
            StoreUnavailableError: the server does not answer. It may have done what it was asked.
            GenerationError: it is not the one that was left.
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


async def ask_all(wire: Wire, commands: Sequence[Command]) -> list[Reply]:
    """The reply to each command, where all are to be done.

    Raises:
        StoreError: the server refuses one of them.
        StoreUnavailableError: the server does not answer.
    """
    replies = await wire.ask(commands)
    for reply in replies:
        if isinstance(reply, ResponseError):
            raise refusal(reply, "what it was asked") from reply
    return replies


async def ask_script(
    wire: Wire, script: Script, names: Sequence[str], arguments: Sequence[bytes | str | float]
) -> Reply:
    """Calls a script, with its text where the server has forgotten it (in a cluster each node forgets for itself).

    Raises:
        ResponseError: the server refuses it.
        StoreUnavailableError: the server does not answer.
    """
    try:
        return await ask_one(wire, "EVALSHA", script.digest, len(names), *names, *arguments)
    except NoScriptError:
        return await ask_one(wire, "EVAL", script.text, len(names), *names, *arguments)
