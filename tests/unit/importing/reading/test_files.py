"""The files that somebody named."""

import os
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


@pytest.mark.parametrize("name", ["/etc/hostname", "../b.csv", "in/../../b.csv"])
def test_names_that_lead_out_of_an_archive(tmp_path: Path, name: str) -> None:
    """An archive that names a file outside of itself is refused; nothing beside it is read for it."""
    (tmp_path / "b.csv").write_text("id\n1\n")
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr(name, "id\n2\n")
    with pytest.raises(InputError, match="outside of it; pack it anew"):
        files.named([tmp_path / "z.zip"])


def test_an_archive_in_an_archive(tmp_path: Path) -> None:
    """An archive in an archive is refused as what it is."""
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.writestr("a.csv", "id\n1\n")
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.write(tmp_path / "in.zip", "in.zip")
    with pytest.raises(InputError, match="an archive in an archive; unpack the outer one"):
        sources.kind_of(files.named([tmp_path / "z.zip"])[0])


def test_pipes_and_devices(tmp_path: Path) -> None:
    """What would never come or never end is refused at once, by a link too."""
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    for name in ("pipe.csv", "zero.csv"):
        with pytest.raises(InputError, match="a pipe or device"):
            files.named([tmp_path / name])
