"""Spreadsheets as rows of text."""

from pathlib import Path

import pytest
from tests.unit.importing.reading import workbooks

from etappe.errors import InputError
from etappe.importing.reading import sources
from etappe.importing.reading.source import Source

HEADER: list[workbooks.Cell] = ["id", "price", "at", "open"]


def _rows(source: Source) -> list[tuple]:
    return [row for batch in sources.rows(source) for row in batch.rows.iter_rows()]


def test_cells(tmp_path: Path) -> None:
    """Numbers are as typed, whole ones without a point, dates in ISO 8601, truth as words; empty rows are none."""
    row: list[workbooks.Cell] = [4006381333931.0, 24.9, (46143.5, workbooks.DATE), True]
    source = Source(workbooks.write(tmp_path / "a.xlsx", {"S": [HEADER, row, [], ["x"]]}))
    assert _rows(source) == [
        (2, "4006381333931", "24.9", "2026-05-01T12:00:00", "true"),
        (4, "x", None, None, None),
    ]
    assert (source.dialect.kind, source.dialect.header) == ("workbook", ("id", "price", "at", "open"))


def test_a_title_above_and_other_sheets(tmp_path: Path) -> None:
    """The header is found below a title, the first sheet with content is read, and both are told."""
    sheet: list[list[workbooks.Cell]] = [["Orders of May"], [], HEADER, ["1"]]
    source = Source(workbooks.write(tmp_path / "a.xlsx", {"Empty": [], "May": sheet, "June": sheet}))
    assert _rows(source) == [(4, "1", None, None, None)]
    said = " ".join(source.remarks)
    assert "'May' was read, not 'June'" in said
    assert "row 3" in said


def test_a_nameless_column(tmp_path: Path) -> None:
    """A column without a name that has content is refused by its number and line; an empty one is left out."""
    sheet: list[list[workbooks.Cell]] = [["id", None, "title"], ["1", None, "a"]]
    assert _rows(Source(workbooks.write(tmp_path / "a.xlsx", {"S": sheet}))) == [(2, "1", "a")]
    sheet.append(["2", None, "b", "more"])
    with pytest.raises(InputError, match="column 4 has no name, but 'more' in line 3"):
        _rows(Source(workbooks.write(tmp_path / "b.xlsx", {"S": sheet})))


def test_shortened_ids_are_told(tmp_path: Path) -> None:
    """Ids of so many digits that a spreadsheet cannot hold them are told of."""
    source = Source(workbooks.write(tmp_path / "a.xlsx", {"S": [["id"], [1.2345678901234567e18]]}))
    _rows(source)
    assert "shortened" in source.remarks[0]


def test_no_spreadsheet(tmp_path: Path) -> None:
    """An old or damaged spreadsheet is refused in one line."""
    path = tmp_path / "a.xls"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
    with pytest.raises(InputError, match=r"no spreadsheet that can be read; save it as \.xlsx"):
        sources.kind_of(path)
