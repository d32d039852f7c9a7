"""The log: whole commits in a fixed order, whatever crashes between."""

import shutil
import threading
from datetime import timedelta
from pathlib import Path

import msgspec
import polars as pl
import pytest
from tests.integration.log.entered import BEGIN, add, ids, parquet, rows

from etappe.errors import DataError, EtappeError
from etappe.log import Commit, Log, as_rows, quarantine, schema
from etappe.log import log as module


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """An empty log."""
    found = Log(tmp_path / "log")
    found.prepare()
    return found


def test_empty_log(log: Log) -> None:
    """An empty log has position 0 and tables with their columns."""
    assert (log.position(), log.commits(), log.streams(), log.days("event")) == (0, [], {}, [])
    assert log.scan("event").collect_schema() == schema.EVENT
    assert ids(log.events()) == []


def test_rows_come_back(log: Log) -> None:
    """Rows come back as they were added, by table, in order of commits."""
    first, second = rows("a", "b"), rows("c", price=2.5)
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
    add(log, "a", days=1)
    with log.transaction("test") as into:
        into.add("event", pl.concat([rows("b"), rows("c", days=1), rows("d", days=-400)]))
    assert log.days("event") == ["2024-11-27", "2026-01-01", "2026-01-02"]
    assert ids(log.scan("event", day="2026-01-02")) == ["a", "c"]
    assert ids(log.scan("event", day="2026-01-03")) == []
    assert log.rows("event") == 4


def test_failed_transaction_leaves_nothing(log: Log) -> None:
    """An exception inside the block leaves neither rows nor files."""

    def break_off() -> None:
        with log.transaction("test") as into:
            into.add("event", rows("a"))
            raise RuntimeError("broken off")

    with pytest.raises(RuntimeError, match="broken off"):
        break_off()
    assert (log.position(), parquet(log), list((log.folder / ".staging").iterdir())) == (0, [], [])


def test_open_transaction_is_not_visible(log: Log) -> None:
    """Until the block ends nobody sees its rows."""
    with log.transaction("test") as into:
        into.add("event", rows("a"))
        assert (Log(log.folder).position(), ids(Log(log.folder).scan("event"))) == (0, [])
    assert ids(Log(log.folder).scan("event")) == ["a"]


def test_empty_transaction_is_no_commit(log: Log) -> None:
    """A block that adds nothing makes no commit; one that only read streams on does."""
    with log.transaction("test"):
        pass
    with log.transaction("test") as into:
        into.add("event", rows())
    assert log.position() == 0
    with log.transaction("test") as into:
        into.streams = {"s": "1-1"}
    assert log.position() == 1


def test_wrong_columns_are_refused(log: Log) -> None:
    """Rows with other columns than the table's are refused, and the commit with them."""

    def add_both() -> None:
        with log.transaction("test") as into:
            into.add("event", rows("a"))
            into.add("event", rows("b").drop("price"))

    with pytest.raises(DataError, match="rows for table event have columns"):
        add_both()
    assert log.position() == 0


def test_failure_of_polars_is_an_error_of_ours(log: Log) -> None:
    """What goes wrong in writing is told as an error that names the log."""
    with pytest.raises(EtappeError, match=f"writing the log in {log.folder} failed: full"), log.transaction("test"):
        raise pl.exceptions.ComputeError("full")


def _left_behind(log: Log, position: int) -> Path:
    """A file as a commit leaves it that was killed after moving it in: its transaction's folder tells."""
    staged = log.folder / ".staging" / "deadbeef01234567"
    staged.mkdir()
    (staged / "lock").touch()
    path = log.folder / "event" / "day=2026-01-01" / f"{position:08d}-000000-deadbeef.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows("lost").write_parquet(path)
    return path


