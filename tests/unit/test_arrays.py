"""Array folders: whole or not at all, verified before use."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from etappe import arrays
from etappe.arrays import MANIFEST, Manifest
from etappe.errors import DataError

KIND, FORMAT = "thing", 3
GIVEN = {
    "whole": np.arange(6, dtype=np.int32).reshape(2, 3),
    "turned": np.arange(6, dtype=np.float64).reshape(2, 3).T,
    "empty": np.zeros((0, 4), np.float32),
    "single": np.array(7.5),
    "packed": np.array([(1, 2.0)], dtype=[("a", "<u8"), ("b", "<f4")]),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A whole array folder."""
    arrays.write(tmp_path / "v1", Manifest(kind=KIND, format=FORMAT, version="v1", created="today"), GIVEN)
    return tmp_path / "v1"


@pytest.mark.parametrize("name", GIVEN)
def test_round_trip(folder: Path, name: str) -> None:
    """Arrays of any shape and order come back as they were written, shape and dtype included."""
    found = arrays.open_verified(folder, KIND, FORMAT)[1][name]
    assert (GIVEN[name].dtype, GIVEN[name].shape) == (found.dtype, found.shape)
    assert np.array_equal(GIVEN[name], found)


def test_manifest_round_trip(tmp_path: Path) -> None:
    """What the manifest says of version, log position, parameters and metrics comes back."""
    given = Manifest(
        kind=KIND,
        format=FORMAT,
        version="v2",
        created="2026-01-02",
        digest="d",
        log_position=7,
        parameters={"k": [1, "two"]},
        metrics={"recall": 0.5},
    )
    written = arrays.write(tmp_path / "v2", given, {"a": np.zeros(2)})
    read, _ = arrays.open_verified(tmp_path / "v2", KIND, FORMAT)
    assert written == read
    assert msgspec.structs.replace(given, arrays=written.arrays) == read


def test_opened_arrays_are_read_only(folder: Path) -> None:
    """A mapped array cannot be written to, so no request can change a snapshot."""
    found = arrays.open_verified(folder, KIND, FORMAT)[1]["whole"]
    with pytest.raises(ValueError, match="read-only"):
        found[0, 0] = 1


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


@pytest.mark.parametrize("damage", [_flip, _truncate, _lengthen, Path.unlink])
def test_damaged_array_is_refused(folder: Path, damage: Callable[[Path], object]) -> None:
    """An array with a flipped bit, one byte less or more, or no file at all is refused, and named."""
    damage(folder / "whole.npy")
    with pytest.raises(DataError, match=r"whole\.npy .*anew"):
        arrays.open_verified(folder, KIND, FORMAT)


@pytest.mark.parametrize(
    "damage", [_truncate, Path.unlink, lambda path: path.write_bytes(b"\xff"), lambda path: path.write_text("{}")]
)
def test_damaged_manifest_is_refused(folder: Path, damage: Callable[[Path], object]) -> None:
    """A manifest that is cut off, missing, no JSON, or lacks what it must say is refused, and named."""
    damage(folder / MANIFEST)
    with pytest.raises(DataError, match=r"manifest\.json (cannot be read|is no manifest)"):
        arrays.open_verified(folder, KIND, FORMAT)


@pytest.mark.parametrize(("kind", "known"), [("other", FORMAT), (KIND, FORMAT + 1)])
def test_other_kind_or_format_is_refused(folder: Path, kind: str, known: int) -> None:
    """A folder of another kind or format is refused with a word on what it holds and what is read."""
    with pytest.raises(DataError, match=f"holds a thing format 3, this version reads {kind} format {known}"):
        arrays.open_verified(folder, kind, known)


def test_manifest_must_describe_the_array(folder: Path) -> None:
    """An array whose shape is not the manifest's is refused even where its digest fits."""
    manifest = Manifest.read(folder)
    wrong = msgspec.structs.replace(manifest.arrays["whole"], shape=(3, 2))
    changed = msgspec.structs.replace(manifest, arrays={"whole": wrong})
    (folder / MANIFEST).write_bytes(msgspec.json.encode(changed))
    with pytest.raises(DataError, match=r"holds int32\(2, 3\), the manifest says int32\(3, 2\)"):
        arrays.open_verified(folder, KIND, FORMAT)


def test_pickles_are_refused(tmp_path: Path) -> None:
    """An array of Python objects is not written: it could be read by unpickling alone."""
    manifest = Manifest(kind=KIND, format=FORMAT, version="v", created="")
    with pytest.raises(ValueError, match="allow_pickle"):
        arrays.write(tmp_path / "v", manifest, {"fine": np.zeros(1), "objects": np.array([{}], object)})
    assert list(tmp_path.iterdir()) == []


def test_half_written_is_never_visible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the last file is on the disk no folder of that name exists; a failure leaves nothing behind."""
    seen: list[bool] = []

    def full(path: Path, data: bytes) -> None:
        seen.append((tmp_path / "v").exists())
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(arrays, "write_synced", full)
    with pytest.raises(OSError, match="No space left"):
        arrays.write(tmp_path / "v", Manifest(kind=KIND, format=FORMAT, version="v", created=""), {"a": np.zeros(3)})
    assert seen == [False]
    assert list(tmp_path.iterdir()) == []


def test_existing_folder_is_not_replaced(folder: Path) -> None:
    """A version once written is immutable: writing it again fails and leaves it as it is."""
    with pytest.raises(OSError, match=r"[Nn]ot empty|exists"):
        arrays.write(folder, Manifest(kind=KIND, format=FORMAT, version="v1", created=""), {"a": np.zeros(1)})
    assert set(GIVEN) == set(arrays.open_verified(folder, KIND, FORMAT)[1])
    assert [folder] == list(folder.parent.iterdir())


def test_what_is_put_on_the_disk_is_the_array(tmp_path: Path) -> None:
    """An array that lies on the disk is written as one in memory, also where it is longer than what is copied at once."""
    numbers = np.arange(3_000_000, dtype=np.int32)
    spooled = arrays.Spooled(np.int32)
    assert sum(spooled.add(some) for some in np.array_split(numbers, 3)) == numbers.nbytes
    made = {"a": spooled.array(), "none": arrays.Spooled().array()}
    manifest = arrays.write(tmp_path / "c", arrays.Manifest(kind="k", format=1, version="v", created=""), made)
    found = arrays.open_verified(tmp_path / "c", "k", 1)[1]
    assert (found["a"].tolist() == numbers.tolist(), len(found["none"])) == (True, 0)
    assert manifest.arrays["a"].dtype == "int32"
