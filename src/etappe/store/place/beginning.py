"""How a place is begun, joined by who comes to it, taken back, and given a new generation."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from redis.lock import Lock

from etappe.errors import GenerationError
from etappe.log import Log
from etappe.store import keys
from etappe.store.place import generation, marks
from etappe.store.place.generation import Kind, fault_of, is_guest, kept
from etappe.store.server import connection
from etappe.store.server.connection import SyncRedis

_NEVER: Final = (0, 0)
_BEGINNING_SECONDS: Final = 10.0
_NOTHING: Final = (
    "Redis has lost what it had: run `etappe rebuild` on the data folder that has the log; where nothing of a shop is"
    " to be kept, name an empty data folder with --data"
)


def join(client: SyncRedis, log: Log, data: Path, *, begins: bool) -> bytes:
    """The secret of a place that is opened. One that has nothing yet is begun; who `begins` has its log from then on.

    A folder without the log is a guest: it joins what another has begun, or begins a place that the folder with the log
    takes up. A guest that has been somewhere before begins nothing: that Redis was emptied.

    Raises:
        StoreError: Redis is not the one of this folder.
        GenerationError: Redis and the log do not belong together.
    """
    if not begins and is_guest(log, data):
        if not client.exists(keys.CONFIG_MARK):
            _begin_as_guest(client, data)
        return connection.secret(client, data)
    connection.refuse_emptied(client, data)
    if (foreign := generation.foreign(client, log, data)) is not None:
        raise foreign.error()
    secret = connection.secret(client, data)
    if fault_of(client, log, data) is not None:
        log.folder.mkdir(parents=True, exist_ok=True)  # of the lock
        with log.archiving():
            _take_up(client, log, data)
    return secret


def join_to_mend(client: SyncRedis, log: Log, data: Path) -> bytes:
    """The secret of a place whose log is to be mended, before Redis is rebuilt from it: Redis may have lost anything.

    Raises:
        StoreError: Redis is another shop's.
        GenerationError: the log has lost what it had.
    """
    secret = connection.secret(client, data)
    fault = fault_of(client, log, data)
    if fault is not None and fault.kind is not Kind.REDIS:
        raise fault.error()
    return secret


def retake(client: SyncRedis, log: Log, data: Path) -> None:
    """Gives a Redis back to the folder with the log where a server without it began a place in it after it was emptied.

    Only as long as nothing has come into that place: who has no key cannot send anything.
    """
    mine, foreign = connection.kept_secret(data / connection.SECRET_FILE), generation.foreign(client, log, data)
    if mine is not None and foreign is not None and foreign.kind is Kind.REDIS:
        marks.withdraw(client)
        client.set(keys.SECRET, mine)


def renew(client: SyncRedis, log: Log, data: Path, before: str | None = None) -> None:
    """Begins a new generation, behind `before` where there was another: Redis has what the log has.

    The folder keeps it first, then Redis gets its marks.
    """
    with log.archiving():
        _begin(client, log, data, before)


def _begin(client: SyncRedis, log: Log, data: Path, before: str | None = None) -> None:
    new = marks.new_generation(max(filter(None, (kept(data), before)), default=None))
    generation.keep(data, new)
    marks.put(client, new, log.streams())


def _begin_as_guest(client: SyncRedis, data: Path) -> None:
    """Begins a place without having its log.

    Raises:
        GenerationError: there was a place, and Redis has lost it.
    """
    with _beginning(client):
        if client.exists(keys.CONFIG_MARK):
            return
        if connection.kept_secret(data / connection.SECRET_FILE) is not None or not generation.is_empty(client):
            raise GenerationError(_NOTHING)
        connection.secret(client, data)
        marks.put(client, marks.new_generation(None), {})


def _take_up(client: SyncRedis, log: Log, data: Path) -> None:
    """Takes up a place that a guest has begun, or begins one where there is nothing; makes sure of what is there."""
    if log.position() == 0 and not any(marks.read(client).values()) and generation.is_empty(client):
        with _beginning(client):
            if not client.exists(keys.CONFIG_MARK):
                _begin(client, log, data)
    found = marks.read(client)
    if kept(data) is None and _begun_only(found, log):
        generation.keep(data, str(marks.newest(found.values())))
    if (fault := fault_of(client, log, data)) is not None:
        raise fault.error()


def _beginning(client: SyncRedis) -> Lock:
    """Keeps others from beginning the same place, while it is held."""
    return Lock(client, keys.BEGINNING, timeout=_BEGINNING_SECONDS, blocking_timeout=_BEGINNING_SECONDS)


def _begun_only(found: Mapping[str, str | None], log: Log) -> bool:
    """Whether another folder began the place and no log has any of it: then this one is to have it."""
    return log.position() == 0 and all(mark and marks.position_of(mark) == _NEVER for mark in found.values())
