"""Scripts called through a wire: by digest, and with their text where the server does not know them."""

from collections.abc import Sequence
from typing import Any

from redis.exceptions import NoScriptError, ResponseError

from etappe.store.scripts import Script
from etappe.store.wire import Command, Reply, Wire


async def run(wire: Wire, script: Script, calls: Sequence[tuple[list[str], list[Any]]]) -> list[Reply]:
    """The replies to calls of a script, each with its keys and arguments; a ResponseError where one was refused.

    Raises:
        StoreUnavailableError: the server does not answer. It may have done what it was asked.
    """
    replies = await wire.ask([_command("EVALSHA", script.digest, call) for call in calls])
    unknown = [place for place, reply in enumerate(replies) if _is_unknown(reply)]
    if unknown:
        again = await wire.ask([_command("EVAL", script.text, calls[place]) for place in unknown])
        for place, reply in zip(unknown, again, strict=True):
            replies[place] = reply
    return replies


def _command(name: str, script: str, call: tuple[list[str], list[Any]]) -> Command:
    names, arguments = call
    return (name, script, len(names), *names, *arguments)


def _is_unknown(reply: Reply) -> bool:
    return isinstance(reply, ResponseError) and (isinstance(reply, NoScriptError) or "NOSCRIPT" in str(reply))
