"""The file of rejected rows appears whole or not at all."""

from pathlib import Path

import pytest

from etappe.importing.judging import rejected_file


def test_kept(tmp_path: Path) -> None:
    """A kept file has one JSON a row."""
    with rejected_file.opened(tmp_path / "rejected", "a") as file:
        file.add(3, "bad", {"x": "ü"})
        file.keep()
    assert (tmp_path / "rejected" / "a.jsonl").read_text() == '{"line":3,"reason":"bad","row":{"x":"ü"}}\n'
    assert str(tmp_path / "rejected" / "a.jsonl") == file.kept


def test_nothing_stays_of_a_failure(tmp_path: Path) -> None:
    """Where the import fails, the file of an earlier one stays as it was."""
    (tmp_path / "a.jsonl").write_text("before")

    def fail() -> None:
        with rejected_file.opened(tmp_path, "a") as file:
            file.add(3, "bad", "text")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.jsonl", "before")]


def test_no_row_no_file(tmp_path: Path) -> None:
    """Without a rejected row, that of an earlier import of the file goes."""
    (tmp_path / "a.jsonl").write_text("before")
    with rejected_file.opened(tmp_path, "a") as file:
        file.keep()
    assert (list(tmp_path.iterdir()), file.kept) == ([], None)
