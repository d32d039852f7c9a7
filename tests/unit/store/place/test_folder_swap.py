"""Putting a restored place into a folder that somebody else mounts things into."""

import errno
from pathlib import Path

import pytest

from etappe.settings import FILE_NAME
from etappe.store.place import folder_swap


def test_mounted_settings_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that are a mount of their own, as in a pod, cannot be moved; all else is swapped."""
    (tmp_path / FILE_NAME).write_text("# mounted")
    (tmp_path / "secret").write_text("before")
    made = folder_swap.begin(tmp_path)
    for name in (FILE_NAME, "secret"):
        (made / name).write_text("restored")
    folder_swap.ready(tmp_path, replaces=True)
    rename = Path.rename

    def busy(path: Path, to: Path) -> Path:
        if path == tmp_path / FILE_NAME:
            raise OSError(errno.EBUSY, "Device or resource busy")
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", busy)
    folder_swap.swap(tmp_path)
    folder_swap.finish(tmp_path)
    assert (tmp_path / FILE_NAME).read_text() == "# mounted"
    assert (tmp_path / "secret").read_text() == "restored"
    folder_swap.refuse_unfinished(tmp_path)
