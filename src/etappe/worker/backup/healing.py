"""Damaged files of the log, brought back from a backup that has them whole."""

import hashlib
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import msgspec

from etappe.errors import InputError
from etappe.log import Log, mending
from etappe.log.state import LogFile
from etappe.progress import Progress, silent
from etappe.units import MIB
from etappe.worker.backup.backing_up import MANIFEST, Manifest
from etappe.worker.backup.unpacking import manifest_of

_CHUNK: Final = 4 * MIB


class Healing(msgspec.Struct, frozen=True):
    """The files that are whole again, and those that the backup does not have whole."""

    healed: list[LogFile]
    left: list[LogFile]


def heal(log: Log, backup: Path, progress: Progress = silent) -> Healing:
    """Puts every file that is damaged, missing or set aside back from `backup`, where it has the very same one.

    Raises:
        InputError: the backup cannot be read, or is none.
    """
    progress("reading the log for damage", 0)
    wanted = mending.to_heal(log)
    if not wanted:
        return Healing([], [])
    with log.transaction(mending.HEALED) as place, _opened(backup) as (tar, manifest):
        copies = dict(_copies(tar, manifest, wanted, place.folder, progress))
        healed = mending.heal(log, copies)
    whole = {file.path for file in healed}
    return Healing(healed, [file for file in wanted if file.path not in whole])


@contextmanager
def _opened(backup: Path) -> Iterator[tuple[tarfile.TarFile, Manifest]]:
    try:
        tar = tarfile.open(backup, mode="r:")  # noqa: SIM115 - closed by the block below
    except (tarfile.TarError, OSError) as error:
        raise InputError(f"{backup} is no backup, or cannot be read ({error}); use another backup") from error
    with tar:
        yield tar, _manifest(tar, backup)


def _manifest(tar: tarfile.TarFile, backup: Path) -> Manifest:
    try:
        listed = tar.extractfile(MANIFEST)
    except (tarfile.TarError, KeyError) as error:
        raise InputError(f"{backup} is no backup, or cut off ({error}); use another backup") from error
    return manifest_of(listed.read() if listed is not None else b"")


def _copies(
    tar: tarfile.TarFile, manifest: Manifest, wanted: Iterable[LogFile], folder: Path, progress: Progress
) -> Iterator[tuple[str, Path]]:
    """By path in the log, the files that the backup has whole; a file is known by its checksum, else by its path."""
    by_digest = {member.sha256: name for name, member in manifest.members.items() if name not in manifest.damaged}
    for number, file in enumerate(wanted):
        name = by_digest.get(file.sha256) if file.sha256 else f"log/{file.path}"
        if name is None or name not in manifest.members or name in manifest.damaged:
            continue
        progress("reading the backup", number)
        source, copy = tar.extractfile(name), folder / f"copy-{number}.parquet"
        if source is not None and _copied(source, copy) == manifest.members[name].sha256:
            yield file.path, copy


def _copied(source: IO[bytes], copy: Path) -> str:
    digest = hashlib.sha256()
    with copy.open("wb") as out:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            out.write(chunk)
    return digest.hexdigest()
