"""A log that has lost commits is told and left as it is: nothing is moved, nothing deleted, nothing written over."""

import shutil
from pathlib import Path

import pytest
from tests.integration.log.entered import add, ids, parquet, rows

from etappe.errors import DataError
from etappe.log import Log, findings, quarantine
from etappe.log.compaction import Limits
from etappe.log.findings import Evidence
from etappe.log.orphans import Orphan
from etappe.log.state import State


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """A log of three commits."""
    found = Log(tmp_path / "log")
    found.prepare()
    for name in "abc":
        add(found, name)
    return found


def _everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _refused(log: Log, words: str) -> None:
    """A start that would write is refused with these words, and all is as it was."""
    before = _everything(log.folder.parent)
    with pytest.raises(DataError, match=words):
        Log(log.folder).prepare()
    assert before == _everything(log.folder.parent)


def test_no_commits_at_all(log: Log) -> None:
    """Files without a single commit: the commits are gone, not the files."""
    shutil.rmtree(log.folder / "commits")
    _refused(log, r"ends with commit 0, and 3 files with rows that no commit names lie .*quarantine --relist")
    (log.folder / "commits").mkdir()
    _refused(log, "ends with commit 0")


def test_newest_commit_is_missing(log: Log) -> None:
    """The files of the newest commit tell that it was there."""
    (log.folder / "commits" / "00000003.json").unlink()
    _refused(log, r"ends with commit 2, and 1 file with rows that no commit names lies in .*00000003-")


def test_a_commit_in_between_is_missing(log: Log) -> None:
    """Commits behind a gap tell of it, even where the one that is missing brought no rows."""
    (log.folder / "commits" / "00000002.json").unlink()
    _refused(log, r"00000002\.json is missing, and with it all up to commit 3; restore a backup, or list")


def test_checkpoint_is_missing(log: Log) -> None:
    """Commits that begin behind a checkpoint tell that there was one."""
    log.compact(Limits(commits=1))
    add(log, "d")
    (log.folder / "commits" / "checkpoint.json").unlink()
    _refused(log, r"00000001\.json is missing, and with it all up to commit 4")


def test_a_checkpoint_vouches_for_its_own_commit(log: Log) -> None:
    """What a checkpoint holds needs no commit: without it all is there still."""
    log.compact(Limits(commits=1))
    (log.folder / "commits" / "00000003.json").unlink()
    again = Log(log.folder)
    again.prepare()
    assert ids(again.scan("event")) == ["a", "b", "c"]


def test_rewriting_deletes_no_file_of_a_lost_commit(log: Log) -> None:
    """Erasing people takes no file out of the log whose commit is missing; it says so."""
    (log.folder / "commits" / "00000003.json").unlink()
    before = parquet(log)
    with pytest.raises(DataError, match="ends with commit 2"):
        Log(log.folder).rewrite(lambda _table, _rows: None)
    assert before == parquet(log)


def test_strangers_are_set_aside(log: Log) -> None:
    """A file of rows that somebody put there is in quarantine after a start, not deleted."""
    path = log.folder / "event" / "day=2026-01-01" / "copy.parquet"
    rows("x").write_parquet(path)
    log.prepare()
    assert not path.exists()
    assert [(held.path, held.rows) for held in quarantine.held(log.folder)] == [
        ("event/day=2026-01-01/copy.parquet", 1)
    ]


def test_quarantine_writes_over_nothing(log: Log) -> None:
    """A second file of the same name gets a name of its own in quarantine."""
    path = log.folder / "event" / "day=2026-01-01" / "copy.parquet"
    for name in "xy":
        rows(name).write_parquet(path)
        log.prepare()
    found = [quarantine.read(log.folder, held.path)["event_id"].to_list() for held in quarantine.held(log.folder)]
    assert sorted(found) == [["x"], ["y"]]


def test_looking_changes_nothing(log: Log) -> None:
    """Evidence is gathered without a trace, also where there is no log."""
    (log.folder / "commits" / "00000003.json").unlink()
    before = _everything(log.folder.parent)
    evidence = Log(log.folder).inspect()
    assert [orphan.number for orphan in evidence.orphans] == [3]
    assert before == _everything(log.folder.parent)
    elsewhere = log.folder.parent / "nowhere"
    assert Log(elsewhere).inspect().blank
    assert not elsewhere.exists()


@pytest.mark.parametrize(("learned", "expected"), [(0, 0), (5, 0), (6, 1)])
def test_behind_a_snapshot(learned: int, expected: int) -> None:
    """A log that ends before what a snapshot learned from has lost something; one that ends with it has not."""
    evidence = Evidence(log=Path("log"), state=State(position=5), snapshots={"v1": learned, "v0": 1})
    assert len(findings.faults(evidence)) == expected


def test_what_others_tell_follows(log: Log) -> None:
    """Where the files tell what is missing, that alone is told."""
    orphan = Orphan("event/day=d/00000009-x.parquet", 9, leftover=False)
    evidence = Evidence(log=log.folder, state=State(position=5), orphans=(orphan,), snapshots={"v1": 9})
    assert [line.split(";")[0].endswith("(event/day=d/00000009-x.parquet)") for line in findings.faults(evidence)] == [
        True
    ]


def test_going_on_behind_what_is_lost(log: Log) -> None:
    """The next commit of a log that lost its end is numbered behind all that was known of it."""
    assert log.go_on_behind(9)
    add(log, "d")
    again = Log(log.folder)
    again.prepare()
    assert (again.position(), ids(again.scan("event"))) == (10, ["a", "b", "c", "d"])
    assert not again.go_on_behind(9)
