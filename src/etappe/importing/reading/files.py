"""The files that somebody named: one, several, patterns, and archives of several."""

import glob
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from etappe.errors import InputError
from etappe.importing.reading import failures, sources, unpacked, workbook
from etappe.importing.reading.source import Source

_PATTERN: Final = "*?["
_BESIDE: Final = ("__MACOSX/", ".")
"""What archives hold besides their files."""


def named(paths: Iterable[Path], encoding: str | None = None) -> list[Source]:
    """The files that `paths` name, each once, in their order; of a pattern, and of an archive, by name.

    Raises:
        InputError: one is not there or is empty, a pattern matches nothing, or an archive holds no file.
    """
    found: dict[Path, None] = {}
    for path in paths:
        for one in _matching(path):
            found |= dict.fromkeys(_members(one))
    if not found:
        raise InputError("no file is named; name one or more, as in etappe import orders.csv")
    for path in found:
        failures.check_readable(path)
    return [Source(path, encoding) for path in found]


def title(paths: Sequence[Path]) -> str:
    """A name for what is made of them together."""
    first = sources.stem(paths[0])
    return first if len(paths) == 1 else f"{first}-and-{len(paths) - 1}-more"


def remarks(files: Sequence[Source]) -> list[str]:
    """What is to be said of the files, with the name of the one where there are several."""
    if len(files) == 1:
        return files[0].remarks
    return [f"{file}: {remark}" for file in files for remark in file.remarks]


def _matching(path: Path) -> list[Path]:
    if path.exists() or unpacked.archive_of(path) or not any(sign in str(path) for sign in _PATTERN):
        return [path]
    matches = sorted(Path(match) for match in glob.glob(str(path), recursive=True))  # noqa: PTH207 - may be absolute
    files = [match for match in matches if match.is_file()]
    if not files:
        raise InputError(f"no file matches {path}")
    return files


def _members(path: Path) -> list[Path]:
    """The files in an archive, or the file itself."""
    failures.check_readable(path)
    if unpacked.archive_of(path) or not path.is_file():
        return [path]
    head = unpacked.head(path)
    if not head.startswith(unpacked.ZIP) or workbook.is_one(path, head):
        return [path]
    with unpacked.archived(path) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    names = sorted(entry.filename for entry in entries if not _is_beside(entry))
    if not names:
        raise InputError(f"{path} is an archive without files")
    return [_inside(path, name) for name in names]


def _inside(archive: Path, name: str) -> Path:
    """A file of an archive, whose names may be anything; never one beside it."""
    path = archive / name
    if not path.is_relative_to(archive) or ".." in path.parts[len(archive.parts) :]:
        raise InputError(f"{archive} names {name!r}, which would lie outside of it; pack it anew")
    return path


def _is_beside(entry: zipfile.ZipInfo) -> bool:
    name = entry.filename
    return name.startswith(_BESIDE[0]) or Path(name).name.startswith(_BESIDE[1])
