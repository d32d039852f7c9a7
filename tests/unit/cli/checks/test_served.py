"""What `etappe check` says of the catalogue, and of a snapshot that has not just the parts of this version."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.unit.models.made import content, saved

from etappe.catalog.item import ItemPatch
from etappe.catalog.table import Catalogue
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


def test_what_is_no_product_is_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways by which an item is taken for none, as a free one is not named by a setting; and how one becomes one."""
    found = Catalogue()
    found.apply(ItemPatch(id="mug", price=0.0))
    monkeypatch.setattr(served.catalogues, "load", lambda *_: (found, None))
    inspected: Any = SimpleNamespace(place=SimpleNamespace(data=tmp_path), begun=True, client=None, settings=None)
    _, line = served.catalogue(inspected)
    assert line.text == (
        "1 of them are no products, by catalogue.not_products or a price of 0; give what is one after all"
        " product = true: mug"
    )
