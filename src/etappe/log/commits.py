"""The commits of the log on the disk, and the checkpoints in the place of old ones.

    log/commits/00000042.json       what commit 42 added and replaced
    log/commits/checkpoint.json     what all commits up to some number come to

A reader takes up the commits after those it knows, one by one. Those before a checkpoint's are removed, the oldest
first and never the checkpoint's own: so a reader whose last commit is gone, and it alone, must begin at the checkpoint.
"""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from etappe import faults
from etappe.arrays import sync_folder
from etappe.errors import DataError
from etappe.log.state import FORMAT, Commit, State

FOLDER: Final = "commits"
STAGING: Final = ".staging"
CHECKPOINT: Final = "checkpoint.json"
REMEDY: Final = "restore a backup, or list what lies there anew with `etappe quarantine --relist`"


def path_of(log: Path, position: int) -> Path:
    """Where a commit lies."""
    return log / FOLDER / f"{position:08d}.json"


def current(log: Path, known: State) -> State:
    """The state as of now, for a reader that knew `known`.

    Raises:
        DataError: a commit or the checkpoint is damaged, or the log ends before what the reader knew.
    """
    if not known.position:
        known = _read_checkpoint(log) or known
    while True:
        state = _followed(log, known)
        if state.position and path_of(log, state.position).exists():
            return state
        saved = _read_checkpoint(log)
        if state.position > (saved.position if saved else 0):
            raise DataError(
                f"{path_of(log, state.position)} is gone, which was there before; put the log back, or {REMEDY}"
            )
        if saved is None or saved.position == state.position:
            return state
        known = saved


def write(log: Path, commit: Commit) -> None:
    """Makes a commit visible, then durable.

    Raises:
        OSError: it failed. Of a commit that is not visible yet no trace is left.
    """
    partial = log / STAGING / f"{commit.position:08d}.json"
    try:
        with partial.open("wb") as file:
            faults.point("log.commit.before_write")
            file.write(msgspec.json.encode(commit))
            file.flush()
            faults.point("log.commit.before_fsync")
            os.fsync(file.fileno())
        faults.point("log.commit.before_rename")
        partial.rename(path_of(log, commit.position))
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    faults.point("log.commit.after_rename")
    sync_folder(log / FOLDER)
    faults.point("log.commit.after_sync")


def write_checkpoint(log: Path, state: State) -> State:
    """Makes `state` the checkpoint, then removes the commits before it. Nobody else may commit meanwhile."""
    present = tuple(path for path in state.removed if (log / path).exists())
    saved = msgspec.structs.replace(state, removed=present, checkpoint=state.position)
    partial = log / STAGING / CHECKPOINT
    try:
        with partial.open("wb") as file:
            faults.point("log.checkpoint.before_write")
            file.write(msgspec.json.encode(saved))
            file.flush()
            faults.point("log.checkpoint.before_fsync")
            os.fsync(file.fileno())
        faults.point("log.checkpoint.before_rename")
        partial.rename(log / FOLDER / CHECKPOINT)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    faults.point("log.checkpoint.after_rename")
    sync_folder(log / FOLDER)
    faults.point("log.checkpoint.after_sync")
    _remove_before(log, state.position)
    return saved


def read(path: Path) -> Commit:
    """The commit in a file; DataError where it is damaged, or another's."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Commit)
    except msgspec.MsgspecError as error:
        raise DataError(f"{path} is damaged: {error}; {REMEDY}") from error
    if found.position != int(path.stem):
        raise DataError(f"{path} is damaged: it holds commit {found.position}; {REMEDY}")
    return found


def kept(log: Path) -> list[Path]:
    """The files of the commits that are still there, oldest first."""
    return sorted((log / FOLDER).glob("[0-9]*.json"), key=lambda path: int(path.stem))


def _followed(log: Path, known: State) -> State:
    commits = list(_next(log, known.position))
    return known.after(commits) if commits else known


def _next(log: Path, position: int) -> Iterator[Commit]:
    for number in itertools.count(position + 1):
        try:
            yield read(path_of(log, number))
        except FileNotFoundError:
            return


def _read_checkpoint(log: Path) -> State | None:
    path = log / FOLDER / CHECKPOINT
    try:
        state = msgspec.json.decode(path.read_bytes(), type=State)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise DataError(f"{path} is damaged: {error}; {REMEDY}") from error
    if state.format != FORMAT:
        raise DataError(f"{path} has format {state.format}, this version reads {FORMAT}; use the version that wrote it")
    return state


def _remove_before(log: Path, position: int) -> None:
    for path in kept(log):
        if int(path.stem) >= position:
            return
        path.unlink(missing_ok=True)
        faults.point("log.checkpoint.after_remove")
