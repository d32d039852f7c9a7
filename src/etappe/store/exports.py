"""Exports asked for by the API and made by the worker, who alone has the log at hand."""

import secrets
from typing import Any, Final

import msgspec

from etappe.events.identities import Identity
from etappe.ids import Subject
from etappe.store import keys
from etappe.store.connection import SyncRedis

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


_WANTED = msgspec.json.Decoder(Wanted)


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


def drop_all(client: SyncRedis) -> None:
    """Forgets exports that nobody has taken yet: who asked asks again."""
    names = list(client.scan_iter(match=keys.export("*"), count=_SCANNED))
    if names:
        client.delete(*names)
