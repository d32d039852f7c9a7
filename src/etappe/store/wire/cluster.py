"""Many servers as one: each command goes to the node that has its key, as far as redirections have told."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final

from redis.crc import key_slot
from redis.exceptions import AskError, MovedError, TryAgainError

from etappe.errors import StoreUnavailableError
from etappe.store.wire.address import Address
from etappe.store.wire.connection import Connection
from etappe.store.wire.port import Command, Reply

_HOPS: Final = 5
"""Redirections of one ask at most; more only where slots are moved faster than they are asked for."""
_TRY_AGAIN_SECONDS: Final = 0.02
_SCRIPTS: Final = ("EVALSHA", "EVAL")
_Node = tuple[str, int]


class Cluster:
    """A wire to a server, which is asked alone until it says that another node has a key: then a cluster's."""

    def __init__(self, address: Address, opened: Callable[[Address], Connection]) -> None:
        self._address = address
        self._opened = opened
        self._seed = opened(address)
        self._nodes: dict[_Node, Connection] = {} if address.path else {(address.host, address.port): self._seed}
        self._owners: dict[int, Connection] = {}

    async def ask(self, commands: Sequence[Command]) -> list[Reply]:
        """See `Wire`."""
        replies = await (self._routed(commands) if self._owners else self._of(self._seed, commands))
        for reply in replies:
            if isinstance(reply, (AskError, TryAgainError)):  # a MovedError is an AskError, too
                return await self._redirected(commands, replies)
        return replies

    async def _routed(self, commands: Sequence[Command]) -> list[Reply]:
        """Sends each command to its owner; all nodes are asked at one time."""
        places: dict[Connection, list[int]] = defaultdict(list)
        for place, command in enumerate(commands):
            places[self._owner(command)].append(place)
        if len(places) == 1:
            return await self._of(next(iter(places)), commands)
        some = [self._of(node, [commands[place] for place in of_node]) for node, of_node in places.items()]
        replies: list[Reply] = [None] * len(commands)
        for of_node, found in zip(places.values(), await asyncio.gather(*some), strict=True):
            for place, reply in zip(of_node, found, strict=True):
                replies[place] = reply
        return replies

    def _owner(self, command: Command) -> Connection:
        key = key_of(command)
        return self._seed if key is None else self._owners.get(key_slot(key), self._seed)

    async def _of(self, node: Connection, commands: Sequence[Command]) -> list[Reply]:
        """Asks one node. One that does not answer owns nothing any more, and another is asked for who does."""
        try:
            return await node.ask(commands)
        except StoreUnavailableError:
            self._owners = {slot: owner for slot, owner in self._owners.items() if owner is not node}
            if node is self._seed and (others := [one for one in self._nodes.values() if one is not node]):
                self._seed = others[0]
            raise

    async def _redirected(self, commands: Sequence[Command], replies: list[Reply]) -> list[Reply]:
        """Follows redirections, each reply by itself: they come while slots are moved, and before any is known."""
        for _ in range(_HOPS):
            astray = [place for place, reply in enumerate(replies) if isinstance(reply, (AskError, TryAgainError))]
            if not astray:
                return replies
            found = await asyncio.gather(*(self._follow(commands[place], replies[place]) for place in astray))
            for place, reply in zip(astray, found, strict=True):
                replies[place] = reply
        if any(isinstance(reply, (AskError, TryAgainError)) for reply in replies):
            raise StoreUnavailableError("the nodes of the Redis cluster send us round in circles; try again")
        return replies

    async def _follow(self, command: Command, reply: AskError | TryAgainError) -> Reply:
        if isinstance(reply, TryAgainError):  # keys of one command lie on two nodes just now
            await asyncio.sleep(_TRY_AGAIN_SECONDS)
            return (await self._of(self._owner(command), [command]))[0]
        node = self._node(reply.host, reply.port)
        if isinstance(reply, MovedError):
            self._owners[reply.slot_id] = node
            return (await self._of(node, [command]))[0]
        return (await self._of(node, [("ASKING",), command]))[1]

    def _node(self, host: str, port: int) -> Connection:
        node = self._nodes.get((host, port))
        if node is None:
            node = self._nodes[host, port] = self._opened(self._address.beside(host, port))
        return node

    async def aclose(self) -> None:
        """Closes all connections."""
        for node in {self._seed, *self._nodes.values()}:
            await node.aclose()


def key_of(command: Command) -> bytes | None:
    """The first key of a command; None for one without any."""
    if command[0] in _SCRIPTS:
        key = command[3] if int(command[2]) else None
    else:
        key = command[1] if len(command) > 1 else None
    return key.encode() if isinstance(key, str) else key if isinstance(key, bytes) else None
