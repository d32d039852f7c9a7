"""The catalogue of a replica: compiled rows, the overlay on top, and columns that say the same as the items."""

import math
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etappe import arrays
from etappe.catalog import table
from etappe.catalog.item import Item, ItemPatch, merge
from etappe.catalog.table import NEVER, SHOP_FLOOR, Catalogue
from etappe.errors import DataError, InputError
from etappe.ids import ItemHash, item_hash

COLUMNS = ("hash", "available", "opens", "closes", "price", "category", "group", "floor")
OPENS, CLOSES = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)


def _patches() -> list[ItemPatch]:
    return [
        ItemPatch(id="plain"),
        ItemPatch(
            id="full",
            title="Käse",
            category="home/lighting",
            price=2.5,
            item_group_id="g",
            available=False,
            available_from=OPENS,
            available_until=CLOSES,
            floor_days=7,
            attributes={"list": ["a", 1], "nested": {"b": None}},
        ),
        ItemPatch(id="sibling", item_group_id="g", category="home"),
        ItemPatch(id="free", price=0.0, floor_days=0),
    ]


def _filled(patches: list[ItemPatch]) -> Catalogue:
    catalogue = Catalogue()
    for patch in patches:
        catalogue.apply(patch)
    return catalogue


def _compiled(catalogue: Catalogue, folder: Path) -> Catalogue:
    catalogue.compile(folder, "v", "today", "5-1")
    return Catalogue.open(folder)[0]


def _by_id(catalogue: Catalogue) -> dict[str, tuple[Any, ...]]:
    """Item and columns by id, the category by its name."""
    found: dict[str, tuple[Any, ...]] = {}
    for row, item in enumerate(catalogue.items()):
        values = {name: catalogue.column(name)[row].item() for name in COLUMNS}
        values["category"] = catalogue.categories[values["category"]]
        values["price"] = None if math.isnan(values["price"]) else values["price"]
        found[item.id] = (item, *values.items())
    return found


def test_columns_say_what_the_item_says() -> None:
    """Each column has the item's value, or what stands for none."""
    found = _by_id(_filled(_patches()))
    assert found["full"][1:] == (
        ("hash", item_hash("full")),
        ("available", False),
        ("opens", 1767225600),
        ("closes", 1769904000),
        ("price", 2.5),
        ("category", "home/lighting"),
        ("group", item_hash("group:g")),
        ("floor", 7),
    )
    assert found["plain"][1:] == (
        ("hash", item_hash("plain")),
        ("available", True),
        ("opens", 0),
        ("closes", NEVER),
        ("price", None),
        ("category", ""),
        ("group", item_hash("plain")),
        ("floor", SHOP_FLOOR),
    )


def test_compiled_is_the_same(tmp_path: Path) -> None:
    """Compiling and opening gives the same items and the same columns, with the position they are of."""
    catalogue = _filled(_patches())
    before = _by_id(catalogue)
    catalogue.compile(tmp_path / "v", "v", "today", "5-1")
    opened, manifest = Catalogue.open(tmp_path / "v")
    assert before == _by_id(opened)
    assert (manifest.parameters["position"], opened.overlaid, opened.changes) == ("5-1", 0, 0)


def test_empty_catalogue_compiles(tmp_path: Path) -> None:
    """A catalogue without items can be compiled and opened, and filled afterwards."""
    opened = _compiled(Catalogue(), tmp_path / "v")
    assert (len(opened), opened.row(item_hash("x")), opened.find("x")) == (0, -1, None)
    opened.apply(ItemPatch(id="x", title="X"))
    assert Item(id="x", title="X") == opened.find("x")


IDS = st.sampled_from(["a", "b", "c", "d"])
FIELDS = st.fixed_dictionaries(
    {"id": IDS},
    optional={
        "price": st.none() | st.floats(0, 1e12),
        "category": st.none() | st.sampled_from(["", "x", "x/y", "z"]),
        "available": st.booleans(),
        "item_group_id": st.none() | st.sampled_from(["g", "h"]),
        "floor_days": st.none() | st.integers(0, 3650),
        "attributes": st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3), max_size=2),
    },
)
PATCHES = st.lists(st.builds(lambda fields: ItemPatch(**fields), FIELDS), max_size=10)


