"""CSV records, the lines they begin on, and what is broken."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etappe.errors import InputError
from etappe.importing.reading import batch, delimited, lines, records
from etappe.importing.reading.source import Source
from etappe.importing.reading.text import texts


def _read(path: Path, text: str) -> tuple[list[tuple], list[tuple[int, str]]]:
    path.write_bytes(text.encode())
    _, batches = delimited.read(path)
    parts = list(batches)
    rows = [row for part in parts for row in part.rows.iter_rows()]
    return rows, [(one.line, one.reason) for part in parts for one in part.broken]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.csv"


def test_header_is_line_one(file: Path) -> None:
    """The first row below the header begins on line 2, as an editor shows it."""
    assert _read(file, "a,b\n1,2\n3,4\n") == ([(2, "1", "2"), (3, "3", "4")], [])


def test_empty_cells_are_null(file: Path) -> None:
    """An empty cell, quoted or not, is an absent value."""
    assert _read(file, 'a,b\n,2\n1,""\n') == ([(2, None, "2"), (3, "1", None)], [])


def test_mark_and_windows_line_ends(file: Path) -> None:
    """A byte order mark and carriage returns are no part of names and cells."""
    assert _read(file, "\ufeffa,b\r\n1,2\r\n\r\n") == ([(2, "1", "2")], [])


def test_quoted_line_breaks_keep_lines_counted(file: Path) -> None:
    """A record over three lines begins on its first, and the next one three lines later."""
    assert _read(file, 'a,b\n"x\n\ny",2\n3,4\n') == ([(2, "x\n\ny", "2"), (5, "3", "4")], [])


def test_quotes_and_commas_in_cells(file: Path) -> None:
    """Doubled quotes, commas in quotes, and inches in an unquoted cell are taken as meant."""
    expected = [(2, 'say "hi"', "1,2"), (3, '5" nail', '6" nail')]
    assert (expected, []) == _read(file, 'a,b\n"say ""hi""","1,2"\n5" nail,6" nail\n')


def test_wrong_number_of_fields(file: Path) -> None:
    """Rows with a field too many, quoted or not, are broken; those with too few are filled up with empty cells."""
    expected = ([(2, "1", None), (3, "3", "4"), (6, "1", None)], [(line, batch.TOO_WIDE) for line in (4, 5)])
    assert expected == _read(file, 'a,b\n1\n3,4\n1,2,3\n"1","2","3"\n"1"\n')


@pytest.mark.parametrize("count", [1, 199, 201, 5000])
def test_long_cells(file: Path, count: int) -> None:
    """A quoted cell may have any number of lines, also such as look like rows."""
    cell = "\n".join(f"<li>Part {n}, good</li>" for n in range(count))
    rows, broken = _read(file, f'a,b\n1,Short\n2,"{cell}"\n3,After\n')
    assert (rows, broken) == ([(2, "1", "Short"), (3, "2", cell), (3 + count, "3", "After")], [])


@pytest.mark.parametrize("cell", ['<li>A, x</li>\n<li>5" wide, y</li>\n<li>B, z</li>"', "<li>A, x</li>\n<li>B, z</li>"])
def test_broken_long_cells(file: Path, cell: str) -> None:
    """A quote that is wrong inside a cell of several lines, or missing at its end, costs the lines of its record alone."""
    rows, broken = _read(file, f'a,b\n1,x\n2,"{cell}\n3,After\n4,End\n')
    assert ([row[1] for row in rows], [line for line, _ in broken]) == (["1", "3", "4"], [3])


def test_a_stray_quote_that_another_closes(file: Path) -> None:
    """A stray quote does not take rows below into its cell, though a quote of theirs would end it."""
    rows, broken = _read(file, 'a,b,c,d\n1,"x,2,3\n2,y,5,6\n3,z,"7",8\n4,x,",",8\n')
    assert ([row[1] for row in rows], [line for line, _ in broken]) == (["2", "3", "4"], [2])
    rows, broken = _read(file, 'a,b,c,d\n1,"x,2,3\n2,y,5,6\n3,27",7\n4,x,7,8\n')
    assert ([row[1] for row in rows], broken) == (["2", "3", "4"], [(2, batch.OPEN_QUOTE)])


