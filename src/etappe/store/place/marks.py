"""Marks: by which Redis says of each partition that it is the one that was left, and not emptied or set back since.

A mark is the generation, which is made when a place is begun and by every rebuild, and behind it how far the log has
read the stream beside it. Both are of fixed width, so that of two marks of one generation the larger text is the newer.
Without a mark nothing is accepted and nobody is answered as known: a Redis that has lost what it had has lost
withdrawals of consent and tombstones, too.
"""

import logging
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from etappe.errors import GenerationError
from etappe.store import keys, scripts
from etappe.store.config import journal
from etappe.store.server.connection import AsyncConnection, AsyncRedis, SyncRedis, run_scripts
from etappe.store.server.failures import translated
from etappe.store.wire import Wire

REMEDY: Final = (
    "run `etappe rebuild` on the data folder that has the log; servers may stay up, and go on by themselves after it"
)
EMPTIED: Final = "Redis has lost what it had: it was emptied, or this is another one"
ANOTHER: Final = "this Redis belongs to another shop: its secret is another"
SET_BACK: Final = "Redis was set back: what it holds is older than what was there before"
LATER: Final = "Redis holds a later generation: it was rebuilt and is being taken up, or it is another one"
_TIME_CHARS: Final = 12
_RANDOM_BYTES: Final = 8
GENERATION_CHARS: Final = _TIME_CHARS + 2 * _RANDOM_BYTES
"""Hexadecimal digits: of the time in ms, so that a later generation is the larger text, then by chance. `standing.lua`
has this number, too."""
_UNKNOWN: Final = "-" * GENERATION_CHARS
"""No mark begins with it."""
_log = logging.getLogger("etappe.generation")


def new_generation(before: str | None) -> str:
    """An id that comes behind `before`, whatever the clock says."""
    now = time.time_ns() // 1_000_000
    least = int(before[:_TIME_CHARS], 16) + 1 if before else 0
    return f"{max(now, least):0{_TIME_CHARS}x}{secrets.token_hex(_RANDOM_BYTES)}"


def mark_of(generation: str, position: str = journal.START) -> str:
    """The mark of a stream that the log has read up to `position`."""
    milliseconds, sequence = journal.ordered(position)
    return f"{generation}{milliseconds:015d}-{sequence:010d}"


def generation_of(mark: str) -> str:
    """The generation of a mark."""
    return mark[:GENERATION_CHARS]


def position_of(mark: str) -> tuple[int, int]:
    """How far the log had read the stream, as numbers that compare."""
    return journal.ordered(mark[GENERATION_CHARS:])


def read(client: SyncRedis) -> dict[str, str | None]:
    """The marks by stream."""
    pipe = client.pipeline(transaction=False)
    for stream in keys.MARKED:
        pipe.get(keys.mark_of(stream))
    return {stream: _text(value) for stream, value in zip(keys.MARKED, pipe.execute(), strict=True)}


async def asked(client: AsyncRedis, names: Sequence[str]) -> tuple[bytes | None, dict[str, bytes | None]]:
    """The secret, and marks by their names. Raises as `translated`."""
    with translated():
        async with client.pipeline(transaction=False) as pipe:
            for name in (keys.SECRET, *names):
                pipe.get(name)
            secret, *found = await pipe.execute()
    return secret, dict(zip(names, found, strict=True))


def put(client: SyncRedis, generation: str, positions: Mapping[str, str]) -> None:
    """Marks every stream; `positions` are the last ids that the log has, by stream."""
    pipe = client.pipeline(transaction=False)
    for stream in keys.MARKED:
        pipe.set(keys.mark_of(stream), mark_of(generation, positions.get(stream, journal.START)))
    pipe.execute()


def advance(client: SyncRedis, generation: str, positions: Mapping[str, str]) -> None:
    """Says how far the log has read some streams, where the mark is still of this generation."""
    calls = [
        (scripts.MARK, [keys.mark_of(stream)], [mark_of(generation, position)])
        for stream, position in positions.items()
        if stream in keys.MARKED
    ]
    if calls:
        run_scripts(client, calls)


def withdraw(client: SyncRedis) -> None:
    """Takes all marks away: every process refuses at once, until a rebuild."""
    pipe = client.pipeline(transaction=False)
    for stream in keys.MARKED:
        pipe.delete(keys.mark_of(stream))
    pipe.execute()


