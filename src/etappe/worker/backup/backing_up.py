"""Backups: one tar file of the log at one position, the secret, the settings and the snapshots; it vouches for itself.

The last member is a manifest with the size and SHA-256 of every other. The file appears whole or not at all.
"""

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

import msgspec

import etappe
from etappe import arrays
from etappe.errors import DataError
from etappe.models.snapshot import KIND
from etappe.progress import Progress, silent
from etappe.settings import FILE_NAME
from etappe.store import artifacts, snapshots
from etappe.store.connection import SECRET_FILE, SyncRedis
from etappe.store.log import Log, frozen
from etappe.worker.archiving.archive import archive

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
_MODE: Final = 0o600


class Member(msgspec.Struct, frozen=True):
    """What the manifest says of a member."""

    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The last member of a backup. `position` is the last commit of the log in it."""

    format: int
    version: str
    created: datetime
    position: int
    members: dict[str, Member]


def back_up(client: SyncRedis, log: Log, data: Path, file: Path, progress: Progress = silent) -> Manifest:
    """Writes a backup of everything that was accepted so far; servers and workers may go on.

    Raises:
        OSError: the file cannot be written. What was there before stays.
    """
    progress("archiving what waits", 0)
    archive(client, log)
    partial = file.with_name(f".{file.name}.partial-{os.getpid()}")
    try:
        with frozen.frozen(log) as (folder, state):
            members = [(f"log/{name}", path) for name, path in _files(folder)]
            members += [*_small(data), *_snapshots(client, data, folder.parent / "snapshots")]
            with private(partial) as out:
                manifest = _write(out, members, state.position, progress)
                out.flush()
                os.fsync(out.fileno())
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
    arrays.sync_folder(file.absolute().parent)
    return manifest


def private(path: Path) -> IO[bytes]:
    """A new file that its owner alone may read: it holds the secret, or what people did."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "wb")


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(folder)), path


def _small(data: Path) -> list[tuple[str, Path]]:
    return [(name, data / name) for name in (SECRET_FILE, FILE_NAME) if (data / name).exists()]


def _snapshots(client: SyncRedis, data: Path, copy: Path) -> list[tuple[str, Path]]:
    """The published snapshots that can be had whole, linked to `copy`, as old ones may be removed at any time."""
    found: list[tuple[str, Path]] = []
    for version in artifacts.versions(client, KIND):
        home = data / snapshots.FOLDER
        try:
            for name, path in list(_files(artifacts.fetch(client, KIND, version, home))):
                frozen.link(path, copy / version / name)
                found.append((f"{snapshots.FOLDER}/{version}/{name}", copy / version / name))
        except (DataError, FileNotFoundError):
            found = [(name, path) for name, path in found if not name.startswith(f"{snapshots.FOLDER}/{version}/")]
    return found


def _write(out: IO[bytes], members: list[tuple[str, Path]], position: int, progress: Progress) -> Manifest:
    listed: dict[str, Member] = {}
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for done, (name, path) in enumerate(members, start=1):
            with path.open("rb") as source:
                hashing = _Hashing(source)
                size = os.fstat(source.fileno()).st_size
                tar.addfile(_info(name, size), hashing)
            listed[name] = Member(size, hashing.digest())
            progress("writing the backup", done, len(members))
        now = datetime.now(UTC)
        manifest = Manifest(format=FORMAT, version=etappe.__version__, created=now, position=position, members=listed)
        text = msgspec.json.format(msgspec.json.encode(manifest))
        tar.addfile(_info(MANIFEST, len(text)), io.BytesIO(text))
    return manifest


def _info(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, _MODE
    return info


class _Hashing(io.RawIOBase):
    """A file that is hashed as it is read."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self._hash.update(data)
        return data

    def digest(self) -> str:
        return self._hash.hexdigest()
