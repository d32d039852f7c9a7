"""Progress as a bar on a terminal, and as plain lines elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from etappe.cli.show import ERR, say
from etappe.progress import Progress

_LINE_SECONDS = 2.0


@contextmanager
def shown() -> Iterator[Progress]:
    """A progress that people see."""
    if not ERR.is_terminal:
        yield _Lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=ERR, transient=True) as bars:
        yield _Bar(bars)


class _Bar:
    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, what: str, done: int, total: int = 0) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(what, total=total or None)
        self._bars.update(self._tasks[what], completed=done, total=total or None)


class _Lines:
    """A line when something begins, and another now and then while it lasts."""

    def __init__(self) -> None:
        self._what = ""
        self._said = 0.0

    def __call__(self, what: str, done: int, total: int = 0) -> None:
        now = time.monotonic()
        if what == self._what and now - self._said < _LINE_SECONDS:
            return
        self._what, self._said = what, now
        counted = f" {done:,} of {total:,}" if total else f" {done:,}" if done else ""
        say(f"{what}{counted} ...")
