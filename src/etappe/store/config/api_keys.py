"""API keys: random, shown once, kept as SHA-256 only."""

import hashlib
import secrets
from typing import Any, Final, Literal

import msgspec

from etappe.errors import NotFoundError
from etappe.store import keys
from etappe.store.config import journal
from etappe.store.server.connection import SyncRedis

KeyKind = Literal["secret", "publishable"]
_PREFIX: Final[dict[KeyKind, str]] = {"secret": "sk_", "publishable": "pk_"}
_RANDOM_BYTES: Final = 32


class ApiKey(msgspec.Struct, frozen=True):
    """What is kept of a key: its name for people, its kind, and the digest it is recognised by."""

    name: str
    kind: KeyKind
    digest: str
    revoked: bool = False


def digest_of(key: str) -> str:
    """What a key is recognised by. Keys have 256 random bits, so a plain hash keeps them."""
    return hashlib.sha256(key.encode()).hexdigest()


def create(client: SyncRedis, kind: KeyKind) -> tuple[str, ApiKey, str]:
    """A new key, what is kept of it, and its position in the journal. The key itself is nowhere kept."""
    key = _PREFIX[kind] + secrets.token_urlsafe(_RANDOM_BYTES)
    kept = ApiKey(key[: len(_PREFIX[kind]) + 6], kind, digest_of(key))
    return key, kept, _journal(client, kept)


def revoke(client: SyncRedis, name: str) -> str:
    """Revokes the key with this name and returns the change's position.

    Raises:
        NotFoundError: there is no such key.
    """
    for kept in listed(client):
        if kept.name == name:
            return _journal(client, msgspec.structs.replace(kept, revoked=True))
    raise NotFoundError(f"there is no key named {name}; `etappe keys list` shows them")


def listed(client: SyncRedis) -> list[ApiKey]:
    """All keys, revoked ones too."""
    found: Any = client.hgetall(keys.API_KEYS)
    return sorted((msgspec.json.decode(value, type=ApiKey) for value in found.values()), key=lambda one: one.name)


def _journal(client: SyncRedis, kept: ApiKey) -> str:
    client.hset(keys.API_KEYS, kept.digest, msgspec.json.encode(kept).decode())
    return journal.append(client, journal.KEY, kept)
