"""Request filters: the compiled mask against a naive evaluator, and errors that name the place."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etappe.catalog.filters import MAX_COMPARISONS, MAX_NESTING, MAX_OPERANDS, compile_filter
from etappe.catalog.item import ItemPatch
from etappe.catalog.table import Catalogue
from etappe.errors import InputError, TooMuchError


def _catalogue(items: list[dict[str, Any]]) -> Catalogue:
    catalogue = Catalogue()
    for number, fields in enumerate(items):
        catalogue.apply(ItemPatch(**({"id": f"i{number}"} | fields)))
    return catalogue


def _mask(items: list[dict[str, Any]], source: dict[str, Any]) -> list[bool]:
    return compile_filter(source).mask(_catalogue(items), np.arange(len(items))).tolist()


def _same(value: Any, wanted: Any) -> bool:
    return any(one == wanted for one in value) if isinstance(value, list) else value == wanted


def _below(value: str, path: str) -> bool:
    return (value + "/").startswith(path + "/") if path else value == ""


def _ordered(name: str, value: Any, bound: Any) -> bool:
    kinds = [str if isinstance(one, str) else float for one in (value, bound) if isinstance(one, str | float)]
    if len(kinds) != 2 or kinds[0] is not kinds[1]:
        return False
    return bool({"lt": value < bound, "lte": value <= bound, "gt": value > bound, "gte": value >= bound}[name])


def _naive(field: str, fields: dict[str, Any], name: str, operand: Any) -> bool:
    """One comparison on one item, as the documentation has it."""
    same = _same
    if field.startswith("attributes."):
        value = fields.get("attributes", {}).get(field.removeprefix("attributes."))
    elif field == "category":
        value, same = fields.get("category") or "", _below
    else:
        value = fields.get(field)
        if field == "price" and value is None:
            return False
    if name in ("lt", "lte", "gt", "gte"):
        return _ordered(name, value, operand)
    negated = name in ("ne", "not_in")
    wanted = operand if name in ("in", "not_in") else [operand]
    return any(same(value, one) for one in wanted) is not negated


def _passes(fields: dict[str, Any], source: dict[str, Any]) -> bool:
    for field, wanted in source.items():
        tests = wanted if isinstance(wanted, dict) else {"in": wanted if isinstance(wanted, list) else [wanted]}
        if not all(_naive(field, fields, name, operand) for name, operand in tests.items()):
            return False
    return True


PRICES = st.sampled_from([0.0, 1.0, 2.5, 50.0])
PATHS = st.sampled_from(["", "home", "home/lighting", "homeware", "garden"])
BRANDS = st.sampled_from(["Alma", "Nord", ""])
COLOURS = st.sampled_from(["red", "blue", "green"])
SIZES = st.sampled_from([1.0, 2.0, 3.5])
ITEMS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "price": PRICES,
            "category": PATHS,
            "brand": BRANDS,
            "attributes": st.fixed_dictionaries(
                {}, optional={"colour": COLOURS | st.lists(COLOURS, max_size=2), "size": SIZES | COLOURS | st.none()}
            ),
        },
    ),
    max_size=8,
)


def _tests(values: st.SearchStrategy[Any], *, ordered: bool) -> st.SearchStrategy[Any]:
    sets = st.lists(values, max_size=2)
    optional = {"eq": values, "ne": values, "in": sets, "not_in": sets}
    if ordered:
        optional |= dict.fromkeys(("lt", "lte", "gt", "gte"), values)
    some = st.fixed_dictionaries({}, optional=optional).filter(bool)
    return values | sets | some


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "price": _tests(PRICES, ordered=True),
        "category": _tests(PATHS, ordered=False),
        "brand": _tests(BRANDS, ordered=True),
        "attributes.colour": _tests(COLOURS, ordered=True),
        "attributes.size": _tests(SIZES | COLOURS, ordered=True),
    },
)


@given(ITEMS, FILTERS)
@settings(max_examples=300, deadline=None)
def test_mask_equals_naive_evaluator(items: list[dict[str, Any]], source: dict[str, Any]) -> None:
    """The compiled mask lets exactly those items pass that the plain reading of the filter does."""
    assert [_passes(fields, source) for fields in items] == _mask(items, source)


SHOP: list[dict[str, Any]] = [
    {"category": "home/lighting", "price": 49.0, "brand": "Alma", "currency": "EUR", "attributes": {"colour": "red"}},
    {"category": "home", "price": 50.0, "brand": "Nord", "attributes": {"colour": ["red", "blue"]}},
    {"category": "homeware", "brand": "Nord", "item_group_id": "g", "attributes": {"size": 3}},
]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({}, [True, True, True]),
        ({"category": "home"}, [True, True, False]),
        ({"category": ["home/lighting", "homeware"]}, [True, False, True]),
        ({"category": {"not_in": ["home"]}}, [False, False, True]),
        ({"price": {"lt": 50}}, [True, False, False]),
        ({"price": {"gte": 49, "lte": 50, "ne": 49}}, [False, True, False]),
        ({"price": {"not_in": [49]}}, [False, True, False]),
        ({"brand": {"eq": "Nord", "in": ["Alma"]}}, [False, False, False]),
        ({"brand": None}, [False, False, False]),
        ({"currency": None}, [False, True, True]),
        ({"id": ["i0", "i2"]}, [True, False, True]),
        ({"item_group_id": "g"}, [False, False, True]),
        ({"attributes.colour": "red"}, [True, True, False]),
        ({"attributes.colour": {"ne": "blue"}}, [True, False, True]),
        ({"id": {"not_in": ["i0", 7, None]}}, [False, True, True]),
        ({"id": {"gt": "i0", "ne": "i2"}}, [False, True, False]),
        ({"attributes.colour": {"eq": ["red", "blue"]}}, [False, False, False]),
        ({"attributes.size": {"in": [3.0, {"a": [1]}]}}, [False, False, True]),
        ({"attributes.size": {"gt": 2}}, [False, False, True]),
        ({"attributes.size": {"gt": "2"}}, [False, False, False]),
        ({"category": "home", "brand": "Nord", "price": {"gt": 1}}, [False, True, False]),
    ],
)
def test_known_answers(source: dict[str, Any], expected: list[bool]) -> None:
    """These filters let exactly these items pass."""
    assert expected == _mask(SHOP, source)


def test_mask_follows_the_rows() -> None:
    """The mask is for the rows asked for, in their order, and only for those."""
    mask = compile_filter({"brand": "Nord"}).mask(_catalogue(SHOP), np.array([2, 0]))
    assert mask.tolist() == [True, False]


def test_filter_sees_later_changes() -> None:
    """A filter compiled before an item, or a category, came in judges it like any other."""
    catalogue, wanted = _catalogue(SHOP), compile_filter({"category": "garden"})
    catalogue.apply(ItemPatch(id="new", category="garden/tools"))
    assert wanted.mask(catalogue, np.arange(4)).tolist() == [False, False, False, True]


def test_truth_of_a_filter() -> None:
    """A filter without conditions is false, so that it can be passed over."""
    assert [bool(compile_filter(source)) for source in (None, {}, {"id": "i"})] == [False, False, True]


@pytest.mark.parametrize(
    ("source", "field", "message"),
    [
        ({"colour": "red"}, "colour", "no field to filter by; there are id, category, .*attributes"),
        ({"attributes.": "red"}, "attributes.", "no field"),
        ({"price": {"between": [1, 2]}}, "price", "price.between is no comparison; there are lt, lte"),
        ({"price": {"in": 3}}, "price", "price.in needs a list"),
        ({"price": {}}, "price", "is empty"),
        ({"price": "cheap"}, "price", "price.in needs a number"),
        ({"price": {"lt": "50"}}, "price", "price.lt needs a number"),
        ({"price": {"lt": True}}, "price", "price.lt needs a number"),
        ({"price": None}, "price", "needs a number"),
        ({"price": {"lt": 10**400}}, "price", "price.lt is no price; the largest is 1e\\+12"),
        ({"price": [10**400]}, "price", "price.in is no price"),
        ({"category": 3}, "category", "category paths"),
        ({"category": {"lt": "home"}}, "category", "category paths"),
        ({"category": {"ne": 3}}, "category", "category paths"),
    ],
)
def test_errors_name_the_field(source: dict[str, Any], field: str, message: str) -> None:
    """A filter that cannot be understood is refused, naming its place in the request and the remedy."""
    with pytest.raises(InputError, match=message) as caught:
        compile_filter(source, "placements.home.filter")
    assert f"placements.home.filter.{field}" == caught.value.field


def _deep(levels: int) -> Any:
    return [_deep(levels - 1)] if levels else "x"


@pytest.mark.parametrize(
    ("source", "field"),
    [
        ({"brand": ["x"] * (MAX_OPERANDS + 1)}, ""),
        ({"id": ["x"] * MAX_OPERANDS, "brand": "x"}, ""),
        ({f"attributes.{n}": 1 for n in range(MAX_COMPARISONS + 1)}, ""),
        ({"brand": {"eq": _deep(MAX_NESTING + 1)}}, ".brand"),
        ({"attributes.x": _deep(MAX_NESTING + 1)}, ".attributes.x"),
    ],
)
def test_too_much_is_refused(source: dict[str, Any], field: str) -> None:
    """More values, comparisons or nesting than a filter may have are refused, the place and the bound named."""
    with pytest.raises(TooMuchError, match=r"at most|more than") as caught:
        compile_filter(source, "placements.home.filter")
    assert f"placements.home.filter{field}" == caught.value.field


def test_as_much_as_there_may_be() -> None:
    """A filter at all of its bounds is taken."""
    values = ["x"] * (MAX_OPERANDS - MAX_COMPARISONS + 1)
    source = {f"attributes.{n}": {"eq": _deep(MAX_NESTING - 1)} for n in range(MAX_COMPARISONS - 1)} | {"id": values}
    assert _mask(SHOP, source) == [False, False, False]


class _Counted(str):
    """Text that counts how often it is compared."""

    __slots__ = ()
    compared = 0

    def __eq__(self, other: object) -> bool:
        _Counted.compared += 1
        return str(self) == other

    __hash__ = str.__hash__


@pytest.mark.parametrize("field", ["id", "brand", "category", "attributes.colour"])
def test_work_is_not_operands_times_items(field: str) -> None:
    """A thousand values asked of hundreds of items take no comparison of each with each."""
    items = [{"brand": f"b{n}", "category": f"c{n}/d", "attributes": {"colour": f"r{n}"}} for n in range(300)]
    catalogue = _catalogue(items)
    _Counted.compared = 0
    wanted = compile_filter({field: [_Counted(f"x{n}") for n in range(MAX_OPERANDS)]})
    for start in range(0, 300, 30):
        assert not wanted.mask(catalogue, np.arange(start, start + 30)).any()
    assert _Counted.compared <= MAX_OPERANDS


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["lt", "in", "ne", "x"]), inner, max_size=2)
    ),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["id", "price", "category", "brand", "attributes.colour", "x"]), VALUES))
@settings(deadline=None)
def test_garbage_filter_raises_input_error_alone(source: dict[str, Any]) -> None:
    """A filter of any JSON is refused with InputError, or judges every item."""
    try:
        wanted = compile_filter(source)
    except InputError:
        return
    assert len(SHOP) == len(wanted.mask(_catalogue(SHOP), np.arange(len(SHOP))))
