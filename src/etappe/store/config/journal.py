"""The journal of configuration: every change of catalogue, keys and snapshot pointer, in one order for all replicas.

A change is answered when every live replica has applied it. A replica holds a lease while it keeps up; one whose lease
lapsed counts as gone, and catches up before it answers again.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from etappe.catalog.item import ItemPatch
from etappe.errors import StoreUnavailableError
from etappe.store import keys, scripts
from etappe.store.server.connection import AsyncRedis, SyncRedis, run_script, run_script_async
from etappe.store.server.failures import translated

START: Final = "0-0"
ITEMS: Final = "items"
STUBS: Final = "stubs"
"""Items of which only events have told: those that the catalogue does not know by then."""
KEY: Final = "key"
SNAPSHOT: Final = "snapshot"
"""Kinds of changes; `store/config/kinds.py` says how each is read."""
PATCHES_PER_ENTRY: Final = 500
_LEASE_KEYS: Final = [keys.LEASES, keys.LEASE_POSITIONS, keys.CONFIG_MARK, keys.BEAT]
_NOBODY: Final = ["", START, 0, ""]
"""Asks who has a lease, and renews none."""
_POLL_SECONDS: Final = 0.002
_READ: Final = 200
_READ_AT_ONCE: Final = 16
"""By who reads all of it, as an import may have left hundreds of entries of hundreds of items."""
_MILLISECONDS_PER_DAY: Final = 86_400_000
_LATE: Final = (
    "a serving process has not applied the change in time; it is kept, and comes into force there when it is read."
    " Do the same again to be sure, or restart the process that hangs"
)


class Change(msgspec.Struct, frozen=True):
    """One entry of the journal; `payload` is JSON."""

    position: str
    kind: str
    payload: bytes

    @property
    def time(self) -> datetime:
        """When Redis took it."""
        return datetime.fromtimestamp(ordered(self.position)[0] / 1000, UTC)

    @property
    def day(self) -> int:
        """The day on which Redis took it, since 1970 (UTC)."""
        return ordered(self.position)[0] // _MILLISECONDS_PER_DAY


def ordered(position: str) -> tuple[int, int]:
    """A stream id as numbers that compare."""
    milliseconds, _, sequence = position.partition("-")
    return int(milliseconds), int(sequence or 0)


def append(client: SyncRedis, kind: str, payload: object) -> str:
    """Journals a change and returns its position."""
    return _text(client.xadd(keys.CONFIG_STREAM, {"k": kind, "p": msgspec.json.encode(payload)}))


def append_items(client: SyncRedis, patches: Sequence[ItemPatch], kind: str = ITEMS) -> str:
    """Journals any number of item changes, some hundred to an entry."""
    position = START
    for start in range(0, len(patches), PATCHES_PER_ENTRY):
        position = append(client, kind, patches[start : start + PATCHES_PER_ENTRY])
    return position


async def append_async(client: AsyncRedis, kind: str, payload: object, least: str = "") -> str | None:
    """As `append`, without blocking; None, and nothing is journalled, where the mark is not at `least`."""
    names, arguments = [keys.CONFIG_STREAM, keys.CONFIG_MARK], [least, kind, msgspec.json.encode(payload)]
    with translated("the change"):
        reply = await run_script_async(client, scripts.JOURNAL, names, arguments)
    return None if isinstance(reply, list) else _text(reply)


def read(client: SyncRedis, after: str) -> Iterable[Change]:
    """The changes after a position, oldest first."""
    while entries := client.xrange(keys.CONFIG_STREAM, f"({after}", "+", count=_READ_AT_ONCE):
        changes = _changes(entries)
        yield from changes
        after = changes[-1].position


async def read_async(client: AsyncRedis, after: str) -> list[Change]:
    """As `read`, without blocking; at most some hundred, so an empty list means that nothing is left."""
    with translated():
        return _changes(await client.xrange(keys.CONFIG_STREAM, f"({after}", "+", count=_READ))


async def wait_for_change(client: AsyncRedis, after: str, seconds: float) -> list[Change]:
    """The changes after a position; waits up to `seconds` for one."""
    with translated():
        reply: Any = await client.xread({keys.CONFIG_STREAM: after}, count=_READ, block=int(seconds * 1000))
    if not reply:
        return []
    streams = list(reply.values()) if isinstance(reply, dict) else [entries for _, entries in reply]
    return _changes(streams[0] if not isinstance(reply, dict) else streams[0][0])


async def renew(client: AsyncRedis, replica: str, position: str, seconds: float, least: str = "") -> int | bytes:
    """Renews a replica's lease (0 seconds give it up) and says how far it has come.

    Returns the beat: how often leases were renewed. Where the journal's mark is not at `least`, there is no lease, and
    the mark is returned.
    """
    arguments = [replica, position, int(seconds * 1000), least]
    with translated():
        reply = await run_script_async(client, scripts.LEASE, _LEASE_KEYS, arguments)
    return 0 if isinstance(reply, list) else reply


async def wait_until_applied(client: AsyncRedis, position: str, lease_seconds: float) -> None:
    """Returns when all live replicas have applied `position`. One that stops holds it up until its lease lapses.

    Raises:
        StoreUnavailableError: one lives that has not applied it after two leases. The change stays in the journal.
    """
    deadline = time.monotonic() + 2 * lease_seconds
    while True:
        with translated():
            found = await run_script_async(client, scripts.LEASE, _LEASE_KEYS, _NOBODY)
        if all(ordered(_text(one)) >= ordered(position) for one in found):
            return
        if time.monotonic() > deadline:
            raise StoreUnavailableError(_LATE)
        await asyncio.sleep(_POLL_SECONDS)


def wait_until_applied_blocking(client: SyncRedis, position: str, lease_seconds: float) -> None:
    """As `wait_until_applied`, for commands.

    Raises:
        StoreUnavailableError: a replica lives that has not applied it after two leases.
    """
    deadline = time.monotonic() + 2 * lease_seconds
    while ordered(oldest_live(client) or position) < ordered(position):
        if time.monotonic() > deadline:
            raise StoreUnavailableError(_LATE)
        time.sleep(_POLL_SECONDS)


def oldest_live(client: SyncRedis) -> str | None:
    """The position that every live replica has reached; None where there is no replica."""
    found = run_script(client, scripts.LEASE, _LEASE_KEYS, _NOBODY)
    return min((_text(one) for one in found), key=ordered, default=None)


def trim(client: SyncRedis, position: str) -> None:
    """Drops the changes up to `position`, which the log and the compiled catalogue hold."""
    milliseconds, sequence = ordered(position)
    client.xtrim(keys.CONFIG_STREAM, minid=f"{milliseconds}-{sequence + 1}", approximate=False)


def _changes(entries: Any) -> list[Change]:
    return [Change(_text(place), _text(fields[b"k"]), fields[b"p"]) for place, fields in entries]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
