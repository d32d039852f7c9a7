"""The snapshot folder: written whole, verified, memory-mapped."""

from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from etappe.arrays import Manifest
from etappe.errors import DataError
from etappe.ids import item_hash
from etappe.models import copurchase, snapshot
from etappe.models.copurchase import Neighbours
from etappe.models.snapshot import LISTS, Content, Parameters, Snapshot

N, K, F = 5, 2, 3
CREATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def _lists() -> Neighbours:
    rows = np.full((N, K), -1, np.int32)
    rows[0] = [1, 2]
    return Neighbours(rows, (rows >= 0).astype(np.float32), (rows >= 0).astype(np.int32))


@pytest.fixture
def content() -> Content:
    """Five items with made-up numbers."""
    factors = np.arange(N * F, dtype=np.float32).reshape(N, F)
    return Content(
        items=np.sort(np.array([item_hash(f"item {number}") for number in range(N)], np.uint64)),
        customers=np.arange(N, dtype=np.int32),
        orders=np.arange(N, dtype=np.int32) + 1,
        repeats=np.zeros(N, np.int32),
        popularity=np.linspace(0, 1, N).astype(np.float32),
        windows=np.zeros((4, N), np.int32),
        factors=factors,
        gram=factors.T @ factors,
        also_bought=_lists(),
        bought_together=_lists(),
        wished=np.arange(N, dtype=np.int32),
        wishlist_bought=_lists(),
    )


PER_ITEM = ("items", "customers", "orders", "repeats", "popularity", "factors", "wished")

PARAMETERS = Parameters(
    now=1.5e9,
    customers=10,
    orders=12,
    events=40,
    half_life_days=60.0,
    popularity_half_life_days=20.0,
    alpha=1.0,
    regularisation=2.0,
    iterations=15,
    seed=1,
)


def _save(folder: Path, content: Content) -> Manifest:
    return snapshot.save(folder, content, PARAMETERS, created=CREATED, digest="d1", log_position=42, metrics={"r": 0.5})


def _arrays(content: Content) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    for one in fields(Content):
        value = getattr(content, one.name)
        parts = (
            {"": value}
            if isinstance(value, np.ndarray)
            else {part: getattr(value, part) for part in ("rows", "scores", "counts")}
        )
        found |= {one.name + part: array for part, array in parts.items()}
    return found


def test_what_was_saved_is_opened(tmp_path: Path, content: Content) -> None:
    """Arrays, parameters and manifest come back as they were given, the version is the folder's name."""
    manifest = _save(tmp_path / "v1", content)
    opened = Snapshot.open(tmp_path / "v1")
    assert opened.manifest == manifest
    assert opened.version == "v1"
    assert (manifest.log_position, manifest.digest, manifest.metrics) == (42, "d1", {"r": 0.5})
    assert opened.parameters == PARAMETERS
    expected, found = _arrays(content), _arrays(opened)
    assert expected.keys() == found.keys()
    for name, array in expected.items():
        assert found[name].dtype == array.dtype, name
        assert found[name].tolist() == array.tolist(), name
    assert opened.own.tolist() == copurchase.own_scores(content.customers, 10).tolist()


def test_arrays_are_mapped_and_read_only(tmp_path: Path, content: Content) -> None:
    """Nobody can write to a snapshot in service, and processes share its pages."""
    _save(tmp_path / "v1", content)
    opened = Snapshot.open(tmp_path / "v1")
    with pytest.raises(ValueError, match="read-only"):
        opened.factors[0, 0] = 1.0
    assert isinstance(opened.factors.base, np.memmap) or isinstance(opened.factors, np.memmap)


def test_rows_of_known_and_unknown_items(tmp_path: Path, content: Content) -> None:
    """Each hash gives its row, an unknown one -1, beyond both ends too."""
    _save(tmp_path / "v1", content)
    opened = Snapshot.open(tmp_path / "v1")
    assert opened.rows_of(content.items[::-1]).tolist() == [4, 3, 2, 1, 0]
    outside = np.array([1, content.items[2] + np.uint64(1), 2**64 - 1], np.uint64)
    assert opened.rows_of(outside).tolist() == [-1, -1, -1]
    assert opened.rows_of(outside).dtype == np.int32


def test_a_snapshot_without_items_knows_none(tmp_path: Path, content: Content) -> None:
    """An empty snapshot answers -1 for every hash."""
    nothing = replace(
        content,
        **{name: getattr(content, name)[:0] for name in PER_ITEM},
        windows=content.windows[:, :0],
        **{
            name: Neighbours(*(np.zeros((0, K), dtype) for dtype in (np.int32, np.float32, np.int32))) for name in LISTS
        },
    )
    _save(tmp_path / "v1", nothing)
    assert Snapshot.open(tmp_path / "v1").rows_of(np.array([5], np.uint64)).tolist() == [-1]


def test_a_damaged_snapshot_is_refused(tmp_path: Path, content: Content) -> None:
    """One changed byte in any array is found, and the message names the file."""
    _save(tmp_path / "v1", content)
    path = tmp_path / "v1" / "factors.npy"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"factors\.npy is damaged"):
        Snapshot.open(tmp_path / "v1")


@pytest.mark.parametrize("name", ["customers", "popularity", "factors"])
def test_arrays_that_do_not_fit_are_refused(tmp_path: Path, content: Content, name: str) -> None:
    """A vouched-for array of the wrong length is refused before compiled code reads past its end."""
    _save(tmp_path / "v1", replace(content, **{name: getattr(content, name)[:-1]}))
    with pytest.raises(DataError, match=f"{name} has shape"):
        Snapshot.open(tmp_path / "v1")


@pytest.mark.parametrize("row", [-2, N])
def test_neighbours_outside_are_refused(tmp_path: Path, content: Content, row: int) -> None:
    """A neighbour that is no item of the snapshot is refused."""
    lists = _lists()
    lists.rows[3, 0] = row
    _save(tmp_path / "v1", replace(content, also_bought=lists))
    with pytest.raises(DataError, match="outside the snapshot"):
        Snapshot.open(tmp_path / "v1")


def test_a_manifest_without_an_array_is_refused(tmp_path: Path, content: Content) -> None:
    """A snapshot that lacks an array says which."""
    _save(tmp_path / "v1", content)
    path = tmp_path / "v1" / "manifest.json"
    path.write_text(path.read_text().replace('"popularity"', '"fame"', 1))
    (tmp_path / "v1" / "popularity.npy").rename(tmp_path / "v1" / "fame.npy")
    with pytest.raises(DataError, match="popularity"):
        Snapshot.open(tmp_path / "v1")
