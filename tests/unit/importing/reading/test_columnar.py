"""Parquet columns as the text that CSV would have."""

import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from etappe.errors import InputError
from etappe.importing.reading import columnar

MOMENT = datetime(2025, 7, 1, 12, 0, 0, 500_000)  # noqa: DTZ001 - a time without a zone is what is tested


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pl.Series(["a", None]), ["a", None]),
        (pl.Series([17850.0, None, 2.5]), ["17850", None, "2.5"]),
        (pl.Series([7, None]), ["7", None]),
        (pl.Series([Decimal("2.50")]), ["2.50"]),
        (pl.Series([date(2025, 7, 1)]), ["2025-07-01T00:00:00"]),
        (pl.Series([MOMENT]), ["2025-07-01T12:00:00.500000"]),
        (
            pl.Series([MOMENT.replace(tzinfo=UTC)]).dt.convert_time_zone("Asia/Tokyo"),
            ["2025-07-01T12:00:00.500000Z"],
        ),
        (pl.Series([{"a": 1}, None]), ['{"a":1}', None]),
        (pl.Series(["x"], dtype=pl.Categorical), ["x"]),
        (pl.Series([None, None]), [None, None]),
    ],
)
def test_text(tmp_path: Path, column: pl.Series, expected: list[str | None]) -> None:
    """Each kind of column reads as a CSV of it would, gaps as null, with rows numbered from 1."""
    pl.DataFrame({"c": column}).write_parquet(tmp_path / "a.parquet")
    names, batches = columnar.read(tmp_path / "a.parquet")
    rows = [row for batch in batches for row in batch.rows.iter_rows()]
    assert names == ["c"]
    assert rows == list(enumerate(expected, start=1))


@pytest.mark.parametrize(("name", "values"), [("c", [[1]]), ("c", [b"x"]), (" line", ["x"])])
def test_refused(tmp_path: Path, name: str, values: list[object]) -> None:
    """A column of lists or bytes, and one with the name of our own, are refused by name."""
    pl.DataFrame({name: values}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match=f"column '{name}'"):
        columnar.read(tmp_path / "a.parquet")


def test_packed(tmp_path: Path) -> None:
    """Parquet in an archive is read as well."""
    pl.DataFrame({"c": ["x"]}).write_parquet(tmp_path / "a.parquet")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tmp_path / "a.parquet", "in/a.parquet")
    _, batches = columnar.read(tmp_path / "a.zip" / "in" / "a.parquet")
    assert [row for batch in batches for row in batch.rows.iter_rows()] == [(1, "x")]


def test_all_that_is_refused(tmp_path: Path) -> None:
    """One error names every column that cannot be text."""
    pl.DataFrame({"c": [[1]], "d": [b"x"], "e": [1]}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"column 'c' is .*column 'd' is"):
        columnar.read(tmp_path / "a.parquet")
