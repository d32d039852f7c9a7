"""What may take the place of the snapshot in service."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest

from etappe.arrays import MANIFEST, ArrayInfo
from etappe.models.snapshot import Snapshot
from etappe.settings import Learning, Settings
from etappe.training import gate
from etappe.training.fit import fit_snapshot
from etappe.training.gate import GateError


@pytest.fixture
def current(log: Callable[..., pl.LazyFrame], tmp_path: Path) -> Snapshot:
    """A sound snapshot of 8 items and 40 customers."""
    rows = [("purchase", f"c{one}", f"i{item}", f"o{one}", 0) for one in range(40) for item in range(one % 8 + 1)]
    settings = Settings(learning=Learning(factors=4, neighbours=3))
    metrics = {"served.all.recall": 0.30, "served.new.recall": 0.02}
    manifest = fit_snapshot(log(rows), settings=settings, log_position=1, folder=tmp_path, metrics=metrics)
    return Snapshot.open(tmp_path / manifest.version)


def _with_metrics(snapshot: Snapshot, **metrics: Any) -> Snapshot:
    named = {name.replace("_", "."): value for name, value in metrics.items()}
    return replace(snapshot, manifest=msgspec.structs.replace(snapshot.manifest, metrics=named))


def test_the_first_snapshot_passes(current: Snapshot) -> None:
    """A sound snapshot passes where nothing is in service, and in its own place."""
    assert gate.check(current, None) == []
    assert gate.check(current, current) == []


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_what_is_not_as_declared_is_refused(current: Snapshot, tmp_path: Path, number: float) -> None:
    """One number that is not finite is enough: a training with it is refused by the gate, before any force."""
    folder = tmp_path / current.version
    damaged = np.load(folder / "factors.npy")
    damaged.flat[-1] = number
    np.save(folder / "factors.npy", damaged)
    data = (folder / "factors.npy").read_bytes()
    info = ArrayInfo(str(damaged.dtype), damaged.shape, len(data), hashlib.sha256(data).hexdigest())
    vouched = msgspec.structs.replace(current.manifest, arrays=current.manifest.arrays | {"factors": info})
    (folder / MANIFEST).write_bytes(msgspec.json.encode(vouched))
    with pytest.raises(GateError, match=r"unsound: .*factors must be finite; run `etappe train`"):
        gate.opened(folder)


def test_what_was_just_trained_is_opened(current: Snapshot, tmp_path: Path) -> None:
    """A sound training is opened as it is."""
    assert gate.opened(tmp_path / current.version).manifest == current.manifest


def test_a_part_that_is_missing_is_a_step_back(current: Snapshot) -> None:
    """A snapshot that lacks a part of the one in service needs force; one that has a part more does not."""
    less = replace(current, parts=current.parts - {"factors"})
    with pytest.raises(GateError, match="it has no factors, the one in service has"):
        gate.check(less, current)
    assert gate.check(less, current, force=True) == ["it has no factors, the one in service has"]
    assert gate.check(current, less) == []


def test_an_empty_snapshot_is_refused(current: Snapshot) -> None:
    """A snapshot without items cannot be forced."""
    with pytest.raises(GateError, match="no items"):
        gate.check(replace(current, items=current.items[:0]), None, force=True)


@pytest.mark.parametrize("name", ["customers", "orders", "events"])
def test_a_log_that_shrank_is_refused(current: Snapshot, name: str) -> None:
    """Fewer than half of what the one in service learned from is told by number; half of it passes."""
    before = getattr(current.parameters, name)
    less, half = (
        replace(current, parameters=msgspec.structs.replace(current.parameters, **{name: number}))
        for number in (before // 2 - 1, before // 2)
    )
    with pytest.raises(GateError, match=rf"{before // 2 - 1} {name}, the one in service has {before}.*--force"):
        gate.check(less, current)
    assert gate.check(less, current, force=True) == [f"{before // 2 - 1} {name}, the one in service has {before}"]
    assert gate.check(half, current) == []


def test_a_catalogue_that_shrank_is_refused(current: Snapshot) -> None:
    """So is one of fewer than half the items."""
    with pytest.raises(GateError, match="3 items, the one in service has 8"):
        gate.check(replace(current, items=current.items[:3]), current)


def test_a_metric_that_fell_is_refused(current: Snapshot) -> None:
    """A recall of 0.23 after 0.30 is refused, 0.25 passes, as does a small metric's fall within its noise."""
    with pytest.raises(GateError, match=r"served\.all\.recall is 0\.2300, of the one in service 0\.3000"):
        gate.check(_with_metrics(current, served_all_recall=0.23), current)
    assert gate.check(_with_metrics(current, served_all_recall=0.25), current) == []
    assert gate.check(_with_metrics(current, served_new_recall=0.005), current) == []


def test_metrics_only_one_has_are_not_compared(current: Snapshot) -> None:
    """A snapshot that was not evaluated, or otherwise, passes on its sizes."""
    assert gate.check(_with_metrics(current), current) == []
    assert gate.check(_with_metrics(current, other_recall=0.1), current) == []
