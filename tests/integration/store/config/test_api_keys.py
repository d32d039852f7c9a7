"""API keys: shown once, kept as digests."""

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from etappe.errors import NotFoundError
from etappe.store.config import api_keys, journal
from etappe.store.config.api_keys import ApiKey
from etappe.store.server.connection import SyncRedis


def _everything(client: SyncRedis) -> bytes:
    """All that Redis holds, and the files it holds it in."""
    found: list[Any] = []
    for key in client.scan_iter():
        kind = client.type(key).decode()  # type: ignore[union-attr]
        read = {"string": client.get, "hash": client.hgetall, "stream": client.xrange}
        found += [key, read[kind](key)]  # type: ignore[operator]
    folder = Path(client.config_get("dir")["dir"])  # type: ignore[index]
    files = [path.read_bytes() for path in folder.rglob("*.aof")]
    return repr(found).encode() + b"".join(files)


@pytest.mark.parametrize(("kind", "prefix"), [("secret", "sk_"), ("publishable", "pk_")])
def test_new_key(client: SyncRedis, kind: api_keys.KeyKind, prefix: str) -> None:
    """A new key names its kind, has 256 random bits, and is known by its SHA-256 alone."""
    key, kept, position = api_keys.create(client, kind)
    assert key.startswith(prefix)
    assert len(key.removeprefix(prefix)) == 43
    assert ApiKey(key[:9], kind, hashlib.sha256(key.encode()).hexdigest()) == kept
    assert kept.digest == api_keys.digest_of(key)
    (change,) = journal.read(client, journal.START)
    assert (position, journal.KEY, kept) == (
        change.position,
        change.kind,
        msgspec.json.decode(change.payload, type=ApiKey),
    )


def test_key_is_kept_nowhere(client: SyncRedis) -> None:
    """Neither in Redis nor in its files is the key, or more of it than its name shows."""
    created = [api_keys.create(client, kind) for kind in ("secret", "publishable")]  # type: ignore[arg-type]
    api_keys.revoke(client, created[0][1].name)
    held = _everything(client)
    for key, kept, _ in created:
        assert kept.digest.encode() in held
        assert key[:10].encode() not in held
        assert key[9:].encode() not in held


def test_listed(client: SyncRedis) -> None:
    """All keys are listed by name, and no two are alike."""
    created = [api_keys.create(client, "secret")[1] for _ in range(5)]
    assert sorted(created, key=lambda one: one.name) == api_keys.listed(client)
    assert len({one.digest for one in created}) == 5


def test_revoked(client: SyncRedis) -> None:
    """A revoked key stays listed as such, the others as they were, and the journal tells the replicas."""
    (_, first, _), (_, second, _) = api_keys.create(client, "secret"), api_keys.create(client, "secret")
    position = api_keys.revoke(client, first.name)
    assert {first.digest: True, second.digest: False} == {one.digest: one.revoked for one in api_keys.listed(client)}
    last = list(journal.read(client, journal.START))[-1]
    assert (position, ApiKey(first.name, "secret", first.digest, revoked=True)) == (
        last.position,
        msgspec.json.decode(last.payload, type=ApiKey),
    )


def test_unknown_key_is_not_revoked(client: SyncRedis) -> None:
    """A name that no key has is refused with where to look."""
    with pytest.raises(NotFoundError, match="there is no key named sk_nobody; `etappe keys list` shows them"):
        api_keys.revoke(client, "sk_nobody")
