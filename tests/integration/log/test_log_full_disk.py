"""A disk that is full at any step: nothing half-written is seen or left, and the same works once there is room."""

import contextlib
import errno
import itertools
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
from tests.integration.log.entered import add, ids, parquet, rows
from tests.integration.log.killed_log import erased

from etappe import faults
from etappe.errors import EtappeError
from etappe.log import Log
from etappe.log.compaction import Limits

EAGER = Limits(many=3, quiet=100, grace_seconds=0, commits=1)


class _FullError(OSError):
    """The disk is full."""


def _filled(folder: Path) -> Log:
    """A log with three commits of one day."""
    found = Log(folder)
    found.prepare()
    add(found, "a")
    add(found, "b")
    add(found, "c", "x")
    return found


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """A log with three commits of one day."""
    return _filled(tmp_path / "log")


@contextmanager
def _full_at(monkeypatch: pytest.MonkeyPatch, step: int) -> Iterator[list[str]]:
    """Lets the disk be full at the given step, any of those at which a process may be killed."""
    passed = list[str]()

    def point(name: str) -> None:
        passed.append(name)
        if len(passed) == step:
            raise _FullError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(faults, "point", point)
        yield passed


def _append(log: Log) -> None:
    with log.transaction("test") as into:
        into.add("event", rows("n"))
        into.add("event", rows("m", days=1))
        into.streams = {"s": "1-0"}


def _compact(log: Log) -> None:
    log.compact(EAGER)


def _rewrite(log: Log) -> None:
    log.rewrite(erased)


@pytest.mark.parametrize(
    ("work", "after", "steps"),
    [
        (_append, ["a", "b", "c", "x", "n", "m"], 16),
        (_compact, ["a", "b", "c", "x"], 24),
        (_rewrite, ["a", "b", "c"], 13),
    ],
)
def test_full_at_every_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: Callable[[Log], None], after: list[str], steps: int
) -> None:
    """All of it is there or nothing, no file is left over, and the next try does what is still to be done."""
    failed = 0
    for step in itertools.count(1):
        log = _filled(tmp_path / f"{step}")
        with _full_at(monkeypatch, step) as passed, contextlib.suppress(_FullError):
            work(log)
        if len(passed) < step:
            break
        failed += 1
        found = ids(Log(log.folder).scan("event"))
        assert found in (["a", "b", "c", "x"], after)
        assert list((log.folder / ".staging").iterdir()) == []
        assert set(parquet(log)) == {file.path for file in log.state().of("event")} | _there(log, log.state().removed)
        if found != after or work is not _append:
            work(log)
        assert ids(Log(log.folder).scan("event")) == after
        log.compact(EAGER)
        assert parquet(log) == sorted(file.path for file in log.state().of("event"))
    assert failed >= steps


def _there(log: Log, paths: tuple[str, ...]) -> set[str]:
    return {path for path in paths if (log.folder / path).exists()}


@contextmanager
def _no_file_over(size: int) -> Iterator[None]:
    """Has the system refuse to write files larger than this (bytes)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("size", [0, 10, 300, 2_000])
def test_the_system_refuses_to_write(log: Log, size: int) -> None:
    """What the system itself refuses in the middle of a file is an error of ours, and leaves nothing."""
    names = [f"{number:06d}" for number in range(5_000)]
    with _no_file_over(size), pytest.raises((EtappeError, OSError)):
        add(log, *names)
    assert (ids(Log(log.folder).scan("event")), len(parquet(log))) == (["a", "b", "c", "x"], 3)
    with _no_file_over(size), pytest.raises((EtappeError, OSError)):
        log.compact(EAGER) if size < 2_000 else add(log, *names)
    assert (ids(Log(log.folder).scan("event")), list((log.folder / ".staging").iterdir())) == (["a", "b", "c", "x"], [])
    add(log, *names)
    log.compact(EAGER)
    assert len(ids(Log(log.folder).scan("event"))) == 5_004
    assert parquet(log) == sorted(file.path for file in log.state().of("event"))
    assert pl.scan_parquet(log.folder / parquet(log)[0]).select(pl.len()).collect().item() == 5_004