def test_an_endless_cell(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell over the bound, behind which no record is found, is refused with its line instead of being torn up."""
    monkeypatch.setattr(records, "LONGEST", 2000)
    with pytest.raises(InputError, match=r"a\.csv, line 2: a quoted cell of over"):
        _read(file, 'a,b\n1,"' + "x y\n" * 5000 + '"\n2,z\n')


def test_surplus_cells_that_are_empty(file: Path) -> None:
    """Empty cells beyond the header are no matter, quoted or not."""
    rows, broken = _read(file, 'a,b\n1,2,\n3,4,,,\n"5","6","", \n7,8,,9\n')
    assert (rows, broken) == ([(2, "1", "2"), (3, "3", "4"), (4, "5", "6")], [(5, batch.TOO_WIDE)])


def test_blanks_before_quotes(file: Path) -> None:
    """Where blanks stand behind separators, they are no part of cells, and quotes behind them are quotes."""
    rows, _ = _read(file, 'a, b, c\n1, "Tea, black", 3.5\n2, Cup, 4\n')
    assert rows == [(2, "1", "Tea, black", "3.5"), (3, "2", "Cup", "4")]
    assert _read(file, 'a,b\n1,"{""x"": ""y"", ""z"": 1}"\n')[0] == [(2, "1", '{"x": "y", "z": 1}')]


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r", "\r\n|\n|\r"])
def test_line_ends(file: Path, ends: str) -> None:
    """Lines of Unix, Windows and old Macs, and all of them mixed, are the same lines."""
    some = ends.split("|")
    text = "".join(line + some[at % len(some)] for at, line in enumerate(["a,b", "1,2", '"x', 'y",3', "4,5"]))
    assert _read(file, text) == ([(2, "1", "2"), (3, "x\ny", "3"), (5, "4", "5")], [])


def test_line_ends_across_blocks(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Windows line end that lies across two blocks is one."""
    text = "a,b\r\n" + "1,ü\r\n" * 50 + "2,3\r4,5"
    whole = _read(file, text)
    for size in (1, 2, 3, 5, 7):
        monkeypatch.setattr(texts, "BLOCK", size)
        assert whole == _read(file, text)


def test_unreadable_rows(file: Path) -> None:
    """A row with a NUL is broken with its line, quoted or not, over several lines or not; the others are read."""
    rows, broken = _read(file, 'a,b\n1,x\0\n2,"y\0"\n3,"z\n\0"\n4,ok\n')
    assert (rows, broken) == ([(6, "4", "ok")], [(line, batch.UNREADABLE) for line in (2, 3, 4)])


def test_short_rows_are_told(file: Path) -> None:
    """How many rows were filled up is said."""
    file.write_text('a,b,c\n1\n"2",3\n4,"5\n6"\n7,8,9\n')
    source = Source(file)
    list(delimited.read(source)[1])
    assert source.remarks == ["rows with fewer cells than the header, whose other cells are empty: 3"]


def test_shortened_ids_are_told(file: Path) -> None:
    """Ids that a spreadsheet shortened are told by column, count, example and line; amounts are no ids."""
    file.write_text("item_id;EAN;price\n1;4,00638E+12;1E+10\n2;4.00638E+12;1\n3;4006381333931;1\n")
    source = Source(file)
    list(delimited.read(source)[1])
    [said] = source.remarks
    assert said.startswith("column 'EAN' holds 2 ids that a spreadsheet has shortened, such as '4,00638E+12' in line 2")


def test_stray_quote_costs_one_line(file: Path) -> None:
    """A quote that nothing closes is one broken line; the lines below are read."""
    rows, broken = _read(file, 'a,b\n"x,1\n' + "3,4\n" * 500)
    assert (len(rows), broken) == (500, [(2, batch.OPEN_QUOTE)])


def test_junk_after_a_quote(file: Path) -> None:
    """Text behind a closing quote breaks its line only."""
    assert _read(file, 'a,b\n"x"y,1\n3,4\n') == ([(3, "3", "4")], [(2, batch.BAD_QUOTE)])


def test_cut_last_record(file: Path) -> None:
    """A last record whose quote is cut off is broken, not lost."""
    assert _read(file, 'a,b\n1,2\n"3') == ([(2, "1", "2")], [(3, batch.OPEN_QUOTE)])


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_batches_change_nothing(file: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Records that lie across two batches are read as in one."""
    text = 'a,b\n1,2\n"x\n\n\ny",2\n3,"4"\n"5\n6",7\n8\n"9\n",10\n'
    whole = _read(file, text)
    monkeypatch.setattr(lines, "BATCH", size)
    assert whole == _read(file, text)


@pytest.mark.parametrize(
    ("text", "said"), [("a,a\n1,2\n", "more than once"), ('"a\n', "header cannot be read, as a quote")]
)
def test_bad_header(file: Path, text: str, said: str) -> None:
    """A header that names a column twice, or is no CSV, is refused with its line."""
    file.write_text(text)
    with pytest.raises(InputError, match=f"line 1.*{said}"):
        delimited.read(file)


_cells = st.text(
    st.characters(codec="utf-8", exclude_characters="\r", exclude_categories=["Cc", "Cs"]) | st.just("\n"), max_size=8
)


@settings(deadline=None)
@given(st.lists(st.tuples(_cells, _cells, _cells), max_size=20))
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str, str]]) -> None:
    """Whatever the standard library writes is read back, cell by cell, with nothing broken."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([("a", "b", "c"), *cells])
    rows, broken = _read(tmp_path_factory.mktemp("csv") / "a.csv", text.getvalue())
    expected = [tuple(cell or None for cell in row) for row in cells]
    assert (expected, []) == ([row[1:] for row in rows], broken)


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=200))
def test_every_filled_line_is_accounted_for(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """No line of any text is lost: each is a row, broken, or inside a quoted cell."""
    rows, broken = _read(tmp_path_factory.mktemp("csv") / "a.csv", "a,b\n" + text)
    begun = sorted([row[0] for row in rows] + [line for line, _ in broken])
    inside = sum(str(cell).count("\n") for row in rows for cell in row[1:] if cell)
    joined = sum(one.text.count("\n") for part in delimited.read(_last(tmp_path_factory))[1] for one in part.broken)
    blank = sum(1 for line in text.split("\n") if line.removesuffix("\r") == "")
    filled = len(text.split("\n")) - blank
    assert len(set(begun)) == len(begun)
    assert filled <= len(begun) + inside + joined


def _last(factory: pytest.TempPathFactory) -> Path:
    folders = sorted(factory.getbasetemp().glob("csv*/a.csv"), key=lambda path: path.stat().st_mtime_ns)
    return folders[-1]
