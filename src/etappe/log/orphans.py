"""Files of the log's tables that no commit knows.

A transaction moves its files in and is committed then. Where it was killed in between, they are leftovers: nobody was
told that their rows are in the log, and they come again from where they came. Its folder in `.staging` is there still
and tells them from files whose commit was lost.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from etappe.log import schema, staging
from etappe.log.state import State, table_and_day


class Orphan(msgspec.Struct, frozen=True):
    """A file; `path` is relative to the log's folder, `number` that of the commit it was moved in for, 0 of a stranger.

    `leftover` is whether no commit is missing for it: its transaction was killed before its commit, or the commits of
    its time are known and do not name it.
    """

    path: str
    number: int
    leftover: bool

    @property
    def table(self) -> str:
        """The table it lies with."""
        return table_and_day(self.path)[0]

    @property
    def day(self) -> str:
        """The day it lies with."""
        return table_and_day(self.path)[1]


def find(log: Path, state: State) -> list[Orphan]:
    """All there are. Nobody may commit meanwhile."""
    known = state.live() | set(state.removed)
    dead = {staging.token_of(folder) for folder in staging.dead(log)}
    return [_orphan(path, dead, state.position) for path in rows_in(log) if path not in known]


def rows_in(log: Path) -> Iterator[str]:
    """The files that lie with a table and a day."""
    for table in schema.TABLES:
        for path in sorted((log / table).glob("day=*/*.parquet")):
            yield str(path.relative_to(log))


def number_of(path: str) -> int:
    """The number of the commit that a file was moved in for; 0 where its name tells none."""
    number = Path(path).name.partition("-")[0]
    return int(number) if number.isdecimal() else 0


def token_in(path: str) -> str:
    """What tells the transaction that moved a file in: see `staging.token_of`."""
    return Path(path).stem.rpartition("-")[2]


def _orphan(path: str, dead: set[str], position: int) -> Orphan:
    number = number_of(path)
    return Orphan(path, number, leftover=token_in(path) in dead or (position > 0 and number <= position))
