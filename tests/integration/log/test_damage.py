"""Damaged and missing files: named with what they held, passed over by what can go on, healed from a whole copy."""

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from tests.integration.log.entered import add, cut, flip, ids, parquet, rows, unseal

from etappe.errors import DamagedFileError, DataError, InputError, NotFoundError
from etappe.log import Log, damage, mending, quarantine
from etappe.log.compaction import Limits

EAGER = Limits(many=3, quiet=1_000, grace_seconds=0, commits=1)
Harm = Callable[[Path], None]
HARMS = [cut, flip, Path.unlink]


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """A log of six commits to one day."""
    found = Log(tmp_path / "log")
    found.prepare()
    for name in "abcdef":
        add(found, name)
    return found


def _paths(log: Log) -> list[str]:
    return [file.path for file in log.state().of("event")]


def _copy(log: Log, path: str) -> Path:
    """A whole copy of a file, somewhere else."""
    copy = log.folder.parent / "copy.parquet"
    shutil.copyfile(log.folder / path, copy)
    return copy


@pytest.mark.parametrize("harm", HARMS)
def test_damage_is_named(log: Log, harm: Harm) -> None:
    """A file that is cut, changed or gone is named with table, day and rows; the others are not."""
    path = _paths(log)[1]
    harm(log.folder / path)
    assert [one.file.path for one in damage.deep(log.folder, log.state().all())] == [path]
    with pytest.raises(
        DamagedFileError, match=r"held 1 rows of table event, 2026-01-01; .*--heal BACKUP.*--aside event/"
    ):
        damage.refuse(damage.deep(log.folder, log.state().all()))


def test_size_is_seen_at_sight_and_content_only_by_reading(log: Log) -> None:
    """Without reading a file its size tells; a changed byte does not show in it."""
    first, second = _paths(log)[:2]
    cut(log.folder / first)
    flip(log.folder / second)
    assert [one.file.path for one in damage.at_sight(log.folder, log.state().all())] == [first]
    assert [one.file.path for one in damage.deep(log.folder, log.state().all())] == [first, second]


def test_files_without_checksums(log: Log) -> None:
    """Of files that an older version wrote, those that cannot be decoded or lost rows are damaged, the others whole."""
    log = unseal(log)
    first, second, third = _paths(log)[:3]
    cut(log.folder / first)
    pl.read_parquet(log.folder / second).clear().write_parquet(log.folder / second)
    (log.folder / third).unlink()
    assert [one.file.path for one in damage.deep(log.folder, log.state().all())] == [first, second, third]


def test_checksums_outlive_a_checkpoint(log: Log) -> None:
    """A checkpoint keeps size and checksum, merged files have their own."""
    log.compact(EAGER)
    for file in Log(log.folder).state().all():
        assert file.bytes == (log.folder / file.path).stat().st_size
        assert len(file.sha256) == 64


@pytest.mark.parametrize("harm", [cut, Path.unlink])
def test_reading_names_the_file(log: Log, harm: Harm) -> None:
    """What fails as a file cannot be read is told as damage of that file."""
    path = _paths(log)[1]
    harm(log.folder / path)
    with pytest.raises(DamagedFileError, match=path), log.reading():
        log.scan("event").collect()


@pytest.mark.parametrize("harm", HARMS)
def test_merging_passes_over_damage(log: Log, harm: Harm) -> None:
    """The damaged file is told once; from then on the files on both sides of it are merged, and it stays as it is."""
    path = _paths(log)[2]
    harm(log.folder / path)
    add(log, "g")
    with pytest.raises(DamagedFileError, match=path):
        log.compact(EAGER)
    assert log.compact(EAGER) == 4
    assert [file.rows for file in log.state().of("event")] == [1, 1, 1, 4]
    assert path in _paths(log)
    assert log.compact(EAGER) == 0


