"""The log: whole commits in a fixed order, whatever crashes between."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from etappe.errors import DataError, EtappeError
from etappe.store import log as module
from etappe.store import schema
from etappe.store.log import Commit, Log, as_rows

BEGIN = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """An empty log."""
    found = Log(tmp_path / "log")
    found.prepare()
    return found


def _rows(*names: str, subject: bytes | None = b"s", days: int = 0, price: float = 1.0) -> pl.DataFrame:
    columns = {
        "event_id": list(names),
        "event": ["view_item"] * len(names),
        "time": [BEGIN + timedelta(days=days)] * len(names),
        "subject": [subject] * len(names),
        "price": [price] * len(names),
    }
    return as_rows("event", columns)


def _add(log: Log, *names: str, streams: dict[str, str] | None = None, days: int = 0) -> None:
    with log.transaction("test") as into:
        into.add("event", _rows(*names, days=days))
        into.streams = streams or {}


def _ids(frame: pl.LazyFrame) -> list[str]:
    return frame.collect()["event_id"].to_list()


def _parquet(log: Log) -> list[str]:
    return sorted(str(path.relative_to(log.folder)) for path in log.folder.rglob("*.parquet"))


def test_empty_log(log: Log) -> None:
    """An empty log has position 0 and tables with their columns."""
    assert (log.position(), log.commits(), log.streams(), log.days("event")) == (0, [], {}, [])
    assert log.scan("event").collect_schema() == schema.EVENT
    assert _ids(log.events()) == []


def test_rows_come_back(log: Log) -> None:
    """Rows come back as they were added, by table, in order of commits."""
    first, second = _rows("a", "b"), _rows("c", price=2.5)
    config = as_rows("config", {"position": ["1-1"], "kind": ["k"], "payload": ["{}"], "time": [BEGIN]})
    with log.transaction("one") as into:
        into.add("event", first)
        into.add("config", config)
    with log.transaction("two") as into:
        into.add("event", second)
    assert pl.concat([first, second]).equals(log.scan("event").collect())
    assert config.equals(log.scan("config").collect())
    assert [commit.source for commit in log.commits()] == ["one", "two"]


def test_days(log: Log) -> None:
    """Rows lie in the folder of their UTC day, which can be asked for alone."""
    _add(log, "a", days=1)
    with log.transaction("test") as into:
        into.add("event", pl.concat([_rows("b"), _rows("c", days=1), _rows("d", days=-400)]))
    assert log.days("event") == ["2024-11-27", "2026-01-01", "2026-01-02"]
    assert _ids(log.scan("event", day="2026-01-02")) == ["a", "c"]
    assert _ids(log.scan("event", day="2026-01-03")) == []
    assert log.rows("event") == 4


def test_failed_transaction_leaves_nothing(log: Log) -> None:
    """An exception inside the block leaves neither rows nor files."""

    def break_off() -> None:
        with log.transaction("test") as into:
            into.add("event", _rows("a"))
            raise RuntimeError("broken off")

    with pytest.raises(RuntimeError, match="broken off"):
        break_off()
    assert (log.position(), _parquet(log), list((log.folder / ".staging").iterdir())) == (0, [], [])


def test_open_transaction_is_not_visible(log: Log) -> None:
    """Until the block ends nobody sees its rows."""
    with log.transaction("test") as into:
        into.add("event", _rows("a"))
        assert (Log(log.folder).position(), _ids(Log(log.folder).scan("event"))) == (0, [])
    assert _ids(Log(log.folder).scan("event")) == ["a"]


def test_empty_transaction_is_no_commit(log: Log) -> None:
    """A block that adds nothing makes no commit; one that only read streams on does."""
    with log.transaction("test"):
        pass
    with log.transaction("test") as into:
        into.add("event", _rows())
    assert log.position() == 0
    with log.transaction("test") as into:
        into.streams = {"s": "1-1"}
    assert log.position() == 1


def test_wrong_columns_are_refused(log: Log) -> None:
    """Rows with other columns than the table's are refused, and the commit with them."""

    def add_both() -> None:
        with log.transaction("test") as into:
            into.add("event", _rows("a"))
            into.add("event", _rows("b").drop("price"))

    with pytest.raises(DataError, match="rows for table event have columns"):
        add_both()
    assert log.position() == 0


def test_failure_of_polars_is_an_error_of_ours(log: Log) -> None:
    """What goes wrong in writing is told as an error that names the log."""
    with pytest.raises(EtappeError, match=f"writing the log in {log.folder} failed: full"), log.transaction("test"):
        raise pl.exceptions.ComputeError("full")


