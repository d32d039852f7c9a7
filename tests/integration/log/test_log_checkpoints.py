"""Checkpoints: a log with a long past is opened as fast as a young one, and no reader is left behind."""

import threading
from pathlib import Path

import msgspec
import pytest
from tests.integration.log.entered import add, ids

from etappe.errors import DataError
from etappe.log import Commit, Log, LogFile, commits
from etappe.log.commits import kept, read
from etappe.log.compaction import Limits
from etappe.log.state import Replacement, State

ALWAYS = Limits(commits=1)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """An empty log."""
    found = Log(tmp_path / "log")
    found.prepare()
    return found


def _names(log: Log) -> list[str]:
    return sorted(path.name for path in (log.folder / "commits").iterdir())


def test_old_commits_go(log: Log) -> None:
    """A checkpoint takes the place of the commits before it, whose rows, days and streams stay."""
    add(log, "a", streams={"x": "1-1", "y": "1-9"})
    add(log, "b", streams={"x": "2-0"}, days=1)
    add(log, "c")
    log.compact(ALWAYS)
    assert _names(log) == ["00000003.json", "checkpoint.json"]
    for one in (log, Log(log.folder)):
        assert (one.position(), one.rows("event"), one.days("event")) == (3, 3, ["2026-01-01", "2026-01-02"])
        assert (one.streams(), ids(one.scan("event"))) == ({"x": "2-0", "y": "1-9"}, ["a", "b", "c"])
        assert ids(one.scan("event", position=2)) == ["a", "b"]
    add(log, "d")
    assert (Log(log.folder).position(), ids(Log(log.folder).scan("event"))) == (4, ["a", "b", "c", "d"])


def test_checkpoints_are_made_now_and_then(log: Log) -> None:
    """A checkpoint is made when enough commits were made since the last one, and not before."""
    limits = Limits(commits=4)
    for number in range(3):
        add(log, f"a{number}")
        log.compact(limits)
    assert len(_names(log)) == 3
    for number in range(4):
        add(log, f"b{number}")
        log.compact(limits)
    assert _names(log) == ["00000004.json", "00000005.json", "00000006.json", "00000007.json", "checkpoint.json"]


def test_a_log_of_an_older_version_gets_one_at_the_start(log: Log) -> None:
    """Commits that have piled up are taken together when the log is next opened for work."""
    for position in range(1, 301):
        file = LogFile("event", "2026-01-01", f"event/day=2026-01-01/{position}.parquet", 1)
        commits.write(log.folder, Commit(position=position, source="s", files=(file,), streams={"x": f"{position}-0"}))
    Log(log.folder).prepare()
    assert _names(log) == ["00000300.json", "checkpoint.json"]
    again = Log(log.folder)
    assert (again.position(), again.rows("event"), again.streams()) == (300, 300, {"x": "300-0"})


