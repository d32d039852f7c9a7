"""The port: what any way to a server can do. Whoever speaks through it knows no other."""

from collections.abc import Sequence
from typing import Any, Protocol

from redis.exceptions import NoScriptError, ResponseError

from etappe.store.scripts import Script
from etappe.store.server.memory import refusal

Command = tuple[bytes | str | int | float, ...]
"""The name of a command and its arguments. Its first key is what routes it in a cluster."""
ScriptCall = tuple[Sequence[str], Sequence[bytes | str | float]]
"""The keys and the arguments of one call of a script."""
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
    (reply,) = await ask_scripts(wire, script, [(names, arguments)])
    if isinstance(reply, ResponseError):
        raise reply
    return reply


async def ask_scripts(wire: Wire, script: Script, calls: Sequence[ScriptCall]) -> list[Reply]:
    """The reply to each call of a script; a ResponseError where the server refused one. See `ask_script`.

    Raises:
        StoreUnavailableError: the server does not answer. It may have done what it was asked.
    """
    replies = await wire.ask([_calling("EVALSHA", script.digest, call) for call in calls])
    unknown = [place for place, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
    if unknown:
        again = await wire.ask([_calling("EVAL", script.text, calls[place]) for place in unknown])
        for place, reply in zip(unknown, again, strict=True):
            replies[place] = reply
    return replies


def _calling(name: str, script: str, call: ScriptCall) -> Command:
    names, arguments = call
    return (name, script, len(names), *names, *arguments)
