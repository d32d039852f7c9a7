"""Listing anew what lies in the log, where commits are missing: no file is needed but those with the rows.

Each file's name tells the commit that it came in with, or its column `commit` does. Of files that were merged or
rewritten the originals may still lie there: whose rows are for the most part in a later file goes into quarantine. What
the commits that are left say of streams holds; the rest of them is replaced by one checkpoint.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
import polars as pl

from etappe.arrays import sha256_of
from etappe.errors import DataError
from etappe.log import commits, damage, findings, orphans, quarantine, scanning, schema, staging
from etappe.log.log import Log
from etappe.log.state import LogFile, State, table_and_day

UNREADABLE: Final = "no commit names it, and it cannot be read"
_SHARE: Final = 0.5
"""A file is taken for an original of later ones where they have more than this of its rows."""


class Relisted(msgspec.Struct, frozen=True):
    """What the log holds now, and how many files went into quarantine."""

    position: int
    files: int
    rows: int
    quarantined: int


def relist(log: Log, behind: int = 0, generation: str = "") -> Relisted:
    """Makes a checkpoint of all files that lie in the log; it is behind `behind` and every commit there has been.

    Where commits were missing it says in which `generation` that was: Redis was told of more than is known of streams.
    """
    folder = log.folder
    folder.mkdir(parents=True, exist_ok=True)
    with log.mending(), log.still():
        for part in (commits.FOLDER, commits.STAGING):
            (folder / part).mkdir(exist_ok=True)
        known = _known(folder)
        lost = any(any(check(findings.gathered(folder, known))) for check in findings.OF_FILES)
        paths = [path for path in orphans.rows_in(folder) if path not in known.removed]
        listed, refused = _sorted_out(folder, known, paths)
        for path, why in refused.items():
            quarantine.take_in(folder, path, why)
        numbers = [orphans.number_of(path) for path in paths]
        last = max((behind, known.position, *numbers, *(int(path.stem) for path in commits.kept(folder))))
        files = _by_day(listed)
        state = msgspec.structs.replace(known, position=last + 1, files=files, checkpoint=last + 1)
        if lost:
            state = msgspec.structs.replace(state, relisted=generation)
        commits.write_checkpoint(folder, state)
        staging.remove_dead(folder)
    return Relisted(last + 1, len(listed), sum(file.rows for file in listed), len(refused))


def _known(folder: Path) -> State:
    """What can still be read of the commits: files in their grace, streams, what is missing and what was live."""
    try:
        state = commits.current(folder, State())
    except DataError:
        state = State()
    for path in commits.kept(folder):
        try:
            commit = commits.read(path)
        except DataError:
            continue
        if commit.position > state.position:
            streams, counts = state.streams | commit.streams, state.counts | commit.counts
            state = msgspec.structs.replace(state, streams=streams, counts=counts)
    return state


def _sorted_out(folder: Path, known: State, paths: Iterable[str]) -> tuple[list[LogFile], dict[str, str]]:
    """The files to list, and why each of the others is not."""
    live = {file.path: file for file in known.all()}
    killed = {staging.token_of(dead) for dead in staging.dead(folder)}
    listed: list[LogFile] = []
    refused: dict[str, str] = {}
    for path in sorted({*paths, *live}, key=orphans.number_of, reverse=True):  # the later one of two first
        file = live.get(path) or _described(folder, path)
        if file is None:
            refused[path] = UNREADABLE
        elif path not in live and orphans.token_in(path) in killed:
            refused[path] = quarantine.UNCOMMITTED
        elif _is_superseded(folder, file, listed):
            refused[path] = quarantine.SUPERSEDED
        else:
            listed.append(file)
    return listed, refused


def _described(folder: Path, path: str) -> LogFile | None:
    """A file as its commit would have told of it; None where it cannot be read."""
    number = orphans.number_of(path)
    table, day = table_and_day(path)
    named = LogFile(table, day, path, 0, number, number)
    try:
        rows = _rows(folder, named)
    except damage.UNREADABLE:
        return None
    span = rows[scanning.COMMIT]
    first, last = (span.min(), span.max()) if rows.height else (number, number)
    size, sha256 = (folder / path).stat().st_size, sha256_of(folder / path)
    return LogFile(table, day, path, rows.height, int(first), int(last), size, sha256)  # type: ignore[arg-type]


def _is_superseded(folder: Path, file: LogFile, listed: list[LogFile]) -> bool:
    """Whether later files have most of its rows, as those have that others were merged or rewritten into."""
    later = [
        other
        for other in listed
        if (other.table, other.day) == (file.table, file.day)
        and orphans.number_of(other.path) > file.last
        and other.first <= file.last
        and other.last >= file.first
    ]
    if not later:
        return False
    columns = [*schema.TABLES[file.table].names(), scanning.COMMIT]
    try:
        mine, theirs = _rows(folder, file), pl.concat(_rows(folder, other) for other in later)
    except damage.UNREADABLE:  # a damaged one tells nothing: what it was made of counts
        return False
    return mine.join(theirs, on=columns, how="semi", nulls_equal=True).height > _SHARE * mine.height


def _rows(folder: Path, file: LogFile) -> pl.DataFrame:
    return scanning.scan(folder, file.table, [file], strict=True).collect()


def _by_day(listed: Iterable[LogFile]) -> dict[str, dict[str, tuple[LogFile, ...]]]:
    files: dict[str, dict[str, tuple[LogFile, ...]]] = {}
    for file in sorted(listed, key=lambda file: (file.first, file.last, file.path)):
        days = files.setdefault(file.table, {})
        days[file.day] = (*days.get(file.day, ()), file)
    return files
