"""Spreadsheets as rows of text."""

import zipfile
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


@pytest.mark.parametrize("place", ["XFD1048576", "B4294967290", "ZZZZZZZ9"])
def test_a_cell_far_from_all_others(tmp_path: Path, place: str) -> None:
    """A cell for which a sheet of billions would be made is named, and the process goes on."""
    far = f'<row r="9"><c r="{place}"><v>1</v></c></row></sheetData>'
    path = _changed(tmp_path, "xl/worksheets/s1.xml", "</sheetData>", far)
    with pytest.raises(InputError, match=rf"stands at {place[:9]}.*delete it"):
        sources.kind_of(path)


def test_a_cell_some_columns_away(tmp_path: Path) -> None:
    """A sheet may be wide: a cell in column AAA is read."""
    path = _changed(
        tmp_path, "xl/worksheets/s1.xml", "</row></sheetData>", '<c r="AAA2"><v>1</v></c></row></sheetData>'
    )
    with pytest.raises(InputError, match="column 703 has no name, but '1' in line 2"):
        _rows(Source(path))


def test_texts_that_are_not_there(tmp_path: Path) -> None:
    """A number of texts that the file cannot hold is refused before room is made for them."""
    path = workbooks.write(tmp_path / "a.xlsx", {"S": [["id"], ["1"]]})
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(
            "xl/sharedStrings.xml", f'<sst xmlns="{main}" uniqueCount="4000000000"><si><t>a</t></si></sst>'
        )
    with pytest.raises(InputError, match="claims more texts than it can hold"):
        sources.kind_of(path)


def test_an_entity(tmp_path: Path) -> None:
    """A sheet with an entity of its own is refused in one line; none is made larger or read from elsewhere."""
    path = _changed(tmp_path, "xl/worksheets/s1.xml", "<t>1</t>", "<t>&lol;</t>")
    with pytest.raises(InputError, match="no spreadsheet that can be read"):
        _rows(Source(path))


def _changed(folder: Path, part: str, before: str, after: str) -> Path:
    """A workbook with something else in one of its parts."""
    whole = zipfile.ZipFile(workbooks.write(folder / "whole.xlsx", {"S": [["id"], ["1"]]}))
    with zipfile.ZipFile(folder / "a.xlsx", "w") as archive:
        for name in whole.namelist():
            content = whole.read(name).decode()
            assert name != part or before in content
            archive.writestr(name, content.replace(before, after) if name == part else content)
    return folder / "a.xlsx"
