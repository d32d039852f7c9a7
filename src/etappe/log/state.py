"""What commits say, and what they come to: which files of the log are live, and how far the streams were read."""

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

FORMAT: Final = 1


def table_and_day(path: str) -> tuple[str, str]:
    """What a file holds by its path, be it live, nobody's or in quarantine: `event/day=2026-01-01/...`."""
    table, day = Path(path).parts[:2]
    return table, day.removeprefix("day=")


class LogFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """One Parquet file; `path` is relative to the log's folder.

    `first` and `last` are the commits that its rows came in with; both 0 in the commit that brings them. Where they
    differ, the file's column `commit` says it of each row. `bytes` and `sha256` are 0 and empty of files that were
    written before they were noted.
    """

    table: str
    day: str
    path: str
    rows: int
    first: int = 0
    last: int = 0
    bytes: int = 0
    sha256: str = ""


class Replacement(msgspec.Struct, frozen=True):
    """Files of one day that lie behind one another (`old`, paths), and the file with their rows, if any are left."""

    table: str
    day: str
    old: tuple[str, ...]
    new: LogFile | None


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """One atomic change of the log. `streams` are the last stream ids that it (and all before it) holds.

    `counts` says of a stream how many entries Redis had ever added to it when that last one was added. `set_aside` are
    live files that are live no more, as they are damaged or gone; `healed` are paths of such whose rows `files` bring
    back, with the commits that the rows first came in with.
    """

    position: int
    source: str
    files: tuple[LogFile, ...] = ()
    streams: dict[str, str] = {}
    counts: dict[str, int] = {}
    replaced: tuple[Replacement, ...] = ()
    set_aside: tuple[LogFile, ...] = ()
    healed: tuple[str, ...] = ()


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What the commits up to `position` come to: `files` by table and day, in the order in which their rows arrived.

    `removed` are replaced files that may not be deleted yet. `checkpoint` is the position of the last checkpoint known.
    `missing` are damaged files that were set aside: their rows were committed and cannot be read. `relisted` is the
    generation in which commits were missing and all files were listed anew, which tells less than they did of streams.
    """

    format: int = FORMAT
    position: int = 0
    files: dict[str, dict[str, tuple[LogFile, ...]]] = {}
    streams: dict[str, str] = {}
    counts: dict[str, int] = {}
    removed: tuple[str, ...] = ()
    checkpoint: int = 0
    missing: tuple[LogFile, ...] = ()
    relisted: str | None = None

    def of(self, table: str) -> Iterator[LogFile]:
        """The live files of a table, by day."""
        days = self.files.get(table, {})
        return itertools.chain.from_iterable(days[day] for day in sorted(days))

    def all(self) -> Iterator[LogFile]:
        """All live files."""
        return itertools.chain.from_iterable(self.of(table) for table in self.files)

    def live(self) -> set[str]:
        """The paths of all live files."""
        return {file.path for file in self.all()}

    def after(self, commits: Iterable[Commit]) -> "State":
        """What this and the commits that follow it come to."""
        files, streams, counts = _Files(self.files), dict(self.streams), dict(self.counts)
        position, removed, missing = self.position, list(self.removed), list(self.missing)
        for commit in commits:
            position = commit.position
            streams |= commit.streams
            counts |= commit.counts
            files.take(commit)
            removed += (path for change in commit.replaced for path in change.old)
            missing = [file for file in missing if file.path not in commit.healed] + list(commit.set_aside)
        return msgspec.structs.replace(
            self,
            position=position,
            files=files.all(),
            streams=streams,
            counts=counts,
            removed=tuple(removed),
            missing=tuple(missing),
        )


class _Files:
    """The live files while commits are gone through."""

    def __init__(self, files: dict[str, dict[str, tuple[LogFile, ...]]]) -> None:
        self._before = files
        self._changed: dict[tuple[str, str], list[LogFile]] = {}

    def take(self, commit: Commit) -> None:
        for file in commit.files:
            self._bring(file, commit.position)
        for file in commit.set_aside:
            self._of(file.table, file.day).remove(file)
        for change in commit.replaced:
            there, old = self._of(change.table, change.day), set(change.old)
            at = next(place for place, file in enumerate(there) if file.path in old)
            new = [] if change.new is None else [change.new]
            there[at : at + len(old)] = new

    def _bring(self, file: LogFile, position: int) -> None:
        there = self._of(file.table, file.day)
        if not file.first:
            there.append(msgspec.structs.replace(file, first=position, last=position))
            return
        behind = (place for place, other in enumerate(there) if other.first > file.first)
        there.insert(next(behind, len(there)), file)

    def all(self) -> dict[str, dict[str, tuple[LogFile, ...]]]:
        whole = {table: dict(days) for table, days in self._before.items()}
        for (table, day), files in self._changed.items():
            whole.setdefault(table, {}).pop(day, None)
            if files:
                whole[table][day] = tuple(files)
        return whole

    def _of(self, table: str, day: str) -> list[LogFile]:
        if (table, day) not in self._changed:
            self._changed[table, day] = list(self._before.get(table, {}).get(day, ()))
        return self._changed[table, day]
