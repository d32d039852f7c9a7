"""Whether Redis and the log belong together, and neither has lost what the other knows of.

The data folder that has the log keeps the generation in a file of its own, beside the secret: it is the authority.
Redis has lost something where a mark is missing or of an earlier generation, or a stream never came as far as the log
has read it. The log has lost something where a mark says that it had read further than it has.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import msgspec
import redis

from etappe.arrays import replace_synced
from etappe.errors import GenerationError, StoreError
from etappe.log import Log
from etappe.store import keys
from etappe.store.config import journal
from etappe.store.place import marks
from etappe.store.server import connection
from etappe.store.server.connection import SyncRedis

FILE: Final = "generation"
BEHIND_REMEDY: Final = (
    "nothing is changed: put the log back, or `etappe restore` a backup; without one, `etappe rebuild --accept-loss`"
    " goes on with what is there"
)
_GUEST_REMEDY: Final = (
    "run this on the data folder that has it, where `etappe worker` runs; if that one is lost, `etappe restore` a"
    " backup with `--replace`"
)
LISTED_ANEW: Final = "the log was listed anew, and Redis was not made from it since"
LISTED_REMEDY: Final = "stop every `etappe serve`, then run `etappe rebuild`"
_NEVER: Final = (0, 0)


class Kind(StrEnum):
    """Who has lost something."""

    REDIS = "redis"
    LOG = "log"
    ANOTHER = "another"


class Fault(msgspec.Struct, frozen=True):
    """That Redis and the log do not belong together, in words. `loses` says whether a rebuild would lose something."""

    kind: Kind
    reason: str
    remedy: str = marks.REMEDY
    loses: bool = False

    def error(self) -> GenerationError:
        """As an exception."""
        return GenerationError(f"{self.reason}; {self.remedy}")


def kept(data: Path) -> str | None:
    """The generation that a data folder keeps; None where it is not the one that has the log.

    Raises:
        StoreError: what the file holds is none.
    """
    try:
        text = (data / FILE).read_text().strip()
    except FileNotFoundError:
        return None
    if len(text) != marks.GENERATION_CHARS:
        raise StoreError(f"{data / FILE} is no generation; move it away and run `etappe rebuild`")
    return text


def is_guest(log: Log, data: Path) -> bool:
    """Whether a data folder has neither a log nor a generation: what Redis has is in no log of its own."""
    return kept(data) is None and log.position() == 0


def hold(client: SyncRedis, log: Log, data: Path) -> None:
    """Makes sure that Redis and the log belong together; where Redis has lost what it had, its marks go, too.

    So every serving process refuses, also one that cannot tell by itself that Redis was set back. Another shop's Redis
    is left alone.

    Raises:
        GenerationError: they do not.
    """
    if kept(data) is None or fault_of(client, log, data) is None:
        return
    with log.archiving():  # as `renew`, so that marks that are being put are not taken for missing
        fault = fault_of(client, log, data)
        if fault is not None and fault.kind is Kind.REDIS:
            marks.withdraw(client)
    if fault is not None:
        raise fault.error()


def fault_of(client: SyncRedis, log: Log, data: Path) -> Fault | None:
    """What is wrong between Redis and the log of the data folder; None where nothing is. Changes nothing."""
    if (other := foreign(client, log, data)) is not None:
        return other
    found = marks.read(client)
    if missing := marks.missing(found):
        return Fault(Kind.REDIS, _emptied(missing, found, client.get(keys.SECRET), kept(data)))
    lost = _lost_by_log(log, data, found)
    return _of_generations(log, data, found, lost) or lost or _lost_by_redis(client, log, found)


def _of_generations(log: Log, data: Path, found: Mapping[str, str | None], lost: Fault | None) -> Fault | None:
    """What is wrong with the generation of the folder, or of marks of which none is missing."""
    mine = kept(data)
    if mine is None and lost is None:
        return Fault(Kind.REDIS, f"{data / FILE} is gone, by which the log and Redis know each other")
    newest = str(marks.newest(found.values()))
    if mine is None or newest > mine:
        return _of_another_log(log, data)
    if any(marks.generation_of(mark or "") != mine for mark in found.values()):
        return Fault(Kind.REDIS, f"{marks.SET_BACK}, before a rebuild")
    return None


def _of_another_log(log: Log, data: Path) -> Fault:
    if is_guest(log, data):
        return Fault(Kind.LOG, f"the log of this shop is in another data folder than {data}", _GUEST_REMEDY, loses=True)
    reason = f"the marks in Redis are of another generation than {data}: its log is not the one that Redis goes with"
    return Fault(Kind.LOG, reason, BEHIND_REMEDY, loses=True)


def lost_by_log(client: SyncRedis, log: Log, data: Path, streams: Iterable[str]) -> Fault | None:
    """What of some streams the log does not have although Redis was told that it had; None where it has all."""
    found = marks.read(client)
    return _lost_by_log(log, data, {stream: found[stream] for stream in streams})


def _lost_by_log(log: Log, data: Path, found: Mapping[str, str | None]) -> Fault | None:
    lost = _what_log_lost(log, found)
    if lost is None:
        return None
    if log.state().relisted == (kept(data) or ""):  # its rows are all there, but for how far streams were read
        return Fault(Kind.LOG, LISTED_ANEW, LISTED_REMEDY)
    return Fault(Kind.LOG, lost, BEHIND_REMEDY, loses=True)


def _what_log_lost(log: Log, found: Mapping[str, str | None]) -> str | None:
    ends = _ends(log)
    for stream, mark in found.items():
        if mark and marks.position_of(mark) > (end := ends.get(stream, _NEVER)):
            told = _id(marks.position_of(mark))
            return f"the log has lost what it had: it ends at {_id(end)} of {stream}, and Redis was told {told}"
    return None


def _ends(log: Log) -> dict[str, tuple[int, int]]:
    return {stream: journal.ordered(last) for stream, last in log.streams().items()}


def _lost_by_redis(client: SyncRedis, log: Log, found: Mapping[str, str | None]) -> Fault | None:
    """A mark may be behind the log, as it is put after a commit; the stream itself may not."""
    ends = _ends(log)
    doubtful = [stream for stream, mark in found.items() if marks.position_of(mark or "") < ends.get(stream, _NEVER)]
    for stream, last in zip(doubtful, _last_ids(client, doubtful), strict=True):
        if last < ends[stream]:
            reason = f"{stream} ends at {_id(last)}, the log has read it up to {_id(ends[stream])}"
            return Fault(Kind.REDIS, f"{marks.SET_BACK} ({reason})")
    return None


def _emptied(missing: list[str], found: Mapping[str, str | None], secret: Any, mine: str | None) -> str:
    if secret is None:
        return marks.EMPTIED
    if mine is None and len(missing) == len(found):
        return "this place was left by an earlier version, or Redis was emptied or set back: it has no marks"
    some = "its marks are" if len(missing) == len(found) else f"{len(missing)} of its marks are"
    return f"Redis was emptied or set back, or a rebuild was broken off: {some} gone"


def is_empty(client: SyncRedis) -> bool:
    """Whether nothing has come into Redis yet."""
    return not client.exists(keys.API_KEYS, *keys.MARKED)


def foreign(client: SyncRedis, log: Log, data: Path) -> Fault | None:
    """Whether Redis is another shop's, or holds no more than what a server without the log has begun in it."""
    mine = connection.kept_secret(data / connection.SECRET_FILE)
    if mine is None or client.get(keys.SECRET) in (None, mine):
        return None
    if log.position() > 0 and is_empty(client):
        return Fault(Kind.REDIS, f"{marks.EMPTIED}, and a server without the log began a place in it")
    return Fault(Kind.ANOTHER, marks.ANOTHER, f"name the Redis of {data} with --redis or ETAPPE_REDIS")


def _last_ids(client: SyncRedis, streams: list[str]) -> list[tuple[int, int]]:
    """The last id that each stream ever gave."""
    pipe = client.pipeline(transaction=False)
    for stream in streams:
        pipe.xinfo_stream(stream)
    replies = pipe.execute(raise_on_error=False) if streams else []
    return [_last(reply) for reply in replies]


def _last(reply: Any) -> tuple[int, int]:
    if isinstance(reply, redis.ResponseError):  # there is no such stream
        return _NEVER
    if isinstance(reply, Exception):
        raise reply
    last = reply["last-generated-id"]
    return journal.ordered(last.decode() if isinstance(last, bytes) else str(last))


def _id(position: tuple[int, int]) -> str:
    return f"{position[0]}-{position[1]}"


def keep(data: Path, generation: str) -> None:
    """Notes the generation in the data folder, which has the log from now on. Only for who holds `Log.archiving`."""
    replace_synced(data / FILE, f"{generation}\n".encode())
