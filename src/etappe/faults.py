"""Points at which a test may kill the process, as a crash would, to show that nothing is lost or doubled by it.

`ETAPPE_FAULT=log.commit.before_rename:3` ends the process with SIGKILL when it comes to that point for the third time.
Without the variable a point costs one comparison.
"""

import os
import signal
from typing import Final

from etappe import settings
from etappe.errors import SettingsError

POINTS: Final = (
    "log.stage.before_write",
    "log.stage.before_fsync",
    "log.stage.after_fsync",
    "log.commit.before_move",
    "log.commit.after_move",
    "log.commit.after_sync_folders",
    "log.commit.before_write",
    "log.commit.before_fsync",
    "log.commit.before_rename",
    "log.commit.after_rename",
    "log.commit.after_sync",
    "log.checkpoint.before_write",
    "log.checkpoint.before_fsync",
    "log.checkpoint.before_rename",
    "log.checkpoint.after_rename",
    "log.checkpoint.after_sync",
    "log.checkpoint.after_remove",
    "log.replace.before_write",
    "log.replace.before_fsync",
    "log.replace.after_fsync",
    "log.delete.before",
    "log.delete.after",
    "archive.before_read",
    "archive.before_reject",
    "archive.reject.before_fsync",
    "archive.reject.after_fsync",
    "archive.before_commit",
    "archive.after_commit",
    "archive.before_trim",
    "archive.before_mark",
    "archive.after_trim",
    "ingest.before_write",
    "ingest.after_write",
    "decisions.before_write",
    "decisions.after_write",
    "graph.begin.before",
    "graph.begin.after",
    "graph.do.after_aliases",
    "graph.adopt.before_delete",
    "graph.do.after_adopted",
    "graph.release.before",
    "graph.release.after",
    "folding.before_replace",
    "folding.after_replace",
    "rebuilding.before_replace",
    "rebuilding.after_replace",
    "rebuilding.before_clean",
    "rebuilding.after_clean",
)
"""Every point there is: `log.replace` are the files that compaction and rewriting write, `log.delete` old ones."""


class _Fuse:
    """The point that kills, and how many passings are left until it does."""

    def __init__(self, text: str | None) -> None:
        self.name, _, count = (text or "").partition(":")
        if self.name and (self.name not in POINTS or not count.isdigit() or int(count) < 1):
            raise SettingsError(f"{settings.FAULT} is {text!r}; it is NAME:COUNT, with a name of etappe.faults.POINTS")
        self._left = int(count or 0)

    def burn(self) -> None:
        """One passing."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


_FUSE: Final = _Fuse(settings.fault())


def point(name: str) -> None:
    """A place where a process may be killed; `name` is one of `POINTS`."""
    if name == _FUSE.name:
        _FUSE.burn()
