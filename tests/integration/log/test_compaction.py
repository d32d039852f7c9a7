"""Merging files: fewer of them, and every reader sees at every position what it saw before."""

import os
import time
from pathlib import Path

import msgspec
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from tests.integration.log.entered import add, ids, parquet, rows, unseal

from etappe.errors import DamagedFileError, DataError, EtappeError
from etappe.log import Log, compaction
from etappe.log.compaction import LIMITS, Limits
from etappe.log.state import LogFile, State

EAGER = Limits(many=3, quiet=4, rows=1_000, grace_seconds=0, commits=1_000_000)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """An empty log."""
    found = Log(tmp_path / "log")
    found.prepare()
    return found


def _state(sizes: list[int], position: int | None = None) -> State:
    """A day whose files came in one by one with so many rows each."""
    files = tuple(LogFile("event", "d", f"{at}", size, at, at) for at, size in enumerate(sizes, start=1))
    return State(position=position or len(sizes), files={"event": {"d": files}})


def _due(state: State, limits: Limits) -> list[list[str]]:
    return [[file.path for file in run] for run in compaction.due(state, limits)]


def test_many_files_become_one(log: Log) -> None:
    """As many files of a day as are too many become one; other days stay as they are."""
    for name in "abc":
        add(log, name)
    add(log, "x", days=1)
    assert log.compact(EAGER) == 3
    assert len(list(log.state().of("event"))) == 2
    assert ids(log.scan("event")) == ["a", "b", "c", "x"]
    assert (log.compact(EAGER), log.rows("event"), log.position()) == (0, 4, 5)


def test_few_files_wait_until_their_day_is_quiet(log: Log) -> None:
    """Two files of a day are merged only when some commits have added nothing to it, whatever the clock says."""
    add(log, "a")
    add(log, "b")
    for number in range(3):
        add(log, f"x{number}", days=10 + number)
        assert log.compact(EAGER) == 0
    add(log, "x3", days=20)
    assert log.compact(EAGER) == 2
    assert ids(log.scan("event")) == ["a", "b", "x0", "x1", "x2", "x3"]


def test_a_position_inside_a_merged_file(log: Log) -> None:
    """Of a merged file the rows up to a position are read, and no others."""
    for name in "abc":
        add(log, name)
    before = [ids(log.scan("event", position=position)) for position in range(4)]
    log.compact(EAGER)
    assert before == [[], ["a"], ["a", "b"], ["a", "b", "c"]]
    assert before == [ids(log.scan("event", position=position)) for position in range(4)]


def test_large_files_are_left_alone() -> None:
    """What would have more rows than one file may have is not merged, so that merging stays a small work."""
    limits = Limits(many=2, quiet=1, rows=100)
    assert _due(_state([90, 20, 101, 5, 6], 99), limits) == [["4", "5"]]
    assert _due(_state([101, 101], 99), limits) == []


def test_work_of_one_call_is_bounded() -> None:
    """A call merges about as many rows as one file may have; the rest is left to the next."""
    days = {f"d{day}": (LogFile("event", "d", "a", 30, 1, 1), LogFile("event", "d", "b", 30, 2, 2)) for day in range(5)}
    limits = Limits(quiet=1, rows=150)
    assert len(compaction.due(State(position=99, files={"event": days}), limits)) == 2


def test_busy_days_are_not_written_over_and_over() -> None:
    """While small files come in, a large one before them is left until they are half of it."""
    limits = Limits(many=4, rows=10_000)
    assert _due(_state([1_000, 10, 10, 10, 10]), limits) == [["2", "3", "4", "5"]]
    assert _due(_state([1_000, 500, 10, 10, 10]), limits) == [["3", "4", "5"]]
    assert _due(_state([60, 20, 10, 10, 10]), limits) == [["1", "2", "3", "4", "5"]]


def test_rows_are_rewritten_a_few_times_only() -> None:
    """A day of ten thousand files takes some ten times its rows in writing, and never has many files."""
    state, written = State(), 0
    for position in range(1, 10_001):
        state = msgspec.structs.replace(state, position=position)
        files = (
            *state.files.get("event", {}).get("d", ()),
            LogFile("event", "d", f"{position}", 50, position, position),
        )
        for run in compaction.due(msgspec.structs.replace(state, files={"event": {"d": files}}), LIMITS):
            total = sum(file.rows for file in run)
            written += total
            at = files.index(run[0])
            merged = LogFile("event", "d", f"m{position}", total, run[0].first, run[-1].last)
            files = (*files[:at], merged, *files[at + len(run) :])
        assert len(files) <= 2 * LIMITS.many
        state = msgspec.structs.replace(state, files={"event": {"d": files}})
    assert sum(file.rows for file in files) == 500_000
    assert written < 15 * 500_000


def test_merged_files_stay_for_their_readers(log: Log) -> None:
    """A scan from before merging can be collected after it; when the grace is over the files go."""
    for name in "abc":
        add(log, name)
    before = log.scan("event")
    patient = msgspec.structs.replace(EAGER, grace_seconds=900.0)
    log.compact(patient)
    assert (len(parquet(log)), ids(before)) == (4, ["a", "b", "c"])
    Log(log.folder).prepare()
    assert len(parquet(log)) == 4
    for path in log.state().removed:
        os.utime(log.folder / path, times=(time.time() - 901, time.time() - 901))
    log.compact(patient)
    assert parquet(log) == [file.path for file in log.state().of("event")]
    assert ids(log.scan("event")) == ["a", "b", "c"]


