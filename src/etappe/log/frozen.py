"""The log as it is at one moment, in a folder of hard links: whatever is merged, rewritten or added meanwhile."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from etappe.arrays import write_synced
from etappe.log import Log, commits, staging
from etappe.log.state import State


@contextmanager
def frozen(log: Log) -> Iterator[tuple[Path, State]]:
    """A folder that is a whole log, as it was when the block began, and its state; it goes with the block.

    A live file that is missing is missing from it, too. It begins with a checkpoint, so that it has no commit but the
    last. Adding to the log waits while it is made.
    """
    lock = log.folder / ".lock"
    with staging.opened(log.folder, lock) as transaction:
        copy = transaction.folder / "log"
        with staging.locked(lock):
            state = msgspec.structs.replace(log.state(), removed=())
            state = msgspec.structs.replace(state, checkpoint=state.position)
            for name in sorted(state.live()):
                with contextlib.suppress(FileNotFoundError):  # what is missing here is missing there
                    link(log.folder / name, copy / name)
            last = commits.path_of(log.folder, state.position)
            if last.exists():
                link(last, commits.path_of(copy, state.position))
        (copy / commits.FOLDER).mkdir(parents=True, exist_ok=True)
        write_synced(copy / commits.FOLDER / commits.CHECKPOINT, msgspec.json.encode(state))
        yield copy, state


def link(file: Path, to: Path) -> None:
    """A second name for a file, or a copy of it where the file system has none."""
    to.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(file, to)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(file, to)
