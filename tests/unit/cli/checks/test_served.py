"""What `etappe check` says of a snapshot that has not just the parts of this version."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.unit.models.made import content, saved

from etappe.cli.checks import served
from etappe.models.snapshot import Snapshot
from etappe.store.config import snapshots


@pytest.mark.parametrize(
    ("absent", "added", "told"),
    [
        ([], {}, "v1, 5 items, verified"),
        (["wishlists", "factors"], {}, "v1, 5 items, verified; without factors, wishlists"),
        (
            [],
            {"personas": {"centres": np.zeros((9, 2), np.float32)}},
            "v1, 5 items, verified; of a newer version and not used: part personas",
        ),
    ],
)
def test_parts_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, absent: list[str], added: dict[str, Any], told: str
) -> None:
    """All is well where parts are absent or unknown, and the line names them."""
    saved(tmp_path / "v1", content() | added, without=absent)
    monkeypatch.setattr(snapshots, "open_current", lambda *_: Snapshot.open(tmp_path / "v1"))
    inspected: Any = SimpleNamespace(place=SimpleNamespace(data=tmp_path), begun=True, client=None)
    (line,) = served.snapshot(inspected)
    assert line.text == told
