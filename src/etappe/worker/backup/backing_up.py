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
from etappe.errors import DamagedFileError, DataError
from etappe.log import Log, LogFile, damage, frozen
from etappe.log.damage import Damage
from etappe.models.snapshot import KIND, Snapshot
from etappe.progress import Progress, silent
from etappe.settings import FILE_NAME
from etappe.store.config import artifacts, snapshots
from etappe.store.server.connection import SECRET_FILE, SyncRedis
from etappe.worker.archiving.archive import archive

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
_MODE: Final = 0o600


class Member(msgspec.Struct, frozen=True):
    """What the manifest says of a member."""

    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The last member of a backup. `position` is the last commit of the log in it.

    `damaged` says of each member, or of what should be one, that was damaged before it was backed up, how.
    """

    format: int
    version: str
    created: datetime
    position: int
    members: dict[str, Member]
    damaged: dict[str, str] = {}


def back_up(
    client: SyncRedis, log: Log, data: Path, file: Path, progress: Progress = silent, *, damaged: bool = False
) -> Manifest:
    """Writes a backup of everything that was accepted so far; servers and workers may go on.

    What is `damaged` is backed up as it is and marked, where that is said.

    Raises:
        DamagedFileError: a file of the log is damaged.
        DataError: a published snapshot is.
        OSError: the file cannot be written. What was there before stays.
    """
    progress("archiving what waits", 0)
    archive(client, log)
    partial = file.with_name(f".{file.name}.partial-{os.getpid()}")
    try:
        with frozen.frozen(log) as (folder, state):
            found = _Damages(folder, {file.path: file for file in state.all()}, refuse=not damaged)
            found.note_missing()
            members = [(f"log/{name}", path) for name, path in _files(folder)]
            members += [*_small(data), *_snapshots(client, data, folder.parent / "snapshots", state.position, found)]
            with private(partial) as out:
                manifest = _write(out, members, state.position, found, progress)
                out.flush()
                os.fsync(out.fileno())
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
    arrays.sync_folder(file.absolute().parent)
    return manifest


class _Damages:
    """What is damaged of what is backed up: refused, or noted."""

    def __init__(self, folder: Path, files: dict[str, LogFile], *, refuse: bool) -> None:
        self._folder = folder
        self._files = files
        self._refuse = refuse
        self.noted: dict[str, str] = {}

    def note_missing(self) -> None:
        """Those that are not there at all, or not with their size."""
        for one in damage.at_sight(self._folder, self._files.values()):
            self._note_file(one)

    def note_unlike(self, name: str, copied: Member) -> None:
        """A member of the log that is not what its commit says; read whole where that says no checksum."""
        file = self._files.get(name.removeprefix("log/"))
        if file is None or name in self.noted or (file.sha256 and file.sha256 == copied.sha256):
            return
        for one in damage.deep(self._folder, [file]):
            self._note_file(one)

    def note(self, name: str, reason: str) -> None:
        """Anything else."""
        if self._refuse:
            raise DataError(f"{reason}; leave it out and mark it with `etappe backup --damaged`")
        self.noted[name] = reason

    def _note_file(self, found: Damage) -> None:
        if self._refuse:
            path = found.file.path
            raise DamagedFileError(f"{found}; {damage.REMEDY.format(path)}, or mark it with `etappe backup --damaged`")
        self.noted[f"log/{found.file.path}"] = found.reason


def private(path: Path) -> IO[bytes]:
    """A new file that its owner alone may read: it holds the secret, or what people did."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "wb")


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(folder)), path


def _small(data: Path) -> list[tuple[str, Path]]:
    return [(name, data / name) for name in (SECRET_FILE, FILE_NAME) if (data / name).exists()]


def _snapshots(client: SyncRedis, data: Path, copy: Path, position: int, damages: _Damages) -> list[tuple[str, Path]]:
    """The published snapshots, verified, linked to `copy`, as old ones may be removed at any time.

    Those that have learned from what came into the log behind `position` are left out.
    """
    found: list[tuple[str, Path]] = []
    for version in artifacts.versions(client, KIND):
        home = data / snapshots.FOLDER
        try:
            snapshot = artifacts.opened(client, KIND, version, home, Snapshot.open)
            linked = [(name, copy / version / name) for name, _ in _files(home / version)]
            for name, path in linked:
                frozen.link(home / version / name, path)
        except (DataError, FileNotFoundError) as error:
            if version in artifacts.versions(client, KIND):  # else it has given way to newer ones
                reason = f"snapshot {version} cannot be had whole ({error})"
                damages.note(f"{snapshots.FOLDER}/{version}", reason)
            continue
        if snapshot.manifest.log_position <= position:
            found += [(f"{snapshots.FOLDER}/{version}/{name}", path) for name, path in linked]
    return found


def _write(
    out: IO[bytes], members: list[tuple[str, Path]], position: int, damages: _Damages, progress: Progress
) -> Manifest:
    listed: dict[str, Member] = {}
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for done, (name, path) in enumerate(members, start=1):
            with path.open("rb") as source:
                hashing = _Hashing(source)
                size = os.fstat(source.fileno()).st_size
                tar.addfile(_info(name, size), hashing)
            listed[name] = Member(size, hashing.digest())
            damages.note_unlike(name, listed[name])
            progress("writing the backup", done, len(members))
        now = datetime.now(UTC)
        manifest = Manifest(
            format=FORMAT,
            version=etappe.__version__,
            created=now,
            position=position,
            members=listed,
            damaged=damages.noted,
        )
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