@pytest.mark.parametrize("position", [1, 2, 3])
def test_crash_before_the_commit(log: Log, position: int) -> None:
    """Files moved in by a commit that never came are invisible, and in quarantine after the next start; no others are."""
    add(log, "a")
    add(log, "b")
    orphan = _left_behind(log, position)
    again = Log(log.folder)
    assert (again.position(), ids(again.scan("event"))) == (2, ["a", "b"])
    assert orphan.exists()
    again.prepare()
    assert [file.path for file in again.state().of("event")] == parquet(again)
    assert [held.rows for held in quarantine.held(log.folder)] == [1]
    add(again, "c")
    assert (again.position(), ids(again.scan("event"))) == (3, ["a", "b", "c"])


def test_dead_staging_is_removed(log: Log) -> None:
    """What a dead process staged goes at the next start; what a living one is staging stays."""
    dead = log.folder / ".staging" / "dead"
    dead.mkdir()
    (dead / "lock").touch()
    half = log.folder / ".staging" / "00000001.json"
    half.write_text('{"position"')
    with log.transaction("test") as into:
        into.add("event", rows("a"))
        Log(log.folder).prepare()
        assert not dead.exists()
        assert not half.exists()
    assert ids(log.scan("event")) == ["a"]


def test_events_are_deduplicated(log: Log) -> None:
    """An event counts once however often it was committed, with what the first commit said; per customer."""
    with log.transaction("test") as into:
        into.add("event", rows("a", "b", "a"))
    with log.transaction("test") as into:
        into.add("event", rows("b", "c", price=9.0))
        into.add("event", rows("a", subject=b"other"))
        into.add("event", rows("a", subject=None).with_columns(order_id=pl.lit("o")))
        into.add("event", rows("a", subject=None, days=1).with_columns(order_id=pl.lit("o")))
    found = log.events().collect()
    expected = [("a", b"s", 1.0), ("b", b"s", 1.0), ("c", b"s", 9.0), ("a", b"other", 1.0), ("a", None, 1.0)]
    assert expected == list(found.select("event_id", "subject", "price").iter_rows())
    chosen = log.events(subjects=pl.Series([b"other"], dtype=pl.Binary))
    assert chosen.collect()["subject"].to_list() == [b"other"]


def test_positions_are_stable(log: Log) -> None:
    """The log up to a position is the same for ever, whatever is committed afterwards."""
    for name in "abc":
        add(log, name)
    assert ["a", "b"] == ids(log.events(position=2)) == ids(Log(log.folder).scan("event", position=2))
    assert [commit.position for commit in log.commits()] == [1, 2, 3]


def test_state_once_read_stays(log: Log) -> None:
    """What one thread reads of the log is not changed by another that looks for newer commits."""
    add(log, "a")
    before = log.state()
    add(log, "b")
    assert [len(list(state.of("event"))) for state in (before, log.state())] == [1, 2]


def test_order_of_arrival(log: Log) -> None:
    """Rows come in the order of commits, those of one commit by day; of events the first committed counts."""
    add(log, "a", days=5)
    with log.transaction("test") as into:
        into.add("event", pl.concat([rows("b", days=2), rows("c", days=1)]))
    with log.transaction("test") as into:
        into.add("event", pl.concat([rows("d", days=5), rows("a", days=0)]))
    assert ids(log.scan("event")) == ["a", "c", "b", "a", "d"]
    assert ids(log.events()) == ["a", "c", "b", "d"]
    assert log.events().collect()["time"].dt.day().to_list() == [6, 2, 3, 6]


def test_streams(log: Log) -> None:
    """Each stream's last id is that of the last commit that read of it."""
    add(log, "a", streams={"x": "1-1", "y": "1-9"})
    add(log, "b", streams={"x": "2-0"})
    add(log, "c")
    assert log.streams() == {"x": "2-0", "y": "1-9"}


def test_damaged_commit_is_told(log: Log) -> None:
    """A commit that cannot be read is an error that names it, never a shorter log."""
    add(log, "a")
    path = log.folder / "commits" / "00000001.json"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(DataError, match=r"00000001\.json is damaged: .*restore a backup"):
        Log(log.folder).commits()


