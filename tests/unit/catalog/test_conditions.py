"""Conditions on coded columns against a plain reading of each item: compiled, changed since, or both."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.catalog import naive

from etappe.catalog.filters import MOST_ROWS, compile_filter
from etappe.catalog.item import ItemPatch
from etappe.catalog.table import Catalogue

SCALARS = st.sampled_from(
    [None, True, False, 0, 1, 1.0, 2.5, -3, 10**20, "", "1", "red", "reddish", "Ä", "\U0001f600", "\uffff"]
)
VALUES = (
    SCALARS | st.lists(SCALARS, max_size=3) | st.sampled_from([[["red"]], {"x": [1]}, {"x": [True]}, {"x": 1, "y": 2}])
)
TEXTS = st.sampled_from([None, "", "Alma", "Alm", "Nord", 'a"b'])
PATCHES = st.lists(
    st.builds(
        lambda number, fields: ItemPatch(id=f"i{number}", **fields),
        st.integers(0, 9),
        st.fixed_dictionaries(
            {},
            optional={
                "price": st.sampled_from([None, 0.0, 2.5, 50.0]),
                "category": st.sampled_from([None, "", "home", "home/lighting", "homeware", "garden"]),
                "brand": TEXTS,
                "currency": st.sampled_from([None, "EUR", "GBP"]),
                "item_group_id": st.sampled_from([None, "g", "h"]),
                "attributes": st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUES, max_size=3),
            },
        ),
    ),
    max_size=14,
)  # fmt: skip


def _tests(values: st.SearchStrategy[Any], *, ordered: bool = True) -> st.SearchStrategy[Any]:
    sets = st.lists(values, max_size=3)
    optional: dict[str, st.SearchStrategy[Any]] = {"eq": values, "ne": values, "in": sets, "not_in": sets}
    if ordered:
        optional |= dict.fromkeys(("lt", "lte", "gt", "gte"), values)
    single = values.filter(lambda value: not isinstance(value, dict))
    return single | sets | st.fixed_dictionaries({}, optional=optional).filter(bool)


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "id": _tests(st.sampled_from(["i0", "i1", "i5", "x"])),
        "price": _tests(st.sampled_from([0.0, 1, 2.5, 50.0])),
        "category": _tests(st.sampled_from(["", "home", "homeware", "none"]), ordered=False),
        "brand": _tests(TEXTS),
        "currency": _tests(st.sampled_from([None, "EUR", "F"])),
        "item_group_id": _tests(st.sampled_from([None, "g"])),
        "attributes.a": _tests(VALUES),
        "attributes.b": _tests(VALUES),
        "attributes.none": _tests(VALUES),
    },
).filter(lambda source: len(source) <= 3)


def _expected(catalogue: Catalogue, source: dict[str, Any]) -> list[bool]:
    return [naive.passes(item, source) for item in catalogue.items()]


@given(PATCHES, PATCHES, st.lists(FILTERS, min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_compiled_and_changed_rows_pass_as_read_plainly(
    before: list[ItemPatch],
    after: list[ItemPatch],
    sources: list[dict[str, Any]],
) -> None:
    """However much of the catalogue is compiled and however much changed since, a filter lets pass what it says."""
    catalogue = naive.filled(after, naive.compiled(naive.filled(before)))
    rows = np.arange(len(catalogue))[::-1]
    for source in sources:
        assert _expected(catalogue, source)[::-1] == compile_filter(source).mask(catalogue, rows).tolist()


@given(PATCHES, PATCHES, st.lists(FILTERS, min_size=1, max_size=4))
@settings(max_examples=100, deadline=None)
def test_rows_of_narrow_filters_are_those_that_pass(
    before: list[ItemPatch],
    after: list[ItemPatch],
    sources: list[dict[str, Any]],
) -> None:
    """Where a filter leads to rows, these are all that pass, before and after each change; else it says None."""
    catalogue = naive.compiled(naive.filled(before))
    for patch in [None, *after]:
        if patch is not None:
            catalogue.apply(patch)
        for source in sources:
            found = compile_filter(source).rows(catalogue)
            assert found is None or np.flatnonzero(_expected(catalogue, source)).tolist() == found.tolist()


def _shop(count: int = 300) -> Catalogue:
    patches = [
        ItemPatch(
            id=f"i{n}",
            category=f"c{n % 3}",
            brand=f"b{n % 100}",
            attributes={"size": n, "tags": ["all", f"t{n % 7}"]} | ({"rare": "yes"} if n % 50 == 0 else {}),
        )
        for n in range(count)
    ]
    return naive.compiled(naive.filled(patches))


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ({"brand": "b7"}, 3),
        ({"brand": ["b7", "b8", "none"]}, 6),
        ({"brand": "none"}, 0),
        ({"attributes.rare": "yes"}, 6),
        ({"attributes.nobody": "yes"}, 0),
        ({"attributes.size": {"gte": 295}}, 5),
        ({"attributes.tags": "t3", "price": {"gt": 1}}, 0),
        ({"id": ["i1", "i2", "x"]}, 2),
        ({"brand": "b7", "category": "c1"}, 1),
    ],
)
def test_narrow_filters_lead_to_their_rows(source: dict[str, Any], count: int) -> None:
    """Values, lists, intervals and ids are found by the index, whatever else the filter asks."""
    catalogue = _shop()
    found = compile_filter(source).rows(catalogue, 50)
    assert found is not None
    assert count == len(found)


@pytest.mark.parametrize(
    "source",
    [
        {},
        {"price": {"gt": 1}},
        {"brand": {"ne": "b7"}},
        {"brand": None},
        {"category": "c1"},
        {"category": {"not_in": ["c1"]}},
        {"attributes.tags": "all"},
        {"attributes.size": {"gte": 10}},
    ],
)
def test_wide_filters_are_told(source: dict[str, Any]) -> None:
    """A filter that nothing leads to, or to more rows than asked for, says so, and looks at none of them."""
    assert compile_filter(source).rows(_shop(), 50) is None


def test_a_narrow_filter_asked_again_looks_at_what_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time nothing is looked at, and after changes the rows that changed are: who passes no more is gone."""
    catalogue, wanted, asked = _shop(), compile_filter({"brand": "b7"}), list[int]()
    mask = type(wanted).mask
    monkeypatch.setattr(type(wanted), "mask", lambda *a: asked.append(len(a[2])) or mask(*a))  # type: ignore[func-returns-value]
    for _ in range(3):
        wanted.rows(catalogue, MOST_ROWS)
    catalogue.apply(ItemPatch(id="i8", brand="b7"))
    catalogue.apply(ItemPatch(id="i7", brand="b1"))
    catalogue.apply(ItemPatch(id="i8", title="New"))
    found = wanted.rows(catalogue, MOST_ROWS)
    assert found is not None
    assert {catalogue.item(int(row)).id for row in found} == {"i107", "i207", "i8"}
    assert asked == [3, 2]
