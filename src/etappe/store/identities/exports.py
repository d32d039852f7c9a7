"""Exports asked for by the API and made by the worker, who alone has the log at hand."""

import secrets
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final

import msgspec

from etappe.events.identities import Identity
from etappe.ids import Subject
from etappe.store import keys
from etappe.store.server.connection import SyncRedis

KEPT_SECONDS: Final = 600
_SCANNED: Final = 5_000
NOTHING: Final = b"null"
"""The export of somebody of whom nothing is held."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """An export that is asked for: of which customer, by all their subjects."""

    number: str
    customer: Subject
    subjects: list[Subject]
    identities: list[Identity]


class _Whose(msgspec.Struct, frozen=True):
    """Of an export only whose it is."""

    identities: list[Identity] = []


_WANTED = msgspec.json.Decoder(Wanted)
_WHOSE = msgspec.json.Decoder(_Whose | None)


def ask(client: SyncRedis, customer: Subject, identities: dict[Subject, Identity]) -> str:
    """Asks for an export; its number is what it is taken by."""
    number = secrets.token_hex(16)
    wanted = Wanted(number=number, customer=customer, subjects=list(identities), identities=list(identities.values()))
    pipe = client.pipeline()
    pipe.rpush(keys.EXPORTS_WANTED, msgspec.json.encode(wanted))
    pipe.expire(keys.EXPORTS_WANTED, KEPT_SECONDS)
    pipe.execute()
    return number


def next_wanted(client: SyncRedis) -> Wanted | None:
    """The export to be made next, taken off the list."""
    value: Any = client.lpop(keys.EXPORTS_WANTED)
    return _WANTED.decode(value) if value else None


def want_again(client: SyncRedis, wanted: Wanted) -> None:
    """Puts an export that could not be made back on the list, behind those that wait."""
    pipe = client.pipeline()
    pipe.rpush(keys.EXPORTS_WANTED, msgspec.json.encode(wanted))
    pipe.expire(keys.EXPORTS_WANTED, KEPT_SECONDS)
    pipe.execute()


def put(client: SyncRedis, number: str, export: bytes) -> None:
    """Lays a finished export ready."""
    client.set(keys.export(number), export, ex=KEPT_SECONDS)


def take(client: SyncRedis, number: str) -> bytes | None:
    """A finished export, which Redis then forgets; None while there is none."""
    value: Any = client.getdel(keys.export(number))
    return value or None


def drop(client: SyncRedis, concerned: Callable[[bytes], bool]) -> None:
    """Forgets exports that nobody has taken yet and that are `concerned`: who asked asks again."""
    for name, export in _ready(client):
        if concerned(export):
            client.delete(name)


def forget(client: SyncRedis, subjects: Collection[Subject], identities: Collection[Identity]) -> None:
    """Answers all that was asked of these people, made or not, with nothing: they were erased."""
    waiting: Any = client.lrange(keys.EXPORTS_WANTED, 0, -1)
    for value in waiting:
        wanted = _WANTED.decode(value)
        if not set(subjects).isdisjoint(wanted.subjects) and client.lrem(keys.EXPORTS_WANTED, 1, value):
            put(client, wanted.number, NOTHING)
    for name, export in _ready(client):
        of = _WHOSE.decode(export)
        if of is not None and not set(identities).isdisjoint(of.identities):
            client.set(name, NOTHING, ex=KEPT_SECONDS)


def _ready(client: SyncRedis) -> Iterator[tuple[bytes, bytes]]:
    for name in list(client.scan_iter(match=keys.export("*"), count=_SCANNED)):
        value: Any = client.get(name)
        if value:
            yield name, value
