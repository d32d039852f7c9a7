"""Listing a log anew: from the files alone, every row once, at the positions that it had."""

import shutil
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.integration.log.entered import add, cut, ids, rows

from etappe.log import Log, as_rows, quarantine
from etappe.log.compaction import Limits
from etappe.log.relisting import relist

EAGER = Limits(many=3, quiet=1_000, grace_seconds=900, commits=1_000)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """A log of a few commits to two days and two tables, with merged files whose originals are there still."""
    found = Log(tmp_path / "log")
    found.prepare()
    for name in "abc":
        add(found, name, streams={"s": f"{ord(name)}-0"})
    found.compact(EAGER)
    for name in "de":
        add(found, name)
        found.compact(EAGER)
    add(found, "f", days=1)
    with found.transaction("test") as into:
        into.add("config", as_rows("config", {"position": ["1-1"], "kind": ["k"], "payload": ["{}"], "time": [1_000]}))
    return found


def _told(log: Log) -> list[list[str]]:
    return [ids(log.scan("event", position=position)) for position in range(10)]


def test_without_a_single_commit(log: Log) -> None:
    """With all commits gone every row is there once at its position; originals of merged files are in quarantine."""
    before = _told(log)
    shutil.rmtree(log.folder / "commits")
    done = relist(Log(log.folder), behind=20)
    assert (done.rows, done.position) == (7, 21)
    again = Log(log.folder)
    again.prepare()
    assert before == _told(again)
    assert again.scan("config").collect()["position"].to_list() == ["1-1"]
    assert {held.why for held in quarantine.held(log.folder)} == {quarantine.SUPERSEDED}
    assert len(quarantine.held(log.folder)) == done.quarantined > 0
    add(again, "g")
    assert (again.position(), ids(again.scan("event"))) == (22, [*"abcdef", "g"])


def test_only_what_lost_commits_was_listed_anew(log: Log) -> None:
    """The checkpoint says in which generation commits were missing; listing a log that has all of them says nothing."""
    relist(Log(log.folder), generation="first")
    assert Log(log.folder).state().relisted is None
    add(log, "h")
    add(log, "i")
    min((log.folder / "commits").glob("[0-9]*.json")).unlink()
    relist(Log(log.folder), generation="second")
    relist(Log(log.folder), generation="third")
    assert Log(log.folder).state().relisted == "second"


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 6, 7, 8])
def test_with_any_one_commit_gone(log: Log, number: int) -> None:
    """Whichever commit is missing, all rows come back at their positions, and what the others say of streams holds."""
    before = _told(log)
    path = log.folder / "commits" / f"{number:08d}.json"
    if not path.exists():
        return
    path.unlink()
    relist(Log(log.folder))
    again = Log(log.folder)
    again.prepare()
    assert before == _told(again)
    assert again.streams() == {"s": "99-0" if number != 3 else "98-0"}


def test_with_a_damaged_commit(log: Log) -> None:
    """A commit that cannot be read is as good as gone."""
    before = _told(log)
    cut(log.folder / "commits" / "00000002.json")
    relist(Log(log.folder))
    assert before == _told(Log(log.folder))


def test_originals_of_rewritten_files_do_not_come_back(log: Log) -> None:
    """Where a file was rewritten and its original is there still, the rows that were taken out stay out."""
    add(log, "x", "y", "z", days=2)
    originals = {file.path: (log.folder / file.path).read_bytes() for file in log.state().of("event")}
    log.rewrite(lambda table, found: found.filter(pl.col("event_id") != "y") if table == "event" else None)
    for path, data in originals.items():
        (log.folder / path).write_bytes(data)
    shutil.rmtree(log.folder / "commits")
    relist(Log(log.folder))
    assert ids(Log(log.folder).scan("event")) == [*"abcdef", "x", "z"]


def test_unreadable_files_and_leftovers_go_into_quarantine(log: Log) -> None:
    """What cannot be read and what a killed transaction left is set aside, each with its reason."""
    staged = log.folder / ".staging" / "deadbeef01"
    staged.mkdir()
    (staged / "lock").touch()
    for name in ("00000030-000000-deadbeef", "00000031-000000-aaaaaaaa"):
        rows("lost").write_parquet(log.folder / "event" / "day=2026-01-01" / f"{name}.parquet")
    cut(log.folder / "event" / "day=2026-01-01" / "00000031-000000-aaaaaaaa.parquet")
    shutil.rmtree(log.folder / "commits")
    relist(Log(log.folder))
    whys = {Path(held.path).name[:8]: held.why.split(",")[0] for held in quarantine.held(log.folder)}
    assert whys["00000030"] == quarantine.UNCOMMITTED.split(",")[0]
    assert whys["00000031"].startswith("no commit names it")
    assert "lost" not in ids(Log(log.folder).scan("event"))


_COMMITS = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=3), min_size=1, max_size=9)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(commits=_COMMITS, merged=st.sets(st.integers(0, 9)), gone=st.sets(st.integers(1, 18)), whole=st.booleans())
def test_whatever_is_gone(
    tmp_path_factory: pytest.TempPathFactory,
    commits: list[list[int]],
    merged: set[int],
    gone: set[int],
    whole: bool,
) -> None:
    """Whichever commits and checkpoints are lost, each row is there once, at every position that it had."""
    log = Log(tmp_path_factory.mktemp("any") / "log")
    log.prepare()
    for number, days in enumerate(commits):
        with log.transaction("test") as into:
            for at, day in enumerate(days):
                into.add("event", rows(f"{number}-{at}", days=day))
        if number in merged:
            log.compact(Limits(many=2, quiet=1_000, grace_seconds=900, commits=3))
    position = log.position()
    before = [sorted(ids(log.scan("event", position=at))) for at in range(position + 1)]
    for path in sorted((log.folder / "commits").iterdir()):
        if whole or (path.stem.isdecimal() and int(path.stem) in gone):
            path.unlink()
    relist(Log(log.folder), position)
    again = Log(log.folder)
    again.prepare()
    assert before == [sorted(ids(again.scan("event", position=at))) for at in range(position + 1)]
