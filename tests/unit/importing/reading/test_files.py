"""The files that somebody named."""

import zipfile
from pathlib import Path

import pytest

from etappe.errors import InputError
from etappe.importing.reading import files, sources


def _names(found: list, folder: Path) -> list[str]:
    return [str(one.relative_to(folder)) for one in found]


def test_patterns_and_archives(tmp_path: Path) -> None:
    """Patterns and archives stand for their files by name, each once, where they are named; systems' own are left out."""
    for name in ("b.csv", "a.csv", "c[1].csv"):
        (tmp_path / name).write_text("id\n1\n")
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        for name in ("in/y.csv", "in/x.csv", "__MACOSX/in/._x.csv", ".DS_Store"):
            archive.writestr(name, "id\n7\n")
    found = files.named([tmp_path / "b.csv", tmp_path / "?.csv", tmp_path / "z.zip", tmp_path / "c[1].csv"], "cp1250")
    assert _names(found, tmp_path) == ["b.csv", "a.csv", "z.zip/in/x.csv", "z.zip/in/y.csv", "c[1].csv"]
    assert {one.encoding for one in found} == {"cp1250"}
    assert [batch.rows["id"].to_list() for batch in sources.rows(found[2])] == [["7"]]


def test_what_is_not_there(tmp_path: Path) -> None:
    """A pattern without a file, a missing file, a folder and an archive without files are refused by name."""
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.mkdir("empty")
    for path, said in (
        ("*.csv", "no file matches"),
        ("a", "does not exist"),
        (".", "folder"),
        ("z.zip", "without files"),
    ):
        with pytest.raises(InputError, match=said):
            files.named([tmp_path / path])


def test_titles(tmp_path: Path) -> None:
    """What is made of several files together is named after the first."""
    assert files.title([tmp_path / "a.csv.gz"]) == "a"
    assert files.title([tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "c.csv"]) == "a-and-2-more"