def test_other_content_is_not_vouched_for(log: Log) -> None:
    """Other rows in a file that can be read and has its size are damage too: neither merged nor rewritten as if right."""
    second, third = (log.folder / path for path in _paths(log)[1:3])
    assert second.stat().st_size == third.stat().st_size
    shutil.copyfile(second, third)
    with pytest.raises(DamagedFileError, match="its SHA-256 is not what was written"):
        log.compact(EAGER)
    with pytest.raises(DamagedFileError, match="its SHA-256 is not what was written"):
        log.rewrite(lambda _table, found: found.with_columns(price=pl.lit(None, pl.Float64)))
    assert [file.rows for file in log.state().of("event")] == [1] * 6
    assert _paths(log)[2] == str(third.relative_to(log.folder))


def test_merging_takes_up_what_was_healed(log: Log) -> None:
    """A file that was damaged once and is whole again is merged."""
    path = _paths(log)[2]
    copy = _copy(log, path)
    cut(log.folder / path)
    with pytest.raises(DamagedFileError):
        log.compact(EAGER)
    mending.heal(log, {path: copy})
    assert log.compact(EAGER) == 6
    assert ids(log.scan("event")) == list("abcdef")


@pytest.mark.parametrize("harm", HARMS)
def test_rewriting_goes_through_the_others(log: Log, harm: Harm) -> None:
    """What is to go is gone from all files but the damaged one, which is told."""
    path = _paths(log)[2]
    harm(log.folder / path)
    with pytest.raises(DamagedFileError, match=path):
        log.rewrite(lambda _table, found: found.filter(pl.col("event_id") != "e"))
    assert len(_paths(log)) == 5
    assert path in _paths(log)
    mending.set_aside(log, path)
    assert ids(log.scan("event")) == ["a", "b", "d", "f"]
    assert log.rewrite(lambda _table, _rows: None) == 0


@pytest.mark.parametrize("harm", HARMS)
def test_set_aside(log: Log, harm: Harm) -> None:
    """The log goes on without a damaged file and remembers what is missing; the file is in quarantine, for good."""
    path = _paths(log)[1]
    harm(log.folder / path)
    mending.set_aside(log, path)
    log.compact(Limits(many=100, grace_seconds=0, commits=1))
    again = Log(log.folder)
    again.prepare()
    assert (ids(again.scan("event")), again.rows("event")) == (["a", "c", "d", "e", "f"], 5)
    assert [(file.path, file.rows) for file in again.state().missing] == [(path, 1)]
    assert [(held.path, held.rows, held.why.split(":")[0]) for held in quarantine.held(log.folder)] == [
        (path, 1, "set aside")
    ]
    assert (quarantine.folder_of(log.folder) / path).exists() is (harm is not Path.unlink)


def test_only_damage_is_set_aside(log: Log) -> None:
    """A whole file, or one that is none of the log's, stays where it is."""
    with pytest.raises(InputError, match="is whole"):
        mending.set_aside(log, _paths(log)[0])
    with pytest.raises(NotFoundError, match="is no live file"):
        mending.set_aside(log, "event/day=2026-01-01/x.parquet")
    assert (len(parquet(log)), quarantine.held(log.folder)) == (6, [])


