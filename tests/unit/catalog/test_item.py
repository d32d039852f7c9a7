"""Items and the partial changes that make them."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etappe.catalog.item import Item, ItemPatch, merge, told

FULL = Item(
    id="i",
    title="Lamp",
    titles={"de": "Lampe"},
    category="home/lighting",
    brand="Alma",
    item_group_id="g",
    price=12.5,
    prices={"GBP": 11.0},
    currency="EUR",
    url="/i",
    image="https://x/i.png",
    available=False,
    available_from=datetime(2026, 1, 1, tzinfo=UTC),
    available_until=datetime(2026, 2, 1, tzinfo=UTC),
    floor_days=3,
    attributes={"colour": "red"},
    product=True,
    stores={"berlin": 3},
    cost=5.0,
    margin=7.5,
)
VALUES = {name: getattr(FULL, name) for name in ItemPatch.__struct_fields__ if name != "id"}


def _patch(**fields: Any) -> ItemPatch:
    return ItemPatch(id="i", **fields)


@pytest.mark.parametrize("name", VALUES)
def test_patch_changes_what_it_names(name: str) -> None:
    """A patch of one field sets that field and leaves all others."""
    changed = merge(Item(id="i"), _patch(**{name: VALUES[name]}))
    assert msgspec.structs.replace(Item(id="i"), **{name: VALUES[name]}) == changed
    assert merge(FULL, _patch(**{name: VALUES[name]})) == FULL


@pytest.mark.parametrize("name", VALUES)
def test_null_takes_a_field_back(name: str) -> None:
    """Null takes one field back to its default and leaves all others."""
    expected = msgspec.structs.replace(FULL, **{name: getattr(Item(id="i"), name)})
    assert expected == merge(FULL, _patch(**{name: None}))


def test_patch_of_nothing() -> None:
    """A patch that names only the id changes nothing, and makes an item that is not there yet."""
    assert merge(FULL, _patch()) == FULL
    assert Item(id="i") == merge(None, _patch())


def test_maps_are_replaced_whole() -> None:
    """Attributes, titles and prices are fields as any other: a patch replaces the map."""
    assert merge(FULL, _patch(attributes={"size": 1})).attributes == {"size": 1}


def test_later_patch_wins() -> None:
    """Patches apply in order: the later one has the last word on a field both name."""
    first, second = _patch(price=1.0, title="a"), _patch(price=2.0)
    assert merge(merge(None, first), second) == Item(id="i", price=2.0, title="a")
    assert merge(merge(None, second), first) == Item(id="i", price=1.0, title="a")


PATCHES = st.fixed_dictionaries(
    {},
    optional={
        "title": st.none() | st.text(max_size=5),
        "price": st.none() | st.floats(0, 1e12),
        "available": st.none() | st.booleans(),
        "attributes": st.none() | st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    },
)


@given(st.lists(PATCHES, max_size=6))
def test_merging_equals_a_dict(patches: list[dict[str, Any]]) -> None:
    """A run of patches gives what a dict of the fields last named would, null meaning the default."""
    item = Item(id="i")
    for fields in patches:
        item = merge(item, _patch(**fields))
    named: dict[str, Any] = {}
    for fields in patches:
        named |= fields
    expected = Item(id="i", **{name: value for name, value in named.items() if value is not None})
    assert expected == item


def test_whoever_tells_of_a_stub_makes_it_an_item() -> None:
    """An item of which only events have told is one like others once the shop has said anything of it."""
    stub = Item(id="i", stub=True)
    assert merge(stub, _patch(title="a")) == Item(id="i", title="a")


def test_what_browsers_are_shown() -> None:
    """Cost and margin are the shop's own business."""
    kept = msgspec.structs.replace(FULL, price_history=[(1, 12.5)])
    assert told(kept, to_shop=True) == FULL
    assert told(kept, to_shop=False) == msgspec.structs.replace(FULL, cost=None, margin=None)


def test_defaults_are_not_shared() -> None:
    """A field taken back to an empty map does not share that map with other items."""
    one, other = merge(FULL, _patch(attributes=None)), merge(FULL, _patch(attributes=None))
    assert one.attributes is not other.attributes


def test_patch_of_an_item() -> None:
    """The patch of a whole item makes that item of nothing."""
    assert merge(None, ItemPatch.of(FULL)) == FULL


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("id", '{"id": ""}'),
        ("price", '{"id": "i", "price": -1}'),
        ("price", '{"id": "i", "price": 1e999}'),
        ("prices", '{"id": "i", "prices": {"euro": 1}}'),
        ("url", '{"id": "i", "url": "javascript:alert(1)"}'),
        ("floor_days", '{"id": "i", "floor_days": 3651}'),
        ("colour", '{"id": "i", "colour": "red"}'),
    ],
)
def test_bad_patch_names_the_field(field: str, text: str) -> None:
    """A patch with a bad value or an unknown field is refused where it is decoded, and names the field."""
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.json.decode(text, type=ItemPatch)