class Standing:
    """What one serving process takes Redis for: the generation, and each mark as it was last seen.

    It begins without a generation, and then nothing stands.
    """

    def __init__(self, secret: bytes) -> None:
        self.secret = secret
        self._generation = _UNKNOWN
        self._seen: dict[str, str] = {}
        self._wrong: dict[str, str] = {}
        self._told: set[str] = set()
        self._beat = 0

    @property
    def reason(self) -> str | None:
        """Why nothing may be accepted and nobody answered as known; None where all is well."""
        return self._wrong.get(keys.CONFIG_MARK) or next(iter(self._wrong.values()), None)

    @property
    def wrong(self) -> list[str]:
        """The names of the marks that did not stand when they were last looked at."""
        return list(self._wrong)

    def expected(self, name: str) -> str:
        """The least that a mark has to be."""
        return self._seen.get(name) or mark_of(self._generation)

    def check(self, name: str, found: bytes | str | None) -> None:
        """Holds a mark that was read against what is known.

        Raises:
            GenerationError: it is missing, older, or of another generation.
        """
        mark, least = _text(found) or "", self.expected(name)
        if mark >= least and mark[:GENERATION_CHARS] == self._generation:
            self._seen[name] = mark
            if self._wrong:
                self._wrong.pop(name, None)
            return
        self.refuse(name, self._reason(mark))

    def heard(self, beat: int) -> None:
        """Notes how often leases were renewed."""
        self._beat = max(self._beat, beat)

    async def greet(self, connection: AsyncConnection) -> None:
        """Opens a connection of redis-py, as `greet_wire` does one of the wire.

        Raises:
            GenerationError: the beat is less than what was heard before.
        """
        await connection.on_connect()
        heard = self._beat
        if not heard:
            return
        await connection.send_command("MGET", keys.BEAT, keys.CONFIG_MARK)
        if self._is_older(await connection.read_response(), heard):
            await connection.disconnect()
            self.refuse(keys.CONFIG_MARK, SET_BACK)

    async def greet_wire(self, wire: Wire) -> None:
        """Lets a new connection be used, unless it leads to a Redis that was set back: a mark may not show that yet.

        Redis comes back older only by being started or connected to anew, and then the beat is that of the copy. It is
        held against what was heard before it was asked: meanwhile another connection may hear the next beat.

        Raises:
            GenerationError: the beat is less than what was heard before.
        """
        heard = self._beat
        if not heard:
            return
        (reply,) = await wire.ask([("MGET", keys.BEAT, keys.CONFIG_MARK)])
        if isinstance(reply, list) and self._is_older(reply, heard):  # a node of a cluster may have others of the keys
            self.refuse(keys.CONFIG_MARK, SET_BACK)

    def _is_older(self, reply: Sequence[Any], heard: int) -> bool:
        """Whether beat and mark of a connection are of this generation, and from before the beat that was heard."""
        beat, mark = reply
        return generation_of(_text(mark) or "") == self._generation and int(beat or 0) < heard

    def refuse(self, name: str, reason: str) -> None:
        """Notes that a mark does not stand; the log of the process says it once.

        Raises:
            GenerationError: always.
        """
        if reason not in self._told:
            _log.error("%s. Events are refused and decisions degraded: %s", reason, REMEDY)
        self._told.add(reason)
        self._wrong[name] = reason
        raise GenerationError(f"{reason}; {REMEDY}")

    def _reason(self, mark: str) -> str:
        if not mark:
            return EMPTIED
        later = self._generation != _UNKNOWN and generation_of(mark) > self._generation
        return LATER if later else SET_BACK

    def stand(self, secret: bytes | None, found: Mapping[str, bytes | None]) -> bool:
        """Looks at the marks `found` by name, the journal's among them, and at the secret beside it.

        Whether this is a generation that follows the one known: one that a rebuild has made of the same shop.

        Raises:
            GenerationError: this is not the Redis that was left.
        """
        mark = _text(found[keys.CONFIG_MARK]) or ""
        if secret is not None and secret != self.secret:
            self.refuse(keys.CONFIG_MARK, ANOTHER)
        if secret is None or not mark:
            self.refuse(keys.CONFIG_MARK, EMPTIED)
        newer = self._generation == _UNKNOWN or generation_of(mark) > self._generation
        if newer:
            self._generation = generation_of(mark)
            self._seen.clear()
            self._beat = 0
        for name, value in found.items():
            self.check(name, value)
        if newer:
            self._wrong.clear()
        if self._told and not self._wrong:
            _log.warning("Redis is whole again: events are accepted and decisions are made as before")
            self._told.clear()
        return newer


def missing(marks: Mapping[str, str | None]) -> list[str]:
    """The streams that have no mark."""
    return [stream for stream, mark in marks.items() if not mark]


def newest(marks: Iterable[str | None]) -> str | None:
    """The latest generation among marks."""
    return max((generation_of(mark) for mark in marks if mark), default=None)


def _text(value: Any) -> str | None:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else value