@given(PATCHES, st.integers(0, 10))
@settings(max_examples=40, deadline=None)
def test_compiled_with_overlay_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, patches: list[ItemPatch], cut: int
) -> None:
    """Wherever the catalogue is compiled within a run of changes, items and columns are those of plain merging."""
    folder = tmp_path_factory.mktemp("catalogue") / "v"
    catalogue = _compiled(_filled(patches[:cut]), folder)
    for patch in patches[cut:]:
        catalogue.apply(patch)
    expected: dict[str, Item] = {}
    for patch in patches:
        expected[patch.id] = merge(expected.get(patch.id), patch)
    assert expected == {item.id: item for item in catalogue.items()}
    assert _by_id(_filled(patches)) == _by_id(catalogue)
    assert len(expected) == len(catalogue)


def test_rows_never_move(tmp_path: Path) -> None:
    """A row keeps its item through changes and thousands of new items, compiled rows and new ones alike."""
    catalogue = _compiled(_filled(_patches()), tmp_path / "v")
    before = {item.id: row for row, item in enumerate(catalogue.items())}
    for number in range(3000):
        catalogue.apply(ItemPatch(id=f"new{number}"))
        catalogue.apply(ItemPatch(id="full", price=float(number)))
    assert before == {name: catalogue.row(item_hash(name)) for name in before}
    assert list(range(4, 3004)) == [catalogue.row(item_hash(f"new{number}")) for number in range(3000)]
    assert 3004 == len(catalogue) == len(catalogue.column("price"))
    assert catalogue.column("price")[before["full"]] == 2999.0


def test_rows_of_many(tmp_path: Path) -> None:
    """Many hashes are looked up as one is: compiled, new, and unknown ones."""
    catalogue = _compiled(_filled(_patches()), tmp_path / "v")
    catalogue.apply(ItemPatch(id="new"))
    hashes = np.array([item_hash(name) for name in ("full", "new", "unknown", "plain")] + [2**64 - 1], np.uint64)
    expected = [catalogue.row(ItemHash(int(one))) for one in hashes]
    assert expected == catalogue.rows(hashes).tolist()
    assert [expected[2], expected[4]] == [-1, -1]
    assert [expected[1]] == [4]
    assert Catalogue().rows(hashes[:1]).tolist() == [-1]


def test_changed_item_is_served_from_the_overlay(tmp_path: Path) -> None:
    """A change shows at once, counts as overlaid once, and leaves the compiled file as it is."""
    catalogue = _compiled(_filled(_patches()), tmp_path / "v")
    for price in (3.0, 4.0):
        catalogue.apply(ItemPatch(id="full", price=price))
    item = catalogue.find("full")
    assert item is not None
    assert (item.price, item.title, catalogue.overlaid, catalogue.changes) == (4.0, "Käse", 1, 2)
    untouched = Catalogue.open(tmp_path / "v")[0].find("full")
    assert untouched is not None
    assert untouched.price == 2.5


