"""Request filters, compiled once into a mask over rows of the catalogue.

    {"category": "home/lighting", "price": {"lt": 50}, "brand": ["Alma", "Nord"], "attributes.colour": "red"}

A value means equality, a list any of its values, an object the comparisons lt, lte, gt, gte, ne, in, not_in.
A category matches itself and all below it. All conditions must hold.

What a filter costs grows with its operands and with the rows it is asked about, and not with one times the other.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe.catalog.fields import Field
from etappe.catalog.table import Catalogue
from etappe.errors import InputError, TooMuchError
from etappe.events.intake import deeper
from etappe.ids import item_hash

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]
Condition = Callable[[Catalogue, Rows], Mask]

MAX_COMPARISONS: Final = 50
"""In one filter, over all its fields."""
MAX_OPERANDS: Final = 1000
"""In one filter: the values that all its comparisons name."""
MAX_NESTING: Final = 4
"""Lists and objects inside one another in an operand."""

_FIELDS: Final = ("id", "category", "brand", "price", "currency", "item_group_id", "attributes.<name>")
_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
}
_SETS: Final = ("in", "not_in")
LARGEST: Final = 1e12
_AS_SETS: Final = {"eq": "in", "ne": "not_in"}

Tests = list[tuple[str, Any]]
Frozen = list[tuple[str, Any]]
"""Tests with the operands of `in` and `not_in` as sets of what can be hashed."""


class Filter:
    """A compiled filter; `mask` tells which rows it lets pass."""

    def __init__(self, conditions: list[Condition], documents: dict[str, Tests]) -> None:
        self._conditions = conditions
        self._documents = {name: _frozen_tests(tests) for name, tests in documents.items()}

    def __bool__(self) -> bool:
        """Whether there is anything to check."""
        return bool(self._conditions or self._documents)

    def mask(self, catalogue: Catalogue, rows: Rows) -> Mask:
        """bool[n]: which of `rows` pass."""
        passed = np.ones(len(rows), np.bool_)
        for condition in self._conditions:
            passed &= condition(catalogue, rows)
        left = np.flatnonzero(passed)
        fields = catalogue.fields(list(self._documents), rows[left]) if self._documents and len(left) else []
        for field, tests in zip(fields, self._documents.values(), strict=False):
            left = left[_fitting(field, tests, rows[left])]
        kept = np.zeros(len(rows), np.bool_)
        kept[left] = True
        return kept


def compile_filter(source: Mapping[str, Any] | None, where: str = "filter") -> Filter:
    """The filter that `source` describes.

    Raises:
        InputError: an unknown field or comparison, or a value of the wrong type; names the place.
        TooMuchError: more comparisons, operands or nesting than a filter may have.
    """
    tests = {field: _tests(wanted, f"{where}.{field}") for field, wanted in (source or {}).items()}
    _check_size(tests, where)
    conditions: list[Condition] = []
    documents: dict[str, Tests] = {}
    for field, found in tests.items():
        conditions += _of_columns(field, found, f"{where}.{field}")
        if by_document := _of_documents(field, found, f"{where}.{field}"):
            documents[field] = by_document
    return Filter(conditions, documents)


def _check_size(tests: Mapping[str, Tests], where: str) -> None:
    comparisons = [one for some in tests.values() for one in some]
    operands = sum(len(operand) if isinstance(operand, list) else 1 for _, operand in comparisons)
    if len(comparisons) > MAX_COMPARISONS:
        raise TooMuchError(f"{where} has {len(comparisons)} comparisons; give at most {MAX_COMPARISONS}", field=where)
    if operands > MAX_OPERANDS:
        raise TooMuchError(f"{where} has {operands} values; give at most {MAX_OPERANDS}", field=where)
    for field, some in tests.items():
        if any(deeper(operand, MAX_NESTING) for _, operand in some):
            raise TooMuchError(
                f"{where}.{field} is nested more than {MAX_NESTING} deep; give plain values", field=f"{where}.{field}"
            )


def _of_columns(field: str, tests: Tests, where: str) -> list[Condition]:
    """The conditions that columns of the catalogue answer."""
    if field == "category":
        return [_category_condition(tests, where)]
    if field == "price":
        return [_price_condition(tests, where)]
    if field == "id":
        return [_id_condition([(name, operand) for name, operand in tests if name in _SETS])]
    return []


def _of_documents(field: str, tests: Tests, where: str) -> Tests:
    """The tests that the documents of items answer."""
    if field in ("category", "price"):
        return []
    if field == "id":
        return [(name, operand) for name, operand in tests if name in _ORDER]
    if field in ("brand", "currency", "item_group_id"):
        return tests
    if field.startswith("attributes.") and len(field) > len("attributes."):
        return tests
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

    known: dict[int, Mask] = {}

    def condition(catalogue: Catalogue, rows: Rows) -> Mask:
        count = len(catalogue.categories)
        if count not in known:
            known[count] = _codes_passing(catalogue, tests)
        passed: Mask = known[count][catalogue.column("category")[rows]]
        return passed

    return condition


def _codes_passing(catalogue: Catalogue, tests: Tests) -> Mask:
    codes = np.ones(len(catalogue.categories), np.bool_)
    for name, paths in tests:
        inside = catalogue.below(*paths)
        codes &= inside if name == "in" else ~inside
    return codes


def _id_condition(tests: Tests) -> Condition:
    """Ids are known by their hash, as everywhere; what is no text is no id."""
    hashes = [
        (name, np.array([item_hash(one) for one in wanted if isinstance(one, str)], np.uint64))
        for name, wanted in tests
    ]

    def condition(catalogue: Catalogue, rows: Rows) -> Mask:
        own = catalogue.column("hash")[rows]
        passed = np.ones(len(rows), np.bool_)
        for name, wanted in hashes:
            passed &= np.isin(own, wanted, invert=name == "not_in")
        return passed

    return condition


def _price_condition(tests: Tests, where: str) -> Condition:
    for name, operand in tests:
        values = operand if name in _SETS else [operand]
        if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            raise InputError(f"{where}.{name} needs a number", field=where)
        if not all(abs(value) <= LARGEST for value in values):
            raise InputError(f"{where}.{name} is no price; the largest is {LARGEST:g}", field=where)

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


def _fitting(field: Field, tests: Frozen, rows: Rows) -> Mask:
    """bool[n]: which of `rows` have a value that passes; each distinct value is looked at once."""
    codes, places = np.unique(field.codes[rows], return_inverse=True)
    fits = np.fromiter((_passes(field.values[code], tests) for code in codes.tolist()), np.bool_, len(codes))
    passed: Mask = fits[places]
    return passed


def _passes(value: Any, tests: Frozen) -> bool:
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


def _among(value: Any, wanted: frozenset[Hashable]) -> bool:
    """A list-valued attribute is among the wanted where any of its values is."""
    if isinstance(value, list):
        return any(_frozen(one) in wanted for one in value)
    return _frozen(value) in wanted


def _frozen_tests(tests: Tests) -> Frozen:
    return [(name, frozenset(_frozen(one) for one in operand) if name in _SETS else operand) for name, operand in tests]


def _frozen(value: Any) -> Hashable:
    """A JSON value that can be hashed, the same for values that are the same."""
    if isinstance(value, list):
        return (list, tuple(_frozen(one) for one in value))
    if isinstance(value, dict):
        return (dict, frozenset((name, _frozen(one)) for name, one in value.items()))
    kept: Hashable = value
    return kept
