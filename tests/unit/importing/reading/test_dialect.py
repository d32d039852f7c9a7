"""What a file is, told by its content."""

import gzip
from pathlib import Path

import pytest

from etappe.errors import InputError
from etappe.importing.reading import dialect


def _of(path: Path, text: str | bytes) -> dialect.Dialect:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return dialect.of(path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.csv"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators(file: Path, separator: str) -> None:
    """What parts the columns is told by the file, whatever it is called and whatever else stands in cells."""
    rows = [["id", "title", "price"], ["1", "a; b, c", "x|y"], ["2", "d", "1\t5"]]
    text = "".join(separator.join(f'"{cell}"' for cell in row) + "\n" for row in rows)
    found = _of(file, text)
    assert (found.kind, found.separator, found.header) == ("delimited", separator, ("id", "title", "price"))


def test_decimal_commas_are_no_separators(file: Path) -> None:
    """Commas in amounts and texts do not make columns."""
    assert _of(file, "id;title;price\n1;Jug 1,2 l;24,90\n2;Cup, blue;1.299,00\n").separator == ";"


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;"])
def test_a_line_that_says_it(file: Path, first: str) -> None:
    """A first line as spreadsheets write it says the separator, and the header is below."""
    found = _of(file, f"{first}\r\nid,x;title\r\n1;2\r\n")
    assert (found.separator, found.header, found.line) == (";", ("id,x", "title"), 2)


def test_what_cannot_be_known(file: Path) -> None:
    """Where two separators are as likely, one error names both and the remedy."""
    with pytest.raises(
        InputError, match=r"comma \(2 columns\) or semicolon \(2 columns\); put sep=, or sep=; as a line"
    ):
        _of(file, "id;title,price\n1;a,2\n2;b,3\n")


def test_headers(file: Path) -> None:
    """Names are without marks, quotes and blanks around; a column without one has an empty name."""
    assert _of(file, '\ufeff"id" , My  title ,,\n1,2,,\n').header == ("id", "My title", "", "")
    over_two = _of(file, 'id,"Order\nnumber"\n1,2\n')
    assert (over_two.header, over_two.line) == (("id", "Order number"), 2)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'[{"id": 1}]', "json"),
        (b' \n{"id": 1}\n', "json"),
        (b"<rss/>", "xml"),
        ("<?xml?>".encode("utf-16"), "xml"),
        (b"id\n1\n", "delimited"),
        (gzip.compress(b'{"id": 1}', mtime=0), "json"),
    ],
)
def test_kinds(file: Path, content: bytes, kind: str) -> None:
    """The kind is told by how the content begins, packed or not, and never by the name."""
    assert _of(file, content).kind == kind


@pytest.mark.parametrize("text", ["a;b\n1;2\n", "a;b\r1;2\r", "a;b\r\n1;2\n"])
def test_line_ends(file: Path, text: str) -> None:
    """A header ends where its line does, whatever lines end with."""
    assert _of(file, text).header == ("a", "b")