def _colliding(monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    monkeypatch.setattr(table, "item_hash", lambda item_id: ItemHash(77))
    return _filled([ItemPatch(id="first")])


def test_collision_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """An id whose 64-bit hash belongs to another item is refused, naming both; a change of the item itself is not."""
    catalogue = _colliding(monkeypatch)
    with pytest.raises(InputError, match="item id 'second' collides with 'first'; give it another id") as caught:
        catalogue.check(ItemPatch(id="second"))
    assert caught.value.field == "id"
    catalogue.check(ItemPatch(id="first", price=1.0))


def test_find_tells_colliding_ids_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking for an id never gives another item, even where their hashes collide."""
    assert _colliding(monkeypatch).find("second") is None


def _open(catalogue: Catalogue, rows: list[int], now: float) -> list[bool]:
    """Which rows the columns say are available at `now`."""
    asked = catalogue.gate[rows]
    return (asked["available"] & (asked["opens"] <= now) & (asked["closes"] > now)).tolist()


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (OPENS.timestamp() - 1, False),
        (OPENS.timestamp(), True),
        (CLOSES.timestamp() - 1, True),
        (CLOSES.timestamp(), False),
    ],
)
def test_availability_window(now: float, expected: bool) -> None:
    """An item is available from its opening on and no longer at its closing."""
    catalogue = _filled([ItemPatch(id="x", available_from=OPENS, available_until=CLOSES)])
    assert [expected] == _open(catalogue, [0], now)


@pytest.mark.parametrize("now", [0.0, OPENS.timestamp(), float(NEVER - 1)])
def test_availability_without_window(now: float) -> None:
    """Without a window only `available` counts; answers are in the order asked for."""
    catalogue = _filled([ItemPatch(id="x"), ItemPatch(id="y", available=False)])
    assert _open(catalogue, [1, 0], now) == [False, True]


@pytest.mark.parametrize(
    ("until", "closes"), [(datetime(1960, 1, 1, tzinfo=UTC), 0), (datetime(2200, 1, 1, tzinfo=UTC), NEVER)]
)
def test_times_out_of_range_are_the_ends(until: datetime, closes: int) -> None:
    """Times before 1970 and after 2106 become the first and the last second there is."""
    assert closes == _filled([ItemPatch(id="x", available_until=until)]).column("closes")[0]


@pytest.fixture
def in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock shows Tokyo's time."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_times_without_zone_are_utc(in_tokyo: None) -> None:
    """A window without a zone is in UTC, wherever the machine stands."""
    opens = datetime(2026, 1, 1)  # noqa: DTZ001 - as it comes from JSON without a zone
    assert OPENS.timestamp() == _filled([ItemPatch(id="x", available_from=opens)]).column("opens")[0]


@pytest.mark.parametrize(
    ("path", "expected"),
    [("home", ["home", "home/lighting"]), ("home/lighting", ["home/lighting"]), ("hom", []), ("", [""])],
)
def test_below(path: str, expected: list[str]) -> None:
    """A category is itself and all below it, by whole parts of the path."""
    catalogue = _filled([*_patches(), ItemPatch(id="other", category="homeware")])
    found = [name for name, inside in zip(catalogue.categories, catalogue.below(path), strict=True) if inside]
    assert sorted(expected) == sorted(found)


def test_levels_of_categories() -> None:
    """A category is a path however its levels are parted, in what comes in and in what is asked."""
    catalogue = _filled(
        [ItemPatch(id="a", category="Kaffee & Tee > Kaffee"), ItemPatch(id="b", category=" Kaffee & Tee /Tee/")]
    )
    assert [catalogue.item(row).category for row in range(2)] == ["Kaffee & Tee/Kaffee", "Kaffee & Tee/Tee"]
    for asked in ("Kaffee & Tee", "Kaffee & Tee >", "Kaffee & Tee\u203aKaffee"):
        found = [name for name, inside in zip(catalogue.categories, catalogue.below(asked), strict=True) if inside]
        assert found == (["Kaffee & Tee/Kaffee", "Kaffee & Tee/Tee"] if len(asked) < 16 else ["Kaffee & Tee/Kaffee"])


def test_only_events_have_told_of_it(tmp_path: Path) -> None:
    """An item is added where it is not known, and said to be known of events alone until the shop tells of it."""
    catalogue = _filled([ItemPatch(id="known", title="Mug")])
    for item in ("known", "new"):
        catalogue.add(ItemPatch(id=item, title=item))
    assert (catalogue.stubs(), catalogue.item(0).title) == (["new"], "Mug")
    assert _compiled(catalogue, tmp_path / "c").stubs() == ["new"]
    catalogue.apply(ItemPatch(id="new", title="Lamp"))
    assert catalogue.stubs() == []


def test_what_is_no_product_never_opens(tmp_path: Path) -> None:
    """Postage is in the catalogue and never available, before and after it is compiled."""
    catalogue = _filled([ItemPatch(id="P", title="Postage"), ItemPatch(id="A", title="Mug", available_from=OPENS)])
    assert catalogue.no_products() == ["P"]
    assert _compiled(catalogue, tmp_path / "c").no_products() == ["P"]
    catalogue.apply(ItemPatch(id="P", product=True))
    assert catalogue.no_products() == []


def test_prices_by_day() -> None:
    """A change that is told with its day keeps the price of it; one without changes no history."""
    catalogue = Catalogue()
    catalogue.apply(ItemPatch(id="A", price=10.0), 100)
    catalogue.apply(ItemPatch(id="A", price=8.0), 105)
    assert (catalogue.item(0).lowest_30d, catalogue.item(0).price_history) == (10.0, [(100, 10.0), (105, 8.0)])
    assert b'"lowest_30d":10.0' in catalogue.fragment(0).rest


def test_damaged_folder_is_refused(tmp_path: Path) -> None:
    """A catalogue with a flipped bit, and one that lacks a column, are refused."""
    _filled(_patches()).compile(tmp_path / "v", "v", "today", "0-1")
    data = bytearray((tmp_path / "v" / "gate.npy").read_bytes())
    data[-1] ^= 1
    (tmp_path / "v" / "gate.npy").write_bytes(data)
    with pytest.raises(DataError, match=r"gate\.npy is damaged"):
        Catalogue.open(tmp_path / "v")
    manifest = arrays.Manifest(kind=table.KIND, format=table.FORMAT, version="w", created="")
    arrays.write(tmp_path / "w", manifest, {"hash": np.zeros(0, np.uint64)})
    with pytest.raises(DataError, match=r"lacks gate, document.*compile the catalogue anew"):
        Catalogue.open(tmp_path / "w")