def test_opening_reads_no_past(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening reads the checkpoint and the commits after it, and nothing from before, even where a crash has left it."""
    for number in range(5):
        add(log, f"a{number}")
    past = {path.name: path.read_bytes() for path in kept(log.folder)}
    log.compact(ALWAYS)
    add(log, "b")
    for name, data in past.items():
        (log.folder / "commits" / name).write_bytes(data)
    opened: list[str] = []
    monkeypatch.setattr(commits, "read", lambda path: opened.append(path.name) or read(path))
    assert Log(log.folder).position() == 6
    assert opened == ["00000006.json", "00000007.json"]


def test_reader_that_was_left_behind(log: Log) -> None:
    """A reader whose next commits are gone goes on from the checkpoint; so does one that never read anything."""
    add(log, "a")
    late, never = Log(log.folder), Log(log.folder)
    late.position()
    add(log, "b")
    log.compact(ALWAYS)
    add(log, "c")
    add(log, "d")
    log.compact(ALWAYS)
    add(log, "e")
    for one in (late, never):
        assert (one.position(), ids(one.scan("event"))) == (5, ["a", "b", "c", "d", "e"])


def test_reader_between_two_steps(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commits and a checkpoint that come while a reader looks do not confuse it."""
    add(log, "a")
    reader = Log(log.folder)
    reader.position()
    followed, happened = commits._followed, list[int]()

    def overtaken(folder: Path, known: State) -> State:
        state = followed(folder, known)
        if not happened:
            happened.append(1)
            add(log, "b")
            add(log, "c")
            log.compact(ALWAYS)
        return state

    monkeypatch.setattr(commits, "_followed", overtaken)
    assert (reader.position(), ids(reader.scan("event"))) == (3, ["a", "b", "c"])


def test_damaged_checkpoint_is_told(log: Log) -> None:
    """A checkpoint that cannot be read is an error that names it, never an empty log."""
    add(log, "a")
    log.compact(ALWAYS)
    path = log.folder / "commits" / "checkpoint.json"
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    with pytest.raises(DataError, match=r"checkpoint\.json is damaged: .*restore a backup"):
        Log(log.folder).position()
    path.write_bytes(whole.replace(b'"format":1', b'"format":9'))
    with pytest.raises(DataError, match=r"checkpoint\.json has format 9, this version reads 1"):
        Log(log.folder).position()


def test_checkpoint_file_is_fixed(log: Log) -> None:
    """A checkpoint written on the first day is read for ever."""
    file = '{"table":"event","day":"2026-01-01","path":"p","rows":2,"first":3,"last":7}'
    text = f'{{"format":1,"position":9,"files":{{"event":{{"2026-01-01":[{file}]}}}},"streams":{{"x":"1-1"}},"counts":{{"y":5}},"removed":["q"],"checkpoint":9}}'
    (log.folder / "commits" / "checkpoint.json").write_text(text)
    files = {"event": {"2026-01-01": (LogFile("event", "2026-01-01", "p", 2, 3, 7),)}}
    expected = State(position=9, files=files, streams={"x": "1-1"}, counts={"y": 5}, removed=("q",), checkpoint=9)
    assert Log(log.folder).state() == expected
    assert msgspec.json.encode(expected).decode().startswith(text.removesuffix("}"))


def test_replaced_files_keep_their_place() -> None:
    """A file that replaces others stands where they stood."""
    files = tuple(LogFile("event", "d", f"{at}", 1, at, at) for at in range(1, 6))
    new = LogFile("event", "d", "new", 2, 2, 3)
    change = Commit(position=6, source="s", replaced=(Replacement("event", "d", ("2", "3"), new),))
    state = State(position=5, files={"event": {"d": files}}).after([change])
    assert [file.path for file in state.of("event")] == ["1", "new", "4", "5"]
    assert (state.removed, state.position) == (("2", "3"), 6)


def test_more_commits_than_eight_digits(log: Log) -> None:
    """The order of commits is that of their numbers, also where names grow longer."""
    last = 99_999_998
    state = State(position=last)
    commits.write(log.folder, Commit(position=last, source="s"))
    commits.write_checkpoint(log.folder, state)
    reader = Log(log.folder)
    assert reader.position() == last
    for name in "abc":
        add(log, name)
    assert (reader.position(), ids(reader.scan("event", position=last + 2))) == (last + 3, ["a", "b"])
    log.compact(ALWAYS)
    assert _names(log) == [f"{last + 3}.json", "checkpoint.json"]


def test_readers_while_all_goes_on(log: Log) -> None:
    """While others append, merge and make checkpoints, a reader's log only grows, and never lacks anything."""
    limits = Limits(many=3, quiet=2, commits=2)
    failures, done = list[BaseException](), threading.Event()

    def read_on() -> None:
        reader, last = Log(log.folder), 0
        try:
            while not done.is_set():
                found = ids(reader.scan("event"))
                assert found == [f"{number}" for number in range(len(found))]
                assert len(found) >= last
                last = len(found)
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failures.append(error)

    threads = [threading.Thread(target=read_on) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(60):
        add(log, f"{number}")
        log.compact(limits)
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(ids(Log(log.folder).scan("event"))) == 60
