"""The catalogue as the store keeps it: compiled now and then, the rest in the journal."""

from pathlib import Path

import msgspec
import pytest

from etappe.catalog.item import Item, ItemPatch
from etappe.catalog.table import Catalogue
from etappe.errors import DataError
from etappe.settings import Place
from etappe.store import keys
from etappe.store.config import artifacts, catalogues, journal
from etappe.store.server.connection import SyncRedis


def _items(catalogue: Catalogue) -> dict[str, Item]:
    return {item.id: item for item in catalogue.items()}


def _told(catalogue: Catalogue) -> dict[str, Item]:
    """The items without the prices of the last days, of which the day is today's."""
    return {name: msgspec.structs.replace(item, price_history=[]) for name, item in _items(catalogue).items()}


def _load(client: SyncRedis, data: Path) -> dict[str, Item]:
    return _items(catalogues.load(client, data)[0])


def _change(client: SyncRedis, *patches: ItemPatch) -> str:
    return journal.append_items(client, patches)


def test_nothing_yet(client: SyncRedis, place: Place) -> None:
    """Without any change the catalogue is empty and at the start of the journal."""
    catalogue, position = catalogues.load(client, place.data)
    assert (len(catalogue), position) == (0, journal.START)
    assert catalogues.newer(client, place.data, journal.START) is None


def test_journal_alone(client: SyncRedis, place: Place) -> None:
    """Before it was ever compiled the catalogue is what the journal says, other entries passed over."""
    _change(client, ItemPatch(id="a", price=1.0), ItemPatch(id="b"))
    _change(client, ItemPatch(id="a", title="A"))
    last = journal.append(client, journal.SNAPSHOT, {"version": "1"})
    catalogue, position = catalogues.load(client, place.data)
    assert ({"a": Item(id="a", price=1.0, title="A"), "b": Item(id="b")}, last) == (_told(catalogue), position)


def test_compiled_and_what_came_since(client: SyncRedis, place: Place, tmp_path: Path) -> None:
    """After compiling, the journal cut off behind it, the catalogue is the same, elsewhere too, and goes on changing."""
    _change(client, ItemPatch(id="a", price=1.0), ItemPatch(id="b"))
    before = _load(client, place.data)
    position = catalogues.compile_current(client, place.data)
    journal.trim(client, position)
    assert before == _load(client, place.data) == _load(client, tmp_path / "elsewhere")
    last = _change(client, ItemPatch(id="b", price=2.0))
    catalogue, reached = catalogues.load(client, place.data)
    assert (Item(id="b", price=2.0), 1, last) == (_told(catalogue)["b"], catalogue.overlaid, reached)


def test_compiled_is_newer_than(client: SyncRedis, place: Place) -> None:
    """A compiled catalogue is newer than what is held before its position, and no longer at it."""
    first = _change(client, ItemPatch(id="a"))
    catalogues.compile_current(client, place.data)
    found = catalogues.newer(client, place.data, journal.START)
    assert found is not None
    assert first == found[1]
    assert catalogues.newer(client, place.data, first) is None


def test_compiling_again_keeps_few(client: SyncRedis, place: Place) -> None:
    """However often it is compiled, Redis and the folder keep the last few versions."""
    for number in range(6):
        _change(client, ItemPatch(id=f"i{number}"))
        catalogues.compile_current(client, place.data)
    kept = artifacts.versions(client, "catalogue")
    assert len(kept) == artifacts.KEPT
    assert set(kept) == {folder.name for folder in (place.data / "catalogue").iterdir()}
    assert {f"i{number}" for number in range(6)} == set(_load(client, place.data))


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def test_damaged_copy_is_fetched_anew(client: SyncRedis, place: Place) -> None:
    """A compiled catalogue damaged on this disk is fetched from Redis again; one damaged there too is refused."""
    _change(client, ItemPatch(id="a", price=1.0))
    catalogues.compile_current(client, place.data)
    (copy,) = (place.data / "catalogue").iterdir()
    _flip(copy / "gate.npy")
    assert _told(catalogues.load(client, place.data)[0]) == {"a": Item(id="a", price=1.0)}
    _flip(copy / "gate.npy")
    client.delete(keys.artifact_chunk("catalogue", copy.name, "gate.npy", 0))
    with pytest.raises(DataError, match="in Redis is incomplete"):
        catalogues.load(client, place.data)


def test_loading_while_the_journal_is_cut(client: SyncRedis, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another compiles and cuts the journal between our two reads, nothing of the catalogue is missed."""
    _change(client, ItemPatch(id="a"))
    catalogues.compile_current(client, place.data)
    _change(client, ItemPatch(id="b"))
    newer, calls = catalogues.newer, list[int]()

    def overtaken(*arguments: object) -> object:
        found = newer(*arguments)  # type: ignore[arg-type]
        calls.append(1)
        if len(calls) == 1:
            journal.trim(client, catalogues.compile_current(client, place.data))
        return found

    monkeypatch.setattr(catalogues, "newer", overtaken)
    assert {"a", "b"} == set(_load(client, place.data))
