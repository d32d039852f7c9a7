"""Reading a backup: every member is checked against the manifest before anything of it counts."""

import hashlib
import os
import tarfile
from pathlib import Path, PurePosixPath
from typing import IO, Final

import msgspec

from etappe.arrays import sync_folder
from etappe.errors import DataError, InputError
from etappe.progress import Progress, silent
from etappe.store.place.folder_swap import RESTORED
from etappe.units import MIB
from etappe.worker.backup.backing_up import FORMAT, MANIFEST, Manifest, Member, private

_CHUNK: Final = 4 * MIB
_MANIFEST: Final = msgspec.json.Decoder(Manifest)
_REMEDY: Final = "use another backup"


def unpack(file: Path, folder: Path, progress: Progress = silent) -> Manifest:
    """Unpacks a backup into the empty `folder`, verified and synced.

    Raises:
        InputError: there is no such file, or it is no backup.
        DataError: it is damaged, or of a format that this version does not know.
    """
    try:
        with file.open("rb") as source, tarfile.open(fileobj=source, mode="r:") as tar:
            found, manifest = _members(tar, folder, progress)
    except tarfile.TarError as error:
        raise InputError(f"{file} is no backup, or cut off ({error}); {_REMEDY}") from error
    except OSError as error:
        if error.filename == str(file):
            raise InputError(f"{file} cannot be read: {error.strerror}") from error
        raise
    if manifest is None:
        raise DataError(f"{file} is no backup, or cut off: its manifest is missing; {_REMEDY}")
    _check(file, found, manifest)
    for path in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
        sync_folder(path)
    return manifest


def _members(tar: tarfile.TarFile, folder: Path, progress: Progress) -> tuple[dict[str, Member], Manifest | None]:
    found: dict[str, Member] = {}
    for info in tar:
        source = tar.extractfile(info) if info.isreg() else None
        if source is None or not _is_ours(info.name):
            raise InputError(f"what was given is no backup: it holds {info.name!r}; {_REMEDY}")
        if info.name == MANIFEST:
            return found, manifest_of(source.read())
        found[info.name] = _extract(source, folder / info.name)
        progress("reading the backup", len(found))
    return found, None


def _is_ours(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return name == MANIFEST or (bool(parts) and parts[0] in RESTORED and ".." not in parts)


def manifest_of(text: bytes) -> Manifest:
    """The manifest in the last member of a backup; DataError where it is damaged or of another format."""
    try:
        format_ = msgspec.json.decode(text, type=dict).get("format")
        if format_ != FORMAT:
            raise DataError(
                f"the backup has format {format_}, this version reads {FORMAT}; use the version that wrote it"
            )
        return _MANIFEST.decode(text)
    except msgspec.MsgspecError as error:
        raise DataError(f"the manifest of the backup is damaged: {error}; {_REMEDY}") from error


def _extract(source: IO[bytes], path: Path) -> Member:
    path.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with private(path) as out:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            size += out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    return Member(size, digest.hexdigest())


def _check(file: Path, found: dict[str, Member], manifest: Manifest) -> None:
    for name in sorted({*found, *manifest.members}):
        if found.get(name) != manifest.members.get(name):
            raise DataError(f"{file} is damaged: {name} is not what its manifest says; {_REMEDY}")