@contextmanager
def _crash_before_commit(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lets the process die between moving the files in and writing the commit."""
    with monkeypatch.context() as patched:

        def die(_folder: Path) -> None:
            raise KeyboardInterrupt

        patched.setattr(module, "sync_folder", die)
        with pytest.raises(KeyboardInterrupt):
            yield


def test_crash_before_the_commit(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files moved in by a commit that never came are invisible, and gone after the next start; no others are."""
    _add(log, "a")
    with _crash_before_commit(monkeypatch):
        _add(log, "b")
    assert len(_parquet(log)) == 2
    again = Log(log.folder)
    assert (again.position(), _ids(again.scan("event"))) == (1, ["a"])
    again.prepare()
    assert [again.commits()[0].files[0].path] == _parquet(again)
    _add(again, "c")
    assert (again.position(), _ids(again.scan("event"))) == (2, ["a", "c"])


def test_commit_after_a_crash_without_restart(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process that goes on committing after a crash is not troubled by what the dead one left."""
    with _crash_before_commit(monkeypatch):
        _add(log, "lost")
    _add(log, "a")
    Log(log.folder).prepare()
    assert (Log(log.folder).position(), _ids(Log(log.folder).scan("event"))) == (1, ["a"])


def test_dead_staging_is_removed(log: Log) -> None:
    """What a dead process staged goes at the next start; what a living one is staging stays."""
    dead = log.folder / ".staging" / "dead"
    dead.mkdir()
    (dead / "lock").touch()
    with log.transaction("test") as into:
        into.add("event", _rows("a"))
        Log(log.folder).prepare()
        assert not dead.exists()
    assert _ids(log.scan("event")) == ["a"]


def test_events_are_deduplicated(log: Log) -> None:
    """An event counts once however often it was committed, with what the first commit said; per customer."""
    with log.transaction("test") as into:
        into.add("event", _rows("a", "b", "a"))
    with log.transaction("test") as into:
        into.add("event", _rows("b", "c", price=9.0))
        into.add("event", _rows("a", subject=b"other"))
        into.add("event", _rows("a", subject=None))
        into.add("event", _rows("a", subject=None, days=1))
    found = log.events().collect()
    expected = [("a", b"s", 1.0), ("b", b"s", 1.0), ("c", b"s", 9.0), ("a", b"other", 1.0), ("a", None, 1.0)]
    assert expected == list(found.select("event_id", "subject", "price").iter_rows())
    chosen = log.events(subjects=pl.Series([b"other"], dtype=pl.Binary))
    assert chosen.collect()["subject"].to_list() == [b"other"]


def test_positions_are_stable(log: Log) -> None:
    """The log up to a position is the same for ever, whatever is committed afterwards."""
    for name in "abc":
        _add(log, name)
    assert ["a", "b"] == _ids(log.events(position=2)) == _ids(Log(log.folder).scan("event", position=2))
    assert [commit.position for commit in log.commits()] == [1, 2, 3]
    assert [commit.position for commit in log.commits(1)] == [1]


def test_commits_once_read_stay(log: Log) -> None:
    """A list of commits that one thread reads is not changed by another that looks for newer ones."""
    _add(log, "a")
    before = log.commits()
    _add(log, "b")
    assert (len(log.commits()), len(before)) == (2, 1)


def test_streams(log: Log) -> None:
    """Each stream's last id is that of the last commit that read of it."""
    _add(log, "a", streams={"x": "1-1", "y": "1-9"})
    _add(log, "b", streams={"x": "2-0"})
    _add(log, "c")
    assert log.streams() == {"x": "2-0", "y": "1-9"}


def test_damaged_commit_is_told(log: Log) -> None:
    """A commit that cannot be read is an error that names it, never a shorter log."""
    _add(log, "a")
    path = log.folder / "commits" / "00000001.json"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(DataError, match=r"00000001\.json is damaged: .*restore it from a backup"):
        Log(log.folder).commits()


def test_commit_file_is_fixed(log: Log) -> None:
    """A commit written on the first day is read for ever."""
    text = '{"position":1,"source":"s","files":[{"table":"event","day":"2026-01-01","path":"p","rows":2}],"streams":{"x":"1-1"}}'
    (log.folder / "commits" / "00000001.json").write_text(text)
    file = module.LogFile("event", "2026-01-01", "p", 2)
    assert [Commit(position=1, source="s", files=(file,), streams={"x": "1-1"})] == log.commits()


def test_older_files_lack_columns(log: Log) -> None:
    """A file from before a column was added is read with nulls in it."""
    _add(log, "a")
    path = log.folder / _parquet(log)[0]
    pl.read_parquet(path).drop("source").write_parquet(path)
    assert list(log.scan("event").select("event_id", "source").collect().iter_rows()) == [("a", None)]


@pytest.mark.parametrize("shared", [True, False])
def test_concurrent_writers(log: Log, shared: bool) -> None:
    """Writers at the same time each get commits of their own, in one order without gaps, and nothing is lost."""
    failures = list[BaseException]()

    def write(writer: int) -> None:
        try:
            mine = log if shared else Log(log.folder)
            for number in range(6):
                _add(mine, f"{writer}-{number}")
                mine.commits()
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failures.append(error)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for one in (log, Log(log.folder)):
        assert list(range(1, 25)) == [commit.position for commit in one.commits()]
        assert {f"{writer}-{number}" for writer in range(4) for number in range(6)} == set(_ids(one.scan("event")))


def test_as_rows_of_milliseconds() -> None:
    """Times may be given as Unix milliseconds; columns not given are null."""
    found = as_rows("decision", {"decision": ["d"], "time": [1767268800123]})
    assert [("d", BEGIN + timedelta(milliseconds=123), None, None)] == list(found.iter_rows())
    assert found.schema == schema.DECISION
