"""The files that a simulated shop becomes."""

from pathlib import Path

import msgspec
import polars as pl
import pytest

from etappe.catalog.item import Item
from etappe.errors import InputError
from etappe.simulation import Shop, write


def test_files_hold_the_shop(shop: Shop, tmp_path: Path) -> None:
    """Items, events and truth read back are equal to the shop's."""
    files = write(shop, tmp_path / "new" / "shop")
    read = [msgspec.json.decode(line, type=Item) for line in files.items.read_bytes().splitlines()]
    assert tuple(read) == shop.items
    assert pl.read_parquet(files.events).equals(shop.events)
    assert {path.stem for path in files.truth.iterdir()} == set(shop.truth.frames())
    for name, frame in shop.truth.frames().items():
        assert pl.read_parquet(files.truth / f"{name}.parquet").equals(frame)


def test_writing_twice_makes_equal_bytes(shop: Shop, tmp_path: Path) -> None:
    """The same shop makes the same bytes, replaces what was there and leaves nothing half-written behind."""
    first = write(shop, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert write(shop, tmp_path) == first
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_file_in_the_way_is_named(shop: Shop, tmp_path: Path) -> None:
    """Where the folder cannot be made, the message names it and what to do."""
    (tmp_path / "shop").write_text("in the way")
    with pytest.raises(InputError, match=r"shop cannot be written.*another folder"):
        write(shop, tmp_path / "shop")
