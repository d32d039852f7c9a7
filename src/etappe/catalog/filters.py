"""Request filters, compiled once into a mask over rows of the catalogue.

    {"category": "home/lighting", "price": {"lt": 50}, "brand": ["Alma", "Nord"], "attributes.colour": "red"}

A value means equality, a list any of its values, an object the comparisons lt, lte, gt, gte, ne, in, not_in.
A category matches itself and all below it. All conditions must hold.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe.catalog.item import Item
from etappe.catalog.table import Catalogue
from etappe.errors import InputError

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]
Condition = Callable[[Catalogue, Rows], Mask]

_FIELDS: Final = ("id", "category", "brand", "price", "currency", "item_group_id", "attributes.<name>")
_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
}
_SETS: Final = ("in", "not_in")
_LARGEST: Final = 1e12
_AS_SETS: Final = {"eq": "in", "ne": "not_in"}

Tests = list[tuple[str, Any]]


class Filter:
    """A compiled filter; `mask` tells which rows it lets pass."""

    def __init__(self, conditions: list[Condition]) -> None:
        self._conditions = conditions

    def __bool__(self) -> bool:
        """Whether there is anything to check."""
        return bool(self._conditions)

    def mask(self, catalogue: Catalogue, rows: Rows) -> Mask:
        """bool[n]: which of `rows` pass."""
        passed = np.ones(len(rows), np.bool_)
        for condition in self._conditions:
            passed &= condition(catalogue, rows)
        return passed


def compile_filter(source: Mapping[str, Any] | None, where: str = "filter") -> Filter:
    """The filter that `source` describes.

    Raises:
        InputError: an unknown field or comparison, or a value of the wrong type; names the place.
    """
    return Filter([_condition(field, wanted, f"{where}.{field}") for field, wanted in (source or {}).items()])


def _condition(field: str, wanted: Any, where: str) -> Condition:
    tests = _tests(wanted, where)
    if field == "category":
        return _category_condition(tests, where)
    if field == "price":
        return _price_condition(tests, where)
    if field in ("id", "brand", "currency", "item_group_id"):
        return _document_condition(lambda item: getattr(item, field), tests)
    if field.startswith("attributes.") and len(field) > len("attributes."):
        name = field.removeprefix("attributes.")
        return _document_condition(lambda item: item.attributes.get(name), tests)
    raise InputError(f"{where} is no field to filter by; there are {', '.join(_FIELDS)}", field=where)


def _tests(wanted: Any, where: str) -> Tests:
    """The comparisons wanted, with equality as a list of one, so that `in` and `not_in` are all that sets need."""
    if isinstance(wanted, Mapping):
        known = (*_ORDER, *_AS_SETS, *_SETS)
        for name, operand in wanted.items():
            if name not in known:
                raise InputError(f"{where}.{name} is no comparison; there are {', '.join(known)}", field=where)
            if name in _SETS and not isinstance(operand, list):
                raise InputError(f"{where}.{name} needs a list", field=where)
        if not wanted:
            raise InputError(f"{where} is empty; give a value, a list, or comparisons", field=where)
        return [
            (_AS_SETS[name], [operand]) if name in _AS_SETS else (name, operand) for name, operand in wanted.items()
        ]
    return [("in", wanted if isinstance(wanted, list) else [wanted])]


def _category_condition(tests: Tests, where: str) -> Condition:
    if any(name in _ORDER or not all(isinstance(path, str) for path in operand) for name, operand in tests):
        raise InputError(f"{where} needs category paths such as 'home/lighting'", field=where)

    def condition(catalogue: Catalogue, rows: Rows) -> Mask:
        codes = np.ones(len(catalogue.categories), np.bool_)
        for name, paths in tests:
            inside = _any_of(catalogue, paths)
            codes &= inside if name == "in" else ~inside
        passed: Mask = codes[catalogue.column("category")[rows]]
        return passed

    return condition


def _any_of(catalogue: Catalogue, paths: list[str]) -> Mask:
    inside = np.zeros(len(catalogue.categories), np.bool_)
    for path in paths:
        inside |= catalogue.below(path)
    return inside


def _price_condition(tests: Tests, where: str) -> Condition:
    for name, operand in tests:
        values = operand if name in _SETS else [operand]
        if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            raise InputError(f"{where}.{name} needs a number", field=where)
        if not all(abs(value) <= _LARGEST for value in values):
            raise InputError(f"{where}.{name} is no price; the largest is {_LARGEST:g}", field=where)

    def condition(catalogue: Catalogue, rows: Rows) -> Mask:
        prices = catalogue.column("price")[rows]
        passed = ~np.isnan(prices)
        for name, operand in tests:
            if name in _ORDER:
                passed &= np.asarray(_ORDER[name](prices, operand))
            else:
                passed &= np.isin(prices, np.asarray(operand, np.float64), invert=name == "not_in")
        result: Mask = passed
        return result

    return condition


def _document_condition(read: Callable[[Item], Any], tests: Tests) -> Condition:
    def condition(catalogue: Catalogue, rows: Rows) -> Mask:
        values = (read(catalogue.item(int(row))) for row in rows)
        return np.fromiter((_passes(value, tests) for value in values), np.bool_, len(rows))

    return condition


def _passes(value: Any, tests: Tests) -> bool:
    """Whether one value passes all tests; a value of another type than the bound never does."""
    for name, operand in tests:
        if name in _ORDER:
            passed = _comparable(value, operand) and _ORDER[name](value, operand)
        else:
            passed = _among(value, operand) is (name == "in")
        if not passed:
            return False
    return True


def _comparable(value: Any, bound: Any) -> bool:
    if isinstance(value, bool) or isinstance(bound, bool):
        return False
    numbers = isinstance(value, int | float) and isinstance(bound, int | float)
    return numbers or (isinstance(value, str) and isinstance(bound, str))


def _among(value: Any, wanted: list[Any]) -> bool:
    """A list-valued attribute is among the wanted where any of its values is."""
    if isinstance(value, list):
        return any(one in wanted for one in value)
    return value in wanted
