"""A snapshot of five items with made-up numbers, whole or with some of its parts, for tests of what opens it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from etappe.arrays import MANIFEST, Manifest
from etappe.ids import item_hash
from etappe.models import snapshot
from etappe.models.copurchase import Neighbours, arrays_of
from etappe.models.snapshot import Parameters

N, K, F = 5, 2, 3
CREATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
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
Arrays = dict[str, dict[str, NDArray[Any]]]


def content(items: int = N) -> Arrays:
    """The arrays of all parts, by part; every list and vector has something in it where there are items."""
    factors = np.arange(items * F, dtype=np.float32).reshape(items, F)
    return {
        "items": {
            "items": np.sort(np.array([item_hash(f"item {number}") for number in range(items)], np.uint64)),
            "customers": np.arange(items, dtype=np.int32),
            "orders": np.arange(items, dtype=np.int32) + np.int32(1),
        },
        "popularity": {
            "popularity": np.linspace(0, 1, items).astype(np.float32),
            "windows": np.ones((4, items), np.int32),
        },
        "repurchase": {"repeats": np.ones(items, np.int32)},
        "factors": {"factors": factors, "gram": factors.T @ factors},
        "also_bought": arrays_of(_lists(items), "also_bought"),
        "bought_together": arrays_of(_lists(items), "bought_together"),
        "wishlists": {"wished": np.arange(items, dtype=np.int32), **arrays_of(_lists(items), "wishlist_bought")},
    }


def saved(folder: Path, arrays: Arrays, without: Iterable[str] = ()) -> Manifest:
    """Writes a snapshot of these arrays as `folder`, but for parts that it shall lack."""
    kept = {part: named for part, named in arrays.items() if part not in without}
    return snapshot.save(folder, kept, PARAMETERS, created=CREATED, digest="d1", log_position=42, metrics={"r": 0.5})


def strip(folder: Path, absent: Iterable[str]) -> None:
    """Takes parts out of a snapshot that was written with them."""
    manifest = Manifest.read(folder)
    parts = {name: arrays for name, arrays in manifest.parts.items() if name not in absent}
    kept = {array for arrays in parts.values() for array in arrays}
    infos = {name: info for name, info in manifest.arrays.items() if name in kept}
    less = msgspec.structs.replace(manifest, parts=parts, arrays=infos)
    (folder / MANIFEST).write_bytes(msgspec.json.encode(less))


def _lists(items: int) -> Neighbours:
    """Each item has the next, and the one after that; the last but one has one neighbour, the last has none."""
    rows = np.arange(items)[:, None] + np.arange(1, K + 1)[None, :]
    rows = np.where(rows < items, rows, -1).astype(np.int32)
    there = rows >= 0
    scores = np.where(there, np.arange(K, 0, -1)[None, :], 0).astype(np.float32)
    return Neighbours(rows, scores, there.astype(np.int32))
