"""Rewriting: what is to go is gone from every file, all at once, and what stays keeps its place."""

from pathlib import Path

import polars as pl
import pytest
from tests.integration.log.entered import BEGIN, add, ids, parquet, rows

from etappe.errors import DataError
from etappe.log import Log, as_rows, schema
from etappe.log.compaction import Limits

EAGER = Limits(many=3, quiet=1_000)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """An empty log."""
    found = Log(tmp_path / "log")
    found.prepare()
    return found


def _without(*names: str) -> "_Keep":
    return _Keep(names)


class _Keep:
    """Drops events with these ids, and notes what it was asked of."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.asked: list[tuple[str, list[str]]] = []

    def __call__(self, table: str, found: pl.DataFrame) -> pl.DataFrame | None:
        self.asked.append((table, found[found.columns[0]].to_list()))
        kept = found.filter(~pl.col(found.columns[0]).is_in(self.names))
        return None if kept.height == found.height else kept


def test_rows_go(log: Log) -> None:
    """Rows that are not kept are in no file any more, merged or not; the others are where they were."""
    for name in "abc":
        add(log, name)
    log.compact(EAGER)
    add(log, "d", "e")
    add(log, "f")
    assert log.rewrite(_without("b", "d", "f")) == 3
    assert ids(log.scan("event")) == ["a", "c", "e"]
    assert [ids(log.scan("event", position=position)) for position in (1, 2, 3)] == [["a"], ["a"], ["a", "c"]]
    assert parquet(log) == sorted(file.path for file in log.state().of("event"))
    found = {name for path in parquet(log) for name in pl.read_parquet(log.folder / path)["event_id"]}
    assert (found, log.rows("event"), ids(Log(log.folder).events())) == ({"a", "c", "e"}, 3, ["a", "c", "e"])


def test_cells_change(log: Log) -> None:
    """Cells may be changed, in every table; what is not changed keeps its file."""
    config = as_rows("config", {"position": ["1-1"], "kind": ["k"], "payload": ["{}"], "time": [BEGIN]})
    with log.transaction("test") as into:
        into.add("config", config)
        into.add("event", rows("a", "b"))
        into.add("event", rows("c", days=1))
    before = parquet(log)

    def keep(table: str, found: pl.DataFrame) -> pl.DataFrame | None:
        assert set(found.columns) == {*schema.TABLES[table].names(), "commit"}
        if table == "config" or "c" in found["event_id"].to_list():
            return None
        return found.with_columns(pl.when(pl.col("event_id") == "a").then(None).otherwise("subject").alias("subject"))

    assert log.rewrite(keep) == 1
    assert log.scan("event").select("event_id", "subject").collect().rows() == [("a", None), ("b", b"s"), ("c", b"s")]
    assert config.equals(log.scan("config").collect())
    assert len(set(before) & set(parquet(log))) == 2


def test_a_file_with_nothing_left_goes(log: Log) -> None:
    """A file of which no row is kept is not replaced, and a day without files is no day of the log."""
    add(log, "a")
    add(log, "b", days=1)
    log.rewrite(_without("a"))
    assert (log.days("event"), ids(log.scan("event")), len(parquet(log))) == (["2026-01-02"], ["b"], 1)


def test_order_within_a_commit(log: Log) -> None:
    """Of two files of one commit and day, the one that is rewritten stays where it was."""
    with log.transaction("test") as into:
        into.add("event", rows("a", "x", price=1.0))
        into.add("event", rows("b", "a", price=2.0))
    log.rewrite(_without("x"))
    assert ids(log.scan("event")) == ["a", "b", "a"]
    assert log.events().collect()["price"].to_list() == [1.0, 2.0]


def test_nothing_to_change(log: Log) -> None:
    """Where all stays as it is there is no commit."""
    add(log, "a")
    assert (log.rewrite(_without("x")), log.position()) == (0, 1)


def test_everything_out_of_date_goes(log: Log) -> None:
    """Merged files in their grace, leftovers of killed commits and of dead transactions go at once."""
    for name in "abc":
        add(log, name)
    log.compact(EAGER)
    orphan = log.folder / "event" / "day=2026-01-01" / "00000001-000000-dead.parquet"
    rows("lost").write_parquet(orphan)
    dead = log.folder / ".staging" / "dead"
    dead.mkdir()
    rows("lost").write_parquet(dead / "x.parquet")
    assert len(parquet(log)) == 6
    log.rewrite(_without())
    assert parquet(log) == [file.path for file in log.state().of("event")]


def test_rows_that_come_meanwhile(log: Log) -> None:
    """What is committed while files are rewritten is asked of too."""
    add(log, "a")
    keep = _without("late")
    came = list[int]()

    def overtaken(table: str, found: pl.DataFrame) -> pl.DataFrame | None:
        if not came:
            came.append(1)
            add(log, "late", "b")
        return keep(table, found)

    assert log.rewrite(overtaken) == 1
    assert ids(log.scan("event")) == ["a", "b"]
    assert keep.asked == [("event", ["a"]), ("event", ["late", "b"])]


def test_a_failure_changes_nothing(log: Log) -> None:
    """Where one file fails, all stay as they were."""
    add(log, "a")
    add(log, "b")

    def keep(_table: str, found: pl.DataFrame) -> pl.DataFrame | None:
        if "b" in found["event_id"].to_list():
            raise RuntimeError("broken off")
        return found.clear()

    before = parquet(log)
    with pytest.raises(RuntimeError, match="broken off"):
        log.rewrite(keep)
    assert (ids(log.scan("event")), parquet(log), log.position()) == (["a", "b"], before, 2)


def test_other_columns_are_refused(log: Log) -> None:
    """Rows with other columns than they had are refused."""
    add(log, "a")
    with pytest.raises(DataError, match="would change its columns"):
        log.rewrite(lambda _table, found: found.drop("price"))
    assert ids(log.scan("event")) == ["a"]
