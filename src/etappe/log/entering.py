"""Taking a transaction's files into the log, by one commit."""

from pathlib import Path

import msgspec

from etappe import faults
from etappe.arrays import sync_folder
from etappe.errors import DataError
from etappe.log import commits, compaction
from etappe.log.staging import StagedFile, StagedHealing, StagedReplacement, Transaction
from etappe.log.state import Commit, LogFile, Replacement, State


def commit(log: Path, state: State, source: str, transaction: Transaction) -> None:
    """Commits `transaction` as the next after `state`. Nobody else may commit meanwhile.

    Raises:
        OSError: it failed; where the commit is not visible, none of its files is left.
        DataError: a file that was to be replaced is not live any more.
    """
    position = state.position + 1
    old = _checked(state, transaction)
    moved: list[Path] = []
    try:
        added = tuple(_move_in(log, position, file, moved) for file in transaction.files)
        added += tuple(_healed(log, position, file, moved) for file in transaction.healed)
        replaced = tuple(_replacement(log, position, change, moved) for change in transaction.replaced)
        _sync(moved)
        compaction.touch(log, old)
        commits.write(log, _commit(position, source, added, replaced, transaction))
    except BaseException:
        if not commits.path_of(log, position).exists():
            for path in moved:
                path.unlink(missing_ok=True)
        raise


def _commit(
    position: int,
    source: str,
    added: tuple[LogFile, ...],
    replaced: tuple[Replacement, ...],
    transaction: Transaction,
) -> Commit:
    return Commit(
        position=position,
        source=source,
        files=added,
        streams=transaction.streams,
        counts=transaction.counts,
        replaced=replaced,
        set_aside=tuple(transaction.set_aside),
        healed=tuple(file.old.path for file in transaction.healed),
    )


def _sync(moved: list[Path]) -> None:
    for folder in {above for path in moved for above in path.parents[:3]}:
        sync_folder(folder)
    faults.point("log.commit.after_sync_folders")


def _move_in(log: Path, position: int, file: StagedFile, moved: list[Path]) -> LogFile:
    name = Path(file.table, f"day={file.day}", f"{position:08d}-{file.path.stem}.parquet")
    (log / name).parent.mkdir(parents=True, exist_ok=True)
    faults.point("log.commit.before_move")
    file.path.rename(log / name)
    moved.append(log / name)
    faults.point("log.commit.after_move")
    return LogFile(file.table, file.day, str(name), file.rows, bytes=file.bytes, sha256=file.sha256)


def _replacement(log: Path, position: int, change: StagedReplacement, moved: list[Path]) -> Replacement:
    table, day, old = change.old[0].table, change.old[0].day, tuple(file.path for file in change.old)
    if change.new is None:
        return Replacement(table, day, old, None)
    new = _move_in(log, position, change.new, moved)
    commits_of_rows = {"first": change.old[0].first, "last": change.old[-1].last}
    return Replacement(table, day, old, msgspec.structs.replace(new, **commits_of_rows))


def _healed(log: Path, position: int, file: StagedHealing, moved: list[Path]) -> LogFile:
    """A file with the commits of the one it takes the place of, so that each position has its rows again."""
    new = _move_in(log, position, file.new, moved)
    return msgspec.structs.replace(new, first=file.old.first, last=file.old.last)


def _checked(state: State, transaction: Transaction) -> list[LogFile]:
    """The files to be replaced; all that are to go must be live still, those to be healed missing."""
    old = [file for change in transaction.replaced for file in change.old]
    live = state.live() if old or transaction.set_aside else set()
    gone = [file.path for file in (*old, *transaction.set_aside) if file.path not in live]
    if gone:
        raise DataError(f"{gone[0]} is no longer live: another process has replaced it; run the same again")
    if any(file.old not in state.missing for file in transaction.healed):
        raise DataError("what was to be healed has been healed meanwhile; run the same again")
    return old