def test_commit_in_the_place_of_another_is_told(log: Log) -> None:
    """A commit under another's number is an error, not rows that count twice and others that are missing."""
    for batch in ("a", "b"):
        add(log, batch)
    commits = log.folder / "commits"
    (commits / "00000002.json").write_bytes((commits / "00000001.json").read_bytes())
    with pytest.raises(DataError, match=r"00000002\.json is damaged: it holds commit 1; restore a backup"):
        Log(log.folder).state()


def test_an_older_log_put_in_its_place_is_told(log: Log, tmp_path: Path) -> None:
    """Who has the log open adds nothing to an older copy of it, where there would be a gap; put back, it is gone on with."""
    add(log, "a")
    shutil.copytree(log.folder, tmp_path / "older")
    add(log, "b")
    assert log.position() == 2
    log.folder.rename(tmp_path / "newer")
    (tmp_path / "older").rename(log.folder)
    with pytest.raises(DataError, match=r"00000002\.json is gone, which was there before; put the log back"):
        add(log, "c")
    assert Log(log.folder).position() == 1
    shutil.rmtree(log.folder)
    (tmp_path / "newer").rename(log.folder)
    add(log, "c")
    assert Log(log.folder).position() == 3


def test_commit_file_is_fixed(log: Log) -> None:
    """A commit written on the first day is read for ever."""
    text = '{"position":1,"source":"s","files":[{"table":"event","day":"2026-01-01","path":"p","rows":2}],"streams":{"x":"1-1"}}'
    (log.folder / "commits" / "00000001.json").write_text(text)
    file = module.LogFile("event", "2026-01-01", "p", 2)
    assert [Commit(position=1, source="s", files=(file,), streams={"x": "1-1"})] == log.commits()
    assert [msgspec.structs.replace(file, first=1, last=1)] == list(log.state().of("event"))


def test_older_files_lack_columns(log: Log) -> None:
    """A file from before a column was added is read with nulls in it."""
    add(log, "a")
    path = log.folder / parquet(log)[0]
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
                add(mine, f"{writer}-{number}")
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
        assert {f"{writer}-{number}" for writer in range(4) for number in range(6)} == set(ids(one.scan("event")))


def test_as_rows_of_milliseconds() -> None:
    """Times may be given as Unix milliseconds; columns not given are null."""
    found = as_rows("decision", {"decision": ["d"], "time": [1767268800123]})
    assert [("d", BEGIN + timedelta(milliseconds=123), None, None)] == list(found.iter_rows())
    assert found.schema == schema.DECISION


def _sold(orders: list[str | None], items: list[str], subject: bytes | None = None) -> pl.DataFrame:
    """Lines that all have the event_id `1`, a second apart."""
    count = len(orders)
    columns = {"event_id": ["1"] * count, "event": ["purchase"] * count, "subject": [subject] * count}
    times = [BEGIN + timedelta(seconds=number) for number in range(count)]
    return as_rows("event", columns | {"time": times, "received": times, "order_id": orders, "item_id": items})


def test_sales_of_nobody_are_told_by_their_orders(log: Log) -> None:
    """An id that tills use in each order is one event in each; said again in the same order, or of somebody, it is one."""
    for lines in (
        _sold(["a", "b", "c"], ["i", "i", "j"]),
        _sold(["b", "b"], ["i", "i"]),
        _sold(["a", "b"], ["i", "i"], b"s"),
    ):
        with log.transaction("test") as into:
            into.add("event", lines)
    found = log.events().select("order_id", "subject").collect().rows()
    assert found == [("a", None), ("b", None), ("c", None), ("a", b"s")]


def test_events_of_who_will_not_be_known_are_told_by_their_arrival(log: Log) -> None:
    """Two who deny may use the same ids: both count, and the row of one arrival that was written twice is one."""
    with log.transaction("test") as into:
        into.add("event", _sold([None, None], ["i", "i"]))
    with log.transaction("test") as into:
        into.add("event", _sold([None], ["i"]))
    assert log.events().collect().height == 2