def test_setting_aside_that_was_broken_off(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between its two steps it is done again, and nothing is lost."""
    path = _paths(log)[1]
    cut(log.folder / path)

    def killed(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Log, "_commit", killed)
        with pytest.raises(KeyboardInterrupt):
            mending.set_aside(log, path)
    assert [one.file.path for one in damage.at_sight(log.folder, log.state().all())] == [path]
    mending.set_aside(log, path)
    assert [held.path for held in quarantine.held(log.folder)] == [path]
    assert (quarantine.folder_of(log.folder) / path).exists()


@pytest.mark.parametrize("aside", [True, False])
@pytest.mark.parametrize("harm", HARMS)
def test_healing(log: Log, harm: Harm, aside: bool) -> None:
    """A whole copy brings the rows back into their old place, at every position; nothing is missing then."""
    path = _paths(log)[1]
    copy = _copy(log, path)
    harm(log.folder / path)
    if aside:
        mending.set_aside(log, path)
    assert [file.path for file in mending.to_heal(log)] == [path]
    assert [file.path for file in mending.heal(log, {path: copy})] == [path]
    log.compact(Limits(many=100, grace_seconds=0, commits=1))
    for one in (log, Log(log.folder)):
        assert [ids(one.scan("event", position=position)) for position in (1, 2, 6)] == [
            ["a"],
            ["a", "b"],
            list("abcdef"),
        ]
        assert (one.state().missing, mending.to_heal(one), quarantine.held(one.folder)) == ((), [], [])
    log.prepare()
    assert ids(Log(log.folder).scan("event")) == list("abcdef")


def test_another_file_heals_nothing(log: Log) -> None:
    """A copy that is not the very same file is refused, and all stays as it is."""
    first, second = _paths(log)[:2]
    copy = _copy(log, first)
    cut(log.folder / second)
    with pytest.raises(DataError, match=f"the copy of {second} is damaged"):
        mending.heal(log, {second: copy})
    assert [file.path for file in mending.to_heal(log)] == [second]


def test_rows_of_whole_files_of_a_day(log: Log) -> None:
    """Who must go on reads what can be read of a day."""
    cut(log.folder / _paths(log)[1])
    assert ids(log.readable("event", "2026-01-01")) == ["a", "c", "d", "e", "f"]


def test_rows_put_back_are_added_once(log: Log) -> None:
    """Rows out of quarantine come in by a commit, those that the log has already are left out; the file is gone."""
    orphan = log.folder / "event" / "day=2026-01-01" / "some.parquet"
    pl.concat([rows("a"), rows("x"), rows("x", subject=None)]).write_parquet(orphan)
    log.prepare()
    held = [held.path for held in quarantine.held(log.folder)]
    done = mending.put_back(log, tuple(held))
    assert [(one.held.rows, one.added, one.subjects) for one in done] == [(3, 2, (b"s",))]
    assert (ids(log.scan("event")), quarantine.held(log.folder)) == ([*"abcdef", "x", "x"], [])
    with pytest.raises(NotFoundError, match="is not in quarantine"):
        mending.put_back(log, tuple(held))


def test_what_is_no_table_is_not_put_back(log: Log) -> None:
    """A file with other columns than its table's stays in quarantine, and so does a damaged one."""
    pl.DataFrame({"x": [1]}).write_parquet(log.folder / "event" / "day=2026-01-01" / "other.parquet")
    log.prepare()
    with pytest.raises(DataError, match="cannot be read as rows of table event"):
        mending.put_back(log, ())
    quarantine.remove(log.folder, quarantine.held(log.folder)[0].path)
    path = _paths(log)[0]
    flip(log.folder / path)
    mending.set_aside(log, path)
    with pytest.raises(DataError, match="is damaged; bring it back"):
        mending.put_back(log, ())
    assert len(quarantine.held(log.folder)) == 1


def test_rewriting_reaches_into_quarantine(log: Log) -> None:
    """What is to go is gone from quarantine too, and a file with nothing left with it."""
    for name, held in (("one", ("p", "q")), ("two", ("p",))):
        rows(*held).write_parquet(log.folder / "event" / "day=2026-01-01" / f"{name}.parquet")
    log.prepare()

    def keep(_table: str, found: pl.DataFrame) -> pl.DataFrame | None:
        kept = found.filter(pl.col("event_id") != "p")
        return None if kept.height == found.height else kept

    assert log.rewrite(keep) == 2
    assert [(held.path, held.rows) for held in quarantine.held(log.folder)] == [("event/day=2026-01-01/one.parquet", 1)]
    assert mending.put_back(log, ())[0].added == 1
    assert ids(log.scan("event")) == [*"abcdef", "q"]
