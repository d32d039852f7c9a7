"""Array folders published through Redis, so that a replica needs nothing but Redis to serve.

Files go up in chunks, the manifest last; the pointer moves when all is there. What comes down is verified file by file
before it is used, so a damaged or half-published artifact is refused.
"""

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import redis

from etappe import arrays
from etappe.arrays import MANIFEST, Manifest
from etappe.errors import DataError, NotFoundError
from etappe.store import keys
from etappe.store.server.connection import SyncRedis
from etappe.units import MIB

Opened = TypeVar("Opened")

CHUNK_BYTES: Final = 4 * MIB
KEPT: Final = 3
"""Versions of a kind that Redis keeps: the served one and those to roll back to."""


def publish(client: SyncRedis, kind: str, folder: Path) -> str:
    """Uploads the artifact in `folder` and makes it the current one; returns its version."""
    manifest = Manifest.read(folder)
    if manifest.kind != kind:
        raise DataError(f"{folder} holds a {manifest.kind}, not a {kind}")
    try:
        for name in (*(f"{array}.npy" for array in manifest.arrays), MANIFEST):
            _upload(client, kind, manifest.version, name, folder / name)
    except redis.ResponseError:  # a full Redis takes some chunks and refuses the next: nobody would ever drop them
        _drop(client, kind, manifest.version)
        raise
    pipe = client.pipeline()
    pipe.lrem(keys.artifact(kind), 0, manifest.version)
    pipe.lpush(keys.artifact(kind), manifest.version)
    pipe.set(keys.artifact_current(kind), manifest.version)
    pipe.execute()
    _drop_old(client, kind)
    return manifest.version


def current(client: SyncRedis, kind: str) -> str | None:
    """The version that is served, if any."""
    return _text(client.get(keys.artifact_current(kind)))


def versions(client: SyncRedis, kind: str) -> list[str]:
    """The published versions, newest first."""
    found: Any = client.lrange(keys.artifact(kind), 0, -1)
    return [version.decode() for version in found]


def select(client: SyncRedis, kind: str, version: str) -> None:
    """Makes a published version the current one.

    Raises:
        NotFoundError: it is not among the published; names those that are.
    """
    known = versions(client, kind)
    if version not in known:
        raise NotFoundError(f"{kind} {version} is not published; there are: {', '.join(known) or 'none'}")
    client.set(keys.artifact_current(kind), version)


def before_current(client: SyncRedis, kind: str) -> str:
    """The version published before the current one.

    Raises:
        NotFoundError: there is none to go back to.
    """
    known = versions(client, kind)
    served = current(client, kind)
    older = known[known.index(served) + 1 :] if served in known else []
    if not older:
        raise NotFoundError(f"there is no {kind} before {served or 'the first'} to go back to")
    return older[0]


def fetch(client: SyncRedis, kind: str, version: str, home: Path) -> Path:
    """The folder of an artifact below `home`, downloaded unless it is there already.

    Raises:
        DataError: what Redis holds is incomplete or damaged.
    """
    folder = home / version
    if (folder / MANIFEST).exists():
        return folder
    home.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{version}.partial-", dir=home))
    try:
        _download(client, kind, version, partial)
        arrays.sync_folder(partial)
        _move_in(partial, folder)
        arrays.sync_folder(home)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def opened(client: SyncRedis, kind: str, version: str, home: Path, open_folder: Callable[[Path], Opened]) -> Opened:
    """What `open_folder` makes of an artifact's folder. A damaged local copy is set aside and fetched anew.

    Raises:
        DataError: what is published is damaged too, or of a format this version does not know.
    """
    folder = fetch(client, kind, version, home)
    try:
        return open_folder(folder)
    except DataError:
        _remove_whole(folder)
        return open_folder(fetch(client, kind, version, home))


def _remove_whole(folder: Path) -> None:
    """Removes a folder that others may be about to fetch or to remove as well: first from sight, by one rename."""
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.damaged-", dir=folder.parent))
    with contextlib.suppress(FileNotFoundError):
        folder.rename(aside / folder.name)
    shutil.rmtree(aside, ignore_errors=True)


def remove_old_folders(home: Path, served: list[str]) -> None:
    """Removes the folders of versions that are neither served nor to be rolled back to."""
    for folder in home.glob("[0-9]*"):
        if folder.is_dir() and folder.name not in served:
            shutil.rmtree(folder, ignore_errors=True)


def _upload(client: SyncRedis, kind: str, version: str, name: str, path: Path) -> None:
    with path.open("rb") as file:
        number = 0
        while (chunk := file.read(CHUNK_BYTES)) or number == 0:
            client.set(keys.artifact_chunk(kind, version, name, number), chunk)
            number += 1


def manifest(client: SyncRedis, kind: str, version: str) -> Manifest:
    """What Redis has of an artifact's manifest.

    Raises:
        DataError: it is incomplete or damaged.
    """
    return _manifest(kind, version, _whole(client, kind, version, MANIFEST, None))


def _manifest(kind: str, version: str, text: bytes) -> Manifest:
    try:
        return msgspec.json.decode(text, type=Manifest)
    except msgspec.MsgspecError as error:
        raise DataError(f"{kind} {version} in Redis has no readable manifest: {error}; publish it anew") from error


def _download(client: SyncRedis, kind: str, version: str, folder: Path) -> None:
    listed = _whole(client, kind, version, MANIFEST, None)
    for array, info in _manifest(kind, version, listed).arrays.items():
        data = _whole(client, kind, version, f"{array}.npy", info.bytes)
        if hashlib.sha256(data).hexdigest() != info.sha256:
            raise DataError(f"{kind} {version} in Redis is damaged ({array}); publish it anew")
        arrays.write_synced(folder / f"{array}.npy", data)
    arrays.write_synced(folder / MANIFEST, listed)


def _move_in(partial: Path, folder: Path) -> None:
    try:
        partial.rename(folder)
    except OSError:
        if not (folder / MANIFEST).exists():  # another process was not faster, so something is wrong
            raise


def _whole(client: SyncRedis, kind: str, version: str, name: str, size: int | None) -> bytes:
    chunks: list[bytes] = []
    while chunk := client.get(keys.artifact_chunk(kind, version, name, len(chunks))):
        chunks.append(chunk)  # type: ignore[arg-type]
    data = b"".join(chunks)
    if not data or (size is not None and len(data) != size):
        raise DataError(f"{kind} {version} in Redis is incomplete ({name}); publish it anew")
    return data


def _drop_old(client: SyncRedis, kind: str) -> None:
    """Drops versions beyond those kept, never the served one."""
    served = current(client, kind)
    for version in versions(client, kind)[KEPT:]:
        if version != served:
            _drop(client, kind, version)
            client.lrem(keys.artifact(kind), 0, version)


def _drop(client: SyncRedis, kind: str, version: str) -> None:
    for key in client.scan_iter(match=keys.artifact_chunk(kind, version, "*", 0)[: -len(":00000")] + "*", count=1000):
        client.delete(key)


def _text(value: Any) -> str | None:
    return value.decode() if value else None
