"""The snapshot folder: written whole, verified, memory-mapped; a set of parts of which some may be absent."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.unit.models.made import PARAMETERS, F, K, N, content, saved

from etappe.errors import DataError
from etappe.models import copurchase
from etappe.models.copurchase import Neighbours
from etappe.models.snapshot import PARTS, Snapshot

OPTIONAL = [part.name for part in PARTS if part.name != "items"]


def _arrays(opened: Snapshot) -> dict[str, NDArray[Any]]:
    """The arrays behind the attributes of a snapshot, by the names that parts declare."""
    found: dict[str, NDArray[Any]] = {}
    for name in Snapshot.__slots__:
        value = getattr(opened, name)
        if isinstance(value, np.ndarray) and name != "own":
            found[name] = value
        elif isinstance(value, Neighbours):
            found |= {f"{name}_{kind}": getattr(value, kind) for kind in ("rows", "scores", "counts")}
    return found


def test_what_was_saved_is_opened(tmp_path: Path) -> None:
    """Arrays, parameters and manifest come back as they were given, the version is the folder's name."""
    manifest = saved(tmp_path / "v1", content())
    opened = Snapshot.open(tmp_path / "v1")
    assert opened.manifest == manifest
    assert opened.version == "v1"
    assert (manifest.log_position, manifest.digest, manifest.metrics) == (42, "d1", {"r": 0.5})
    assert opened.parameters == PARAMETERS
    assert (opened.parts, opened.unknown) == (frozenset(content()), ())
    expected, found = {name: array for named in content().values() for name, array in named.items()}, _arrays(opened)
    assert expected.keys() == found.keys()
    for name, array in expected.items():
        assert found[name].dtype == array.dtype, name
        assert found[name].tolist() == array.tolist(), name
    assert opened.own.tolist() == copurchase.own_scores(content()["items"]["customers"], 10).tolist()


def test_arrays_are_mapped_and_read_only(tmp_path: Path) -> None:
    """Nobody can write to a snapshot in service, and processes share its pages."""
    saved(tmp_path / "v1", content())
    opened = Snapshot.open(tmp_path / "v1")
    with pytest.raises(ValueError, match="read-only"):
        opened.factors[0, 0] = 1.0
    assert isinstance(opened.factors.base, np.memmap) or isinstance(opened.factors, np.memmap)


def test_rows_of_known_and_unknown_items(tmp_path: Path) -> None:
    """Each hash gives its row, an unknown one -1, beyond both ends too."""
    saved(tmp_path / "v1", content())
    opened, items = Snapshot.open(tmp_path / "v1"), content()["items"]["items"]
    assert opened.rows_of(items[::-1]).tolist() == [4, 3, 2, 1, 0]
    outside = np.array([1, items[2] + np.uint64(1), 2**64 - 1], np.uint64)
    assert opened.rows_of(outside).tolist() == [-1, -1, -1]
    assert opened.rows_of(outside).dtype == np.int32


def test_a_snapshot_without_items_knows_none(tmp_path: Path) -> None:
    """An empty snapshot answers -1 for every hash."""
    saved(tmp_path / "v1", content(0))
    assert Snapshot.open(tmp_path / "v1").rows_of(np.array([5], np.uint64)).tolist() == [-1]


def test_a_damaged_snapshot_is_refused(tmp_path: Path) -> None:
    """One changed byte in any array is found, and the message names the file."""
    saved(tmp_path / "v1", content())
    path = tmp_path / "v1" / "factors.npy"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"factors\.npy is damaged"):
        Snapshot.open(tmp_path / "v1")


@pytest.mark.parametrize("name", OPTIONAL)
def test_an_absent_part_says_nothing(tmp_path: Path, name: str) -> None:
    """Without a part its attributes are zeros and lists of length 0; all others are as they were."""
    saved(tmp_path / "v1", content(), without=[name])
    opened = Snapshot.open(tmp_path / "v1")
    assert not opened.has(name)
    assert opened.parts == frozenset(content()) - {name}
    found = _arrays(opened)
    for part, named in content().items():
        for array, values in named.items():
            if part == name:
                assert (found[array].dtype, found[array].ndim) == (values.dtype, values.ndim), array
                assert not found[array].any(), array
            else:
                assert found[array].tolist() == values.tolist(), array


def test_with_all_parts_absent_dimensions_are_the_items(tmp_path: Path) -> None:
    """What the items alone say is enough to give every other array its length."""
    saved(tmp_path / "v1", content(), without=OPTIONAL)
    opened = Snapshot.open(tmp_path / "v1")
    assert (opened.factors.shape, opened.gram.shape) == ((N, 0), (0, 0))
    assert (opened.popularity.shape, opened.windows.shape) == ((N,), (4, N))
    assert opened.wishlist_bought.rows.shape == (N, 0)
    assert (F, K) != (0, 0)


def test_the_items_are_never_absent(tmp_path: Path) -> None:
    """A snapshot without its items is none."""
    saved(tmp_path / "v1", content(), without=["items"])
    with pytest.raises(DataError, match="without items; run `etappe train`"):
        Snapshot.open(tmp_path / "v1")


def test_what_a_newer_version_added_is_left_alone_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An unknown part, whose rows are no items, and an unknown array of a known one are told in one line; all else serves."""
    newer = content()
    newer["personas"] = {"centres": np.zeros((9, 2), np.float32)}
    newer["factors"]["signs"] = np.zeros(7, np.int8)
    manifest = saved(tmp_path / "v1", newer)
    with caplog.at_level(logging.WARNING):
        opened = Snapshot.open(tmp_path / "v1")
    assert opened.unknown == ("array signs", "part personas")
    assert [one.getMessage() for one in caplog.records] == [
        "snapshot v1: array signs, part personas not used, this version does not know it"
    ]
    assert {"centres", "signs"} < manifest.arrays.keys()
    assert not opened.has("personas")
    assert opened.factors.tolist() == content()["factors"]["factors"].tolist()


def test_what_a_newer_version_added_is_verified(tmp_path: Path) -> None:
    """An unknown part that is damaged makes the snapshot damaged: it is passed on as it is."""
    saved(tmp_path / "v1", content() | {"personas": {"centres": np.zeros((9, 2), np.float32)}})
    (tmp_path / "v1" / "centres.npy").write_bytes(b"")
    with pytest.raises(DataError, match=r"centres\.npy is damaged"):
        Snapshot.open(tmp_path / "v1")


@pytest.mark.parametrize(("number", "told"), [(1, "older version .format 1.; run `etappe train`"), (9, "format 9")])
def test_another_format_is_refused(tmp_path: Path, number: int, told: str) -> None:
    """An older snapshot names its remedy, a newer one what this version reads."""
    saved(tmp_path / "v1", content())
    path = tmp_path / "v1" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": number}))
    with pytest.raises(DataError, match=told):
        Snapshot.open(tmp_path / "v1")


def test_a_manifest_without_parameters_is_refused(tmp_path: Path) -> None:
    """What serving must know besides the arrays is not guessed."""
    saved(tmp_path / "v1", content())
    path = tmp_path / "v1" / "manifest.json"
    path.write_text(path.read_text().replace('"half_life_days"', '"half"', 1))
    with pytest.raises(DataError, match=r"half_life_days.*run `etappe train`"):
        Snapshot.open(tmp_path / "v1")
