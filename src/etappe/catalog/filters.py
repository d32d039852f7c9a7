"""Request filters, compiled once into conditions on columns of the catalogue.

    {"category": "home/lighting", "price": {"lt": 50}, "brand": ["Alma", "Nord"], "attributes.colour": "red"}

A value means equality, a list any of its values, an object the comparisons lt, lte, gt, gte, ne, in, not_in.
A category matches itself and all below it. All conditions must hold.

What a filter costs grows with its operands and with the rows it is asked about, and not with one times the other. A
narrow one leads to its rows, so that nobody goes through the catalogue for what it lets pass.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np

from etappe.catalog.conditions import (
    CategoryCondition,
    Condition,
    FieldCondition,
    IdCondition,
    Mask,
    PriceCondition,
    Rows,
)
from etappe.catalog.fields import ATTRIBUTE, PLAIN, STORES
from etappe.catalog.table import Catalogue
from etappe.catalog.values import ORDERED
from etappe.errors import InputError, TooMuchError
from etappe.events.intake import deeper

MAX_COMPARISONS: Final = 50
"""In one filter, over all its fields."""
MAX_OPERANDS: Final = 1000
"""In one filter: the values that all its comparisons name."""
MAX_NESTING: Final = 4
"""Lists and objects inside one another in an operand."""
MOST_ROWS: Final = 4096
"""Rows that a filter may have to be held against to be narrow."""

_FIELDS: Final = ("id", "category", "brand", "price", "currency", "item_group_id", "stores.<id>", "attributes.<name>")
_SETS: Final = ("in", "not_in")
LARGEST: Final = 1e12
_AS_SETS: Final = {"eq": "in", "ne": "not_in"}

Tests = list[tuple[str, Any]]
_ENCODER: Final = msgspec.json.Encoder()


class Filter:
    """A compiled filter; `mask` tells which rows it lets pass, `rows` which these are where they are few."""

    def __init__(self, conditions: list[Condition], source: Mapping[str, Any]) -> None:
        self._conditions = sorted(conditions, key=lambda one: isinstance(one, FieldCondition))  # the dearest last
        self._source = source

    def __bool__(self) -> bool:
        """Whether there is anything to check."""
        return bool(self._conditions)

    def mask(self, catalogue: Catalogue, rows: Rows) -> Mask:
        """bool[n]: which of `rows` pass."""
        kept = np.zeros(len(rows), np.bool_)
        left = np.arange(len(rows))
        for condition in self._conditions:
            left = left[condition.mask(catalogue, rows[left])]
        kept[left] = True
        return kept

    def rows(self, catalogue: Catalogue, most: int = MOST_ROWS) -> Rows | None:
        """All rows that pass, ascending; None where more than `most` may have to be looked at to find them.

        The catalogue keeps them, so that asking again costs what changed in between.
        """
        return catalogue.narrow.rows(self._key(), self, catalogue, most)

    def few(self, catalogue: Catalogue, most: int) -> Rows | None:
        """Rows among which all are that pass; None where no condition leads to some `most` of them or fewer."""
        found = (condition.few(catalogue, most) for condition in self._conditions)
        return min((rows for rows in found if rows is not None), key=len, default=None)

    def _key(self) -> bytes:
        return _ENCODER.encode(self._source)


def compile_filter(source: Mapping[str, Any] | None, where: str = "filter") -> Filter:
    """The filter that `source` describes.

    Raises:
        InputError: an unknown field or comparison, or a value of the wrong type; names the place.
        TooMuchError: more comparisons, operands or nesting than a filter may have.
    """
    tests = {field: _tests(wanted, f"{where}.{field}") for field, wanted in (source or {}).items()}
    _check_size(tests, where)
    return Filter([_condition(field, found, f"{where}.{field}") for field, found in tests.items()], source or {})


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


def _condition(field: str, tests: Tests, where: str) -> Condition:
    if field == "category":
        return _category(tests, where)
    if field == "price":
        return _price(tests, where)
    if field == "id":
        return IdCondition(tests)
    if field in PLAIN or any(field.startswith(of) and len(field) > len(of) for of in (ATTRIBUTE, STORES)):
        return FieldCondition(field, tests)
    raise InputError(f"{where} is no field to filter by; there are {', '.join(_FIELDS)}", field=where)


def _tests(wanted: Any, where: str) -> Tests:
    """The comparisons wanted, with equality as a list of one, so that `in` and `not_in` are all that sets need."""
    if isinstance(wanted, Mapping):
        known = (*ORDERED, *_AS_SETS, *_SETS)
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


def _category(tests: Tests, where: str) -> Condition:
    if any(name in ORDERED or not all(isinstance(path, str) for path in operand) for name, operand in tests):
        raise InputError(f"{where} needs category paths such as 'home/lighting'", field=where)
    return CategoryCondition(tests)


def _price(tests: Tests, where: str) -> Condition:
    for name, operand in tests:
        values = operand if name in _SETS else [operand]
        if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            raise InputError(f"{where}.{name} needs a number", field=where)
        if not all(abs(value) <= LARGEST for value in values):
            raise InputError(f"{where}.{name} is no price; the largest is {LARGEST:g}", field=where)
    return PriceCondition(tests)
