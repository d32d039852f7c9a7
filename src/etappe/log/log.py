"""The durable log: Parquet files by day, made visible by numbered commits.

    log/event/day=2011-12-09/00000042-3f9c.parquet     rows
    log/commits/00000042.json                          which files came in with commit 42, and how far streams were read
    log/commits/checkpoint.json                        what all commits up to some number come to

A commit appears by one rename, so a batch of many files is in the log whole or not at all, and "the log up to position
42" means the same for ever, also after files were merged. Since the stream positions are part of the commit, archiving
a stream is exactly once. Only `rewrite` changes what the log has said.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

import msgspec
import polars as pl

from etappe.errors import DataError
from etappe.log import (
    commits,
    compaction,
    damage,
    entering,
    findings,
    quarantine,
    repeats,
    scanning,
    schema,
    staging,
)
from etappe.log.compaction import LIMITS, Keep, Limits
from etappe.log.damage import Damage
from etappe.log.findings import Evidence
from etappe.log.rows import as_rows
from etappe.log.staging import Transaction
from etappe.log.state import Commit, LogFile, State

__all__ = ["Commit", "Log", "LogFile", "Transaction", "as_rows"]

_PASSES: Final = 3


class Log:
    """The log in `folder`. Any number of processes may read and write it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known = State()
        self._damaged: dict[str, object] = {}

    def prepare(self) -> None:
        """Makes the folders, and puts into quarantine what a crash left behind uncommitted: for who is going to write.

        Raises:
            DataError: commits are missing. Nothing is made or moved then.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._locked():
            self._clear()
            self._checkpoint_after(LIMITS.commits)

    def state(self) -> State:
        """Live files and stream positions as of now, from what was known before and the commits since."""
        self._known = commits.current(self.folder, self._known)  # a new one, as other threads may be reading the old
        return self._known

    def forget(self) -> None:
        """Reads all anew next time: another log may have been put in the place of the one that was read."""
        self._known = State()

    def commits(self) -> list[Commit]:
        """The commits that no checkpoint has taken the place of, in order."""
        return [commits.read(path) for path in commits.kept(self.folder)]

    def position(self) -> int:
        """Number of the last commit; 0 for an empty log. It grows with every commit, one that merges files included."""
        return self.state().position

    def streams(self) -> dict[str, str]:
        """For each stream, the id of its last entry in the log."""
        return dict(self.state().streams)

    def days(self, table: str) -> list[str]:
        """The days (YYYY-MM-DD) on which `table` has rows."""
        return sorted(self.state().files.get(table, {}))

    def scan(self, table: str, *, position: int | None = None, day: str | None = None) -> pl.LazyFrame:
        """The rows of `table` as committed, up to `position`, or of one `day` only. Events may repeat: see `events`.

        They are in the order of commits, those of one commit by day. Files that were merged are deleted some time later
        (`Limits`), rewritten ones at once: collect soon.
        """
        files = self._files(table, position, day)
        rows = scanning.scan(self.folder, table, files, position)
        return scanning.in_order(rows, files).select(schema.TABLES[table].names())

    def readable(self, table: str, day: str) -> pl.LazyFrame:
        """The rows of one `day` in all files but damaged ones, for who must go on without these. Every byte is read."""
        files = self._files(table, None, day)
        damaged = {one.file.path for one in damage.deep(self.folder, files)}
        whole = [file for file in files if file.path not in damaged]
        return scanning.scan(self.folder, table, whole).select(schema.TABLES[table].names())

    def events(self, position: int | None = None, subjects: pl.Series | None = None) -> pl.LazyFrame:
        """The event table with every event once (`repeats`): the first one committed counts.

        `subjects` (Binary, distinct) leaves all others out before anything is compared.
        """
        files = self._files("event", position)
        rows = scanning.scan(self.folder, "event", files, position)
        if subjects is not None:
            rows = rows.join(subjects.to_frame("subject").lazy(), on="subject", how="semi", maintain_order="left")
        found = scanning.in_order(rows, files).select(schema.EVENT.names())
        return repeats.once(found)

    def rows(self, table: str) -> int:
        """How many rows of `table` are committed, repeats included."""
        return sum(file.rows for file in self.state().of(table))

    @contextmanager
    def transaction(self, source: str) -> Iterator[Transaction]:
        """Rows added inside the block become visible together when it ends, or not at all when it raises.

        Raises:
            EtappeError: the rows could not be written, or what was read for them is damaged.
            OSError: the disk is full or does not work.
        """
        with self._naming_damage("writing"), staging.opened(self.folder, self.folder / ".lock") as into:
            yield into
            if into.anything:
                self._commit(source, into)

    def compact(self, limits: Limits = LIMITS) -> int:
        """Merges small files, deletes what was merged long ago, makes a checkpoint: each where it is due.

        Returns how many files were merged into others. The log says what it said before, at every position.

        Raises:
            DamagedFileError: a file cannot be merged. It is passed over from now on, and all else is done.
        """
        with self._locked(".rewriting", wait=False) as ours:
            if not ours:
                return 0
            runs, damaged = self._merge(limits)
        with self._locked():
            compaction.delete(self.folder, self.state(), limits.grace_seconds)
            self._checkpoint_after(limits.commits)
        damage.refuse(damaged)
        return sum(len(run) for run in runs)

    def rewrite(self, keep: Keep) -> int:
        """Asks `keep` of every file which rows stay and what they say, and puts that in its place, all in one commit.

        What was replaced is deleted before this returns, with all that was out of date already. Files in quarantine are
        rewritten, too. Rows that are committed meanwhile may not have been asked of. Returns how many were changed.

        Raises:
            DamagedFileError: a file cannot be read, so its rows may still be what they were. All else is done.
        """
        damaged: list[Damage] = []
        with self._locked(".rewriting"):
            done = set[str]()
            with self.transaction("rewriting") as into:
                for _ in range(_PASSES):
                    files = [file for file in self.state().all() if file.path not in done]
                    damaged += compaction.rewrite(self.folder, files, keep, into)
                    done |= {file.path for file in files}
                changed = len(into.replaced)
            with self._locked():
                self._clear()
                compaction.delete(self.folder, self.state(), 0)
                changed += quarantine.rewrite(self.folder, keep)
        damage.refuse(damaged)
        return changed

    @contextmanager
    def mending(self) -> Iterator[None]:
        """Holds off others that merge, rewrite or mend files."""
        with self._locked(".rewriting"):
            yield

    @contextmanager
    def still(self) -> Iterator[None]:
        """Holds off commits, so that no file comes or goes."""
        with self._locked():
            yield

    @contextmanager
    def archiving(self) -> Iterator[None]:
        """Holds other archivers off, so that what is read from the streams meanwhile is committed once."""
        with self._locked(".archiving"):
            yield

    @contextmanager
    def compiling(self) -> Iterator[None]:
        """Holds off others that compile the catalogue, so that an older one never takes the place of a newer one."""
        with self._locked(".compiling"):
            yield

    def inspect(self, snapshots: Mapping[str, int] | None = None) -> Evidence:
        """What speaks for and against the log being whole. Nothing is made or moved; commits wait meanwhile."""
        with staging.steady(self.folder / ".lock"):
            return findings.gathered(self.folder, self.state(), snapshots)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Names the file for which reading the log fails inside the block.

        Raises:
            DamagedFileError: a live file is damaged.
            EtappeError: something else is wrong.
        """
        with self._naming_damage("reading"):
            yield

    def go_on_behind(self, position: int) -> bool:
        """Has the next commit come behind `position`, where the log ends before it; returns whether it did."""
        with self._locked():
            state = self.state()
            if state.position >= position:
                return False
            self._known = commits.write_checkpoint(self.folder, msgspec.structs.replace(state, position=position))
        return True

    def _naming_damage(self, doing: str) -> AbstractContextManager[None]:
        return damage.named(self.folder, lambda: self.state().all(), doing)

    def _clear(self) -> None:
        """Makes the folders where there is no fault, then takes out what killed processes left."""
        state = self.state()
        evidence = findings.gathered(self.folder, state)
        findings.refuse(evidence, findings.OF_FILES)
        for part in (commits.FOLDER, commits.STAGING):
            (self.folder / part).mkdir(exist_ok=True)
        for orphan in evidence.orphans:
            quarantine.take_in(self.folder, orphan.path, quarantine.UNCOMMITTED)
        staging.remove_dead(self.folder)

    def _merge(self, limits: Limits) -> tuple[list[tuple[LogFile, ...]], list[Damage]]:
        """Merges what is due; returns what was merged, or what of it is damaged so that nothing was."""
        whole = [path for path, signs in self._damaged.items() if signs != damage.signs(self.folder, path)]
        for path in whole:
            del self._damaged[path]
        runs = compaction.due(self.state(), limits, self._damaged)
        if not runs:
            return [], []
        try:
            with self.transaction("compaction") as into:
                compaction.merge(self.folder, runs, into)
        except DataError:
            found = list(damage.deep(self.folder, (file for run in runs for file in run)))
            if not found:
                raise
            self._damaged |= {one.file.path: damage.signs(self.folder, one.file.path) for one in found}
            return [], found
        return runs, []

    def _files(self, table: str, position: int | None, day: str | None = None) -> list[LogFile]:
        found = [file for file in self.state().of(table) if day is None or file.day == day]
        return scanning.arranged([file for file in found if position is None or file.first <= position])

    def _commit(self, source: str, transaction: Transaction) -> None:
        with self._locked():
            entering.commit(self.folder, self.state(), source, transaction)

    def _checkpoint_after(self, count: int) -> None:
        state = self.state()
        if state.position - state.checkpoint >= count:
            self._known = commits.write_checkpoint(self.folder, state)

    @contextmanager
    def _locked(self, name: str = ".lock", *, wait: bool = True) -> Iterator[bool]:
        with staging.locked(self.folder / name, wait=wait) as ours:
            yield ours
