"""Fields of documents as codes: the same as the documents say, whatever changes, read seldom, in bounded memory."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etappe.catalog.fields import Fields, value_of
from etappe.catalog.filters import compile_filter
from etappe.catalog.item import Item, ItemPatch
from etappe.catalog.table import Catalogue

NAMES = ["brand", "item_group_id", "attributes.a", "attributes.b"]
VALUES = st.sampled_from([None, True, 1, 1.0, "1", "", [1], [True], {"x": [1]}, 0, False, 10**20])
CHANGES = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.fixed_dictionaries(
            {}, optional={"brand": st.sampled_from(["x", "y", None]), "attributes": st.dictionaries(st.sampled_from("abc"), VALUES)}
        ),
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True),
    ),
    max_size=12,
)  # fmt: skip


@given(CHANGES)
@settings(deadline=None)
def test_codes_say_what_documents_say(changes: list[tuple[int, dict[str, Any], list[str]]]) -> None:
    """After any changes, between any questions, each row's value is that of its item, by JSON's own kinds."""
    catalogue = Catalogue()
    for number, fields, names in changes:
        catalogue.apply(ItemPatch(id=f"i{number}", **fields))
        rows = np.arange(len(catalogue))[::-1]
        for name, field in zip(names, catalogue.fields(names, rows), strict=True):
            found = [field.values[code] for code in field.codes[rows]]
            expected = [value_of(catalogue.item(int(row)), name) for row in rows]
            assert [(type(one), one) for one in found] == [(type(one), one) for one in expected]


@pytest.fixture
def counting() -> tuple[list[int], Callable[[int], Item]]:
    """Items that count how often they are read."""
    read: list[int] = []

    def item(row: int) -> Item:
        read.append(row)
        return Item(id=f"i{row}", brand=f"b{row}", attributes={"a": row})

    return read, item


def test_a_document_is_read_once_for_what_it_says(counting: tuple[list[int], Callable[[int], Item]]) -> None:
    """Questions asked again, and about attributes that nobody has, read nothing."""
    (read, item), fields, rows = counting, Fields(), np.arange(50)
    fields.read(["brand", "attributes.a"], rows, 50, item)
    first = len(read)
    assert first <= 2 * 50
    for number in range(100):
        fields.read(["brand", "attributes.a", f"attributes.none{number}"], rows, 50, item)
    assert len(read) == first
    assert len(fields) == 2


def test_only_the_rows_asked_for_are_read(counting: tuple[list[int], Callable[[int], Item]]) -> None:
    """Of a large catalogue no more is read than is asked about."""
    (read, item), fields = counting, Fields()
    fields.read(["brand"], np.array([7, 3]), 1_000_000, item)
    assert set(read) == {3, 7}


def test_memory_is_bounded(counting: tuple[list[int], Callable[[int], Item]]) -> None:
    """Beyond the bound the fields asked for longest ago are dropped, and read anew where they are asked for again."""
    (_, item), rows = counting, np.arange(100)
    fields = Fields(most=30_000)
    for name in ("brand", "attributes.a", "id"):
        fields.read([name], rows, 100, item)
    assert len(fields) == 1
    found = fields.read(["brand"], rows, 100, item)[0]
    assert [found.values[code] for code in found.codes] == [f"b{row}" for row in rows]


def test_a_filter_follows_a_changed_document() -> None:
    """A filter that has read an item judges it by what it says now."""
    catalogue = Catalogue()
    catalogue.apply(ItemPatch(id="i", attributes={"colour": "red"}))
    wanted = compile_filter({"attributes.colour": "red", "attributes.size": {"ne": 1}})
    assert wanted.mask(catalogue, np.arange(1)).tolist() == [True]
    catalogue.apply(ItemPatch(id="i", attributes={"colour": "blue"}))
    catalogue.apply(ItemPatch(id="j", attributes={"colour": "red", "size": 1}))
    catalogue.apply(ItemPatch(id="k", attributes={"colour": "red", "size": True}))
    assert wanted.mask(catalogue, np.arange(3)).tolist() == [False, False, False]
