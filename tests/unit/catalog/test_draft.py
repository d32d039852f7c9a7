"""A catalogue in the making is compiled to what any catalogue is compiled to."""

from pathlib import Path

from etappe.arrays import Manifest
from etappe.catalog.draft import Draft
from etappe.catalog.item import ItemPatch
from etappe.catalog.table import Catalogue

FIRST = [
    ItemPatch(id="A", title="Käse", titles={"de": "Käse"}, price=2.0, category="food", attributes={"size": [1, "x"]}),
    ItemPatch(id="B", title="Postage"),
]
THEN = [ItemPatch(id="A", price=1.5), ItemPatch(id="C", brand="Alma", attributes={"note": "long " * 40})]


def _sums(kind: type[Catalogue], folder: Path) -> dict[str, str]:
    """The SHA-256 of each array after some changes, a compilation, and more changes."""
    begun = kind()
    for patch in FIRST:
        begun.apply(patch, 100)
    begun.compile(folder / "one", "v", "", "1-1")
    opened, _ = kind.open(folder / "one")
    for patch in THEN:
        opened.apply(patch, 110)
    opened.add(ItemPatch(id="D", title="D"), 110)
    assert (opened.overlaid, opened.item(opened.row(int(opened.column("hash")[-1]))).stub) == (3, True)  # type: ignore[arg-type]
    manifest: Manifest = opened.compile(folder / "two", "v", "", "2-1")
    return {name: info.sha256 for name, info in manifest.arrays.items()}


def test_the_same_bytes(tmp_path: Path) -> None:
    """Whether what changed lies in memory or on the disk is no matter to what is written, to the byte."""
    assert _sums(Draft, tmp_path / "draft") == _sums(Catalogue, tmp_path / "whole")


def test_nothing_compiles(tmp_path: Path) -> None:
    """An empty draft is an empty catalogue."""
    Draft().compile(tmp_path / "c", "v", "", "1-1")
    assert len(Catalogue.open(tmp_path / "c")[0]) == 0
