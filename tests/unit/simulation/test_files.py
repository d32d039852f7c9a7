"""The files that a simulated shop becomes."""

from pathlib import Path

import msgspec
import polars as pl
import pytest
from tests.unit.simulation.sizes import small, small_shop

from etappe.catalog.item import Item
from etappe.errors import InputError
from etappe.simulation import Shop, files, write


@pytest.fixture(scope="module")
def one() -> Shop:
    """A small shop."""
    return small_shop()


def test_files_hold_the_shop(one: Shop, tmp_path: Path) -> None:
    """Items, content, events, responses and truth read back are equal to the shop's."""
    written = write(one, tmp_path / "new" / "shop")
    assert written == files.Files.within(tmp_path / "new" / "shop")
    read = [msgspec.json.decode(line, type=Item) for line in written.items.read_bytes().splitlines()]
    assert tuple(read) == one.items
    assert [msgspec.json.decode(line) for line in written.content.read_bytes().splitlines()] == one.content
    assert pl.read_parquet(written.events).equals(one.events)
    assert pl.read_parquet(written.responses).equals(one.responses)
    frames = {name: pl.concat(parts) for name, parts in one.truth.frames()}
    assert {path.stem for path in written.truth.iterdir()} == {"world", *frames}
    for name, frame in frames.items():
        assert pl.read_parquet(written.truth / f"{name}.parquet").equals(frame)


def test_every_item_has_its_picture(one: Shop, tmp_path: Path) -> None:
    """The picture an item names is in the folder, and there are no others."""
    pictures = {path.name for path in write(one, tmp_path).pictures.iterdir()}
    assert {(item.image or "").rsplit("/", 1)[1] for item in one.items} == pictures


def test_writing_twice_makes_equal_bytes(one: Shop, tmp_path: Path) -> None:
    """The same shop makes the same bytes, replaces what was there and leaves nothing half-written behind."""
    first = write(one, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert write(one, tmp_path) == first
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert not [path for path in before if "partial" in path.name]


def test_an_empty_story_makes_files_too(tmp_path: Path) -> None:
    """One customer on one day may do nothing at all: the files are empty, not absent."""
    quiet = next(shop for seed in range(50) if not len((shop := small_shop(customers=1, days=1, seed=seed)).story.told))
    written = write(quiet, tmp_path)
    assert pl.read_parquet(written.events).schema == quiet.events.schema
    assert pl.read_parquet(written.events).is_empty()


def test_the_size_is_read_again(one: Shop, tmp_path: Path) -> None:
    """The size of the shop in a folder is known; of none there is none; a shop half written is none."""
    assert files.size_of(tmp_path) is None
    write(one, tmp_path)
    assert files.size_of(tmp_path) == small()
    files.write_told(one, tmp_path)
    assert files.size_of(tmp_path) == small()


def test_a_damaged_size_is_an_error(one: Shop, tmp_path: Path) -> None:
    """Where the file is cut off, the message names it and what to do."""
    path = write(one, tmp_path).truth / "world.json"
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(InputError, match=r"world\.json is damaged.*anew"):
        files.size_of(tmp_path)


def test_a_file_in_the_way_is_named(one: Shop, tmp_path: Path) -> None:
    """Where the folder cannot be made, the message names it and what to do."""
    (tmp_path / "shop").write_text("in the way")
    with pytest.raises(InputError, match=r"shop cannot be written.*another folder"):
        write(one, tmp_path / "shop")
