"""What speaks against a log: checks of one signature over the evidence, each a pure function.

A log with a finding is not written to: what is missing would be covered up. Nothing is moved or deleted then.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from etappe.errors import DataError
from etappe.log import commits, orphans
from etappe.log.orphans import Orphan
from etappe.log.state import State

RELIST: Final = commits.REMEDY
GO_ON: Final = "restore a newer backup, or go on without what is missing with `etappe rebuild --accept-loss`"


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a log: its state, the numbers of the commits that lie there, and files that none of them names.

    `snapshots` are the positions of the log that snapshots have learned up to, by version.
    """

    log: Path
    state: State
    commits: tuple[int, ...] = ()
    orphans: tuple[Orphan, ...] = ()
    snapshots: Mapping[str, int] = {}

    @property
    def blank(self) -> bool:
        """Whether there is no log here at all: it may lie elsewhere."""
        return not self.state.position and not self.commits and not self.orphans


Check = Callable[[Evidence], Iterator[str]]
"""Yields a line for each fault: what is wrong, and the remedy."""


def gap(evidence: Evidence) -> Iterator[str]:
    """Commits behind one that is missing."""
    behind = [number for number in evidence.commits if number > evidence.state.position]
    if behind:
        missing = commits.path_of(evidence.log, evidence.state.position + 1)
        yield f"{missing} is missing, and with it all up to commit {max(behind)}; {RELIST}"


def unlisted(evidence: Evidence) -> Iterator[str]:
    """Files whose commit is missing: not those that a killed transaction left."""
    lost = [orphan for orphan in evidence.orphans if not orphan.leftover]
    if lost:
        folder, many = evidence.log / commits.FOLDER, len(lost)
        yield (
            f"{folder} ends with commit {evidence.state.position}, and {many} file{'s' if many > 1 else ''} with rows"
            f" that no commit names lie{'s' if many == 1 else ''} in {evidence.log} ({lost[0].path}); {RELIST}"
        )


def behind_snapshots(evidence: Evidence) -> Iterator[str]:
    """A log that ends before what a snapshot has learned from."""
    version, position = max(evidence.snapshots.items(), key=lambda pair: pair[1], default=("", 0))
    if position > evidence.state.position:
        yield (
            f"{evidence.log} ends with commit {evidence.state.position}, but snapshot {version} has learned from it up"
            f" to {position}; {GO_ON}"
        )


OF_FILES: Final[tuple[Check, ...]] = (gap, unlisted)
"""What the log's own files tell."""
OF_OTHERS: Final[tuple[Check, ...]] = (behind_snapshots,)
"""What those tell who know how far the log had come. Another check is added here, its evidence to `Evidence`."""


def gathered(log: Path, state: State, snapshots: Mapping[str, int] | None = None) -> Evidence:
    """The evidence as of now. Nobody may commit meanwhile."""
    return Evidence(
        log=log,
        state=state,
        commits=tuple(int(path.stem) for path in commits.kept(log)),
        orphans=tuple(orphans.find(log, state)),
        snapshots=snapshots or {},
    )


def faults(evidence: Evidence) -> list[str]:
    """What the checks find: where its own files tell that the log has lost something, what others tell follows."""
    return _lines(OF_FILES, evidence) or _lines(OF_OTHERS, evidence)


def refuse(evidence: Evidence, checks: tuple[Check, ...] = (*OF_FILES, *OF_OTHERS)) -> None:
    """Keeps a log with a fault from being written to.

    Raises:
        DataError: the first fault.
    """
    for line in _lines(checks, evidence):
        raise DataError(line)


def _lines(checks: tuple[Check, ...], evidence: Evidence) -> list[str]:
    return [line for check in checks for line in check(evidence)]
