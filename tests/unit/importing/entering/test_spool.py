"""Rows on disk between reading and the log."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from etappe.importing.entering import spool
from etappe.importing.entering.spool import Portion, Spool
from etappe.log import Log


def _add(into: Spool, *rows: tuple[int, int, str | None], subject: bytes | None = b"s") -> None:
    """Adds rows (line, day, event_id)."""
    start = datetime(2020, 1, 1, tzinfo=UTC)
    frame = pl.DataFrame(
        [(line, start + timedelta(days=day), given) for line, day, given in rows],
        schema={"line": pl.Int64, "time": pl.Datetime("us", "UTC"), "event_id": pl.String},
        orient="row",
    )
    others = [
        name for name in spool.SCHEMA if name not in (*frame.columns, "derived", "given", "part", "subject", "content")
    ]
    content = pl.format("hash{}", "line").alias("content")
    into.add(
        frame.with_columns([pl.lit(None).alias(name) for name in others] + [content, pl.lit(subject).alias("subject")])
    )


@pytest.fixture
def rows(tmp_path: Path):
    with spool.opened(tmp_path) as opened:
        yield opened


def test_portions_hold_every_row_once(rows: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quiet days are taken together, a crowded one in parts, and every row comes once."""
    monkeypatch.setattr(spool, "ROWS_AT_ONCE", 10)
    for batch in range(5):
        _add(rows, *((batch * 100 + line, day, None) for line, day in enumerate([0, 0, 1, 3, *[5] * 8])))
    portions = rows.portions()
    lines = sorted(line for portion in portions for line in rows.portion(portion)["line"].to_list())
    assert sorted(batch * 100 + line for batch in range(5) for line in range(12)) == lines
    assert [portion.parts for portion in portions] == [1, 1, 4, 4, 4, 4]


def test_repeated_ids(rows: Spool) -> None:
    """A given id is repeated where an earlier line has it for the same subject, on whatever day and in any batch."""
    _add(rows, (1, 3, "a"), (2, 0, "b"), (3, 0, None))
    _add(rows, (4, 0, "a"), (5, 0, "c"), (6, 0, None), (7, 9, "a"))
    _add(rows, (8, 0, "a"), subject=b"other")
    assert rows.repeated_ids()["line"].to_list() == [4, 7]


def test_nothing(rows: Spool) -> None:
    """An empty spool has no portions, repetitions or subjects."""
    assert (rows.portions(), len(rows.repeated_ids()), len(rows.subjects())) == ([], 0, 0)


def test_days_of_a_portion() -> None:
    """The days of a portion are named as the log names them."""
    portion = Portion(datetime(2020, 2, 28, tzinfo=UTC).date(), datetime(2020, 3, 1, tzinfo=UTC).date())
    assert portion.days() == ["2020-02-28", "2020-02-29", "2020-03-01"]


def test_removed_at_the_end(tmp_path: Path) -> None:
    """Nothing stays in the log's folder, and the log's clean-up leaves a spool in use alone."""
    log = Log(tmp_path)
    log.prepare()
    with spool.opened(tmp_path) as opened:
        _add(opened, (1, 0, None))
        log.prepare()
        assert opened.scan().collect().height == 1
    assert list((tmp_path / ".staging").iterdir()) == []


def test_a_subject_is_in_one_part(rows: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a crowded day all rows of one subject come together; what nobody did is spread."""
    monkeypatch.setattr(spool, "ROWS_AT_ONCE", 10)
    for subject in range(20):
        _add(rows, *((100 * subject + line, 0, None) for line in range(3)), subject=bytes([subject]))
    _add(rows, *((10_000 + line, 0, None) for line in range(60)), subject=None)
    portions = [rows.portion(portion) for portion in rows.portions()]
    where = [set(portion["subject"].drop_nulls()) for portion in portions]
    assert sum(map(len, where)) == len(set().union(*where)) == 20
    assert sum(portion["subject"].null_count() > 0 for portion in portions) > 6
    assert sum(portion.height for portion in portions) == 120