def test_grace_begins_when_a_file_is_replaced(log: Log) -> None:
    """How old a file was when it was merged does not matter."""
    for name in "abc":
        add(log, name)
    for path in parquet(log):
        os.utime(log.folder / path, times=(0, 0))
    log.compact(msgspec.structs.replace(EAGER, grace_seconds=900.0))
    assert len(parquet(log)) == 4


def test_older_files_lack_columns(log: Log) -> None:
    """A file from before a column was added is merged with nulls in it."""
    for name in "abc":
        add(log, name)
    log = unseal(log)
    path = log.folder / parquet(log)[0]
    pl.read_parquet(path).drop("flag", "raw").write_parquet(path)
    assert log.compact(EAGER) == 3
    assert log.scan("event").collect()["flag"].to_list() == [None] * 3


def test_unknown_columns_are_not_lost(log: Log) -> None:
    """A file with a column that only a newer version knows is not merged, and stays as it is."""
    for name in "abc":
        add(log, name)
    log = unseal(log)
    path = log.folder / parquet(log)[0]
    pl.read_parquet(path).with_columns(new=pl.lit(1)).write_parquet(path)
    with pytest.raises(EtappeError, match="writing the log"):
        log.compact(EAGER)
    assert (ids(log.scan("event")), pl.read_parquet(path)["new"].to_list()) == (["a", "b", "c"], [1])


def test_a_file_that_lost_rows_is_not_merged(log: Log) -> None:
    """Where a file has fewer rows than its commit says, nothing is merged over it."""
    for name in "abc":
        add(log, name)
    log = unseal(log)
    path = log.folder / parquet(log)[0]
    pl.read_parquet(path).clear().write_parquet(path)
    with pytest.raises(DamagedFileError, match="it has 0 rows; it held 1 rows of table event"):
        log.compact(EAGER)
    assert len(parquet(log)) == 3


def test_two_that_merge_at_once(log: Log) -> None:
    """While another process merges there is nothing to do."""
    for name in "abc":
        add(log, name)
    with log._locked(".rewriting"):
        assert Log(log.folder).compact(EAGER) == 0
    assert Log(log.folder).compact(EAGER) == 3


def test_replacing_what_is_gone_is_refused(log: Log) -> None:
    """A commit that would replace a file which is no longer live does not come about."""
    for name in "abc":
        add(log, name)
    stale = list(log.state().of("event"))
    log.compact(EAGER)

    def replace_again() -> None:
        with log.transaction("test") as into:
            into.replace(stale[:1], None)

    with pytest.raises(DataError, match="no longer live"):
        replace_again()
    assert ids(log.scan("event")) == ["a", "b", "c"]


_DAYS = st.integers(0, 3)
_EVENTS = st.lists(st.tuples(st.integers(0, 12), _DAYS), min_size=1, max_size=4)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.lists(_EVENTS, min_size=1, max_size=2)),
        st.tuples(st.just("compact"), st.sampled_from([3, 5, 100])),
        st.tuples(st.just("checkpoint"), st.none()),
        st.tuples(st.just("open"), st.none()),
        st.tuples(st.just("touch"), st.none()),
    ),
    max_size=25,
)


class _Model:
    """The log without compaction: rows by commit, in the order in which they are to be read."""

    def __init__(self) -> None:
        self.commits: list[list[pl.DataFrame]] = []

    def append(self, log: Log, added: list[list[tuple[int, int]]]) -> None:
        frames: list[tuple[int, pl.DataFrame]] = []
        with log.transaction("test") as into:
            for number, part in enumerate(added):
                price = float(len(self.commits) * 10 + number)
                into.add("event", pl.concat([rows(f"e{name}", days=day, price=price) for name, day in part]))
                frames += [(day, rows(f"e{name}", days=day, price=price)) for name, day in part]
        self.commits.append([frame for _, frame in sorted(frames, key=lambda one: one[0])])

    def scan(self, count: int) -> pl.DataFrame:
        found = [frame for commit in self.commits[:count] for frame in commit]
        return pl.concat(found) if found else rows()

    def events(self, count: int) -> pl.DataFrame:
        return self.scan(count).unique(["subject", "event_id"], keep="first", maintain_order=True)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=_STEPS)
def test_compaction_changes_nothing(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, object]]) -> None:
    """At every position everything is read as if nothing was ever merged, by readers old and new, in the same order."""
    log, model = Log(tmp_path_factory.mktemp("log") / "log"), _Model()
    log.prepare()
    old, lagging = Log(log.folder), Log(log.folder)
    positions = [0]
    for action, argument in steps:
        if action == "append":
            model.append(log, argument)  # type: ignore[arg-type]
            positions.append(log.position())
        elif action == "compact":
            log.compact(msgspec.structs.replace(EAGER, rows=argument))
        elif action == "checkpoint":
            log.compact(Limits(commits=1))
        elif action == "touch":
            old.position()
        else:
            log = Log(log.folder)
            log.prepare()
    for reader in (log, old, lagging, Log(log.folder)):
        for count, position in enumerate(positions):
            assert_frame_equal(model.scan(count), reader.scan("event", position=position).collect())
            assert_frame_equal(model.events(count), reader.events(position).collect())
        assert_frame_equal(model.events(len(positions)), reader.events().collect())
        assert reader.rows("event") == model.scan(len(positions)).height
        days = {day for frame in model.commits for one in frame for day in one["time"].dt.strftime("%Y-%m-%d")}
        assert reader.days("event") == sorted(days)
