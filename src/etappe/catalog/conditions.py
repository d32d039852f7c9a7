"""Compiled conditions: a column, comparisons, constants as what the column is coded in. One evaluator for all who ask.

Each is evaluated for given rows at once, and where an index leads to its rows, these are found without asking the rest.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from etappe.catalog.fields import Value, value_of
from etappe.catalog.values import NULL, ORDERED, Codes, as_number, contained, is_number, key_of
from etappe.ids import item_hash

if TYPE_CHECKING:
    from etappe.catalog.table import Catalogue

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]
Tests = Sequence[tuple[str, Any]]
"""Comparisons (lt, lte, gt, gte, in, not_in) and their operands; those of `in` and `not_in` are lists."""

_ORDER: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
}


_NULL_KEY: Final = key_of(None)


class Condition(Protocol):
    """What all kinds of conditions can be asked."""

    def mask(self, catalogue: "Catalogue", rows: Rows) -> Mask:
        """bool[n]: which of `rows` it holds for."""

    def few(self, catalogue: "Catalogue", most: int) -> Rows | None:
        """Rows among which all are that it holds for, in any order; None where no index leads to `most` or fewer.

        Rows that changed since the catalogue was compiled are beside these.
        """


class _Among(NamedTuple):
    """`in` and `not_in` by keys: ascending for many values at once, as a set for one."""

    keys: NDArray[np.uint64]
    wanted: frozenset[int]
    negated: bool


class _Bound(NamedTuple):
    """A comparison with a number or a text; with anything else it never holds."""

    name: str
    bound: Any


class FieldCondition:
    """A condition on a coded field: all `tests` hold of its value."""

    def __init__(self, name: str, tests: Tests) -> None:
        self._name = name
        self._tests: list[_Among | _Bound] = [_test(comparison, operand) for comparison, operand in tests]

    def mask(self, catalogue: "Catalogue", rows: Rows) -> Mask:
        """bool[n]: which of `rows` it holds for."""
        codes = catalogue.codes(self._name, rows)
        values = catalogue.values
        passed = np.ones(len(rows), np.bool_)
        later = codes >= len(values) if values is not None else np.ones(len(rows), np.bool_)
        if values is not None:
            known = np.where(later, np.int32(NULL), codes) if later.any() else codes
            for test in self._tests:
                if isinstance(test, _Among):
                    passed &= values.among(known, test.keys) != test.negated
                else:
                    first, end = values.interval(*test)
                    passed &= (known >= first) & (known < end)
        if later.any():
            passed[later] = self._of_changed(catalogue, codes[later])
        return passed

    def holds(self, value: Any) -> bool:
        """Whether it holds of one value."""
        return self._holds(value_of(value))

    def few(self, catalogue: "Catalogue", most: int) -> Rows | None:
        """Rows among which all are that its narrowest test holds for; None where none leads to so few."""
        found = [(test, self._compiled(catalogue, test, most)) for test in self._tests]
        narrow = [(test, rows) for test, rows in found if rows is not None]
        if not narrow:
            return None
        test, rows = min(narrow, key=lambda one: len(one[1]))
        return np.concatenate([rows, catalogue.changed.rows_with(self._name, self._changed(catalogue, test))])

    def _compiled(self, catalogue: "Catalogue", test: "_Among | _Bound", most: int) -> Rows | None:
        """The rows that passed a test when they were compiled; None where they are more than `most`."""
        if isinstance(test, _Among) and (test.negated or _NULL_KEY in test.wanted):  # no value: in no index
            return None
        fields = catalogue.fields
        if fields is None:
            return np.zeros(0, np.int64)
        if isinstance(test, _Bound):
            return fields.rows_with(self._name, [fields.values.interval(*test)], most)
        codes = fields.values.codes_with(test.keys, most)
        if codes is None:
            return None
        return fields.rows_with(self._name, [(code, code + 1) for code in codes.tolist()], most)

    def _changed(self, catalogue: "Catalogue", test: "_Among | _Bound") -> set[int]:
        """The codes of changed rows that pass a test."""
        if isinstance(test, _Among):
            return catalogue.changed.codes_with(test.wanted)
        return catalogue.changed.codes_where(self._name, lambda value: _holds(test, value))

    def _holds(self, value: Value) -> bool:
        return all(_holds(test, value) for test in self._tests)

    def _of_changed(self, catalogue: "Catalogue", codes: Codes) -> Mask:
        """As `mask`, of codes that came in since the catalogue was compiled; each distinct one is looked at once."""
        distinct, places = np.unique(codes, return_inverse=True)
        fits = [self._holds(catalogue.changed.value(code)) for code in distinct.tolist()]
        passed: Mask = np.array(fits, np.bool_)[places]
        return passed


class CategoryCondition:
    """A condition on the category: each test names paths that it is, or is not, or is below."""

    def __init__(self, tests: Tests) -> None:
        self._tests = tests
        self._known: dict[int, Mask] = {}

    def mask(self, catalogue: "Catalogue", rows: Rows) -> Mask:
        """bool[n]: which of `rows` it holds for."""
        passed: Mask = self._codes(catalogue)[catalogue.column("category")[rows]]
        return passed

    def few(self, catalogue: "Catalogue", most: int) -> Rows | None:
        """The rows of its categories; None where there are more than `most`."""
        if all(name == "not_in" for name, _ in self._tests):
            return None
        return catalogue.in_categories(np.flatnonzero(self._codes(catalogue)).tolist(), most)

    def _codes(self, catalogue: "Catalogue") -> Mask:
        count = len(catalogue.categories)
        if count not in self._known:
            codes = np.ones(count, np.bool_)
            for name, paths in self._tests:
                inside = catalogue.below(*paths)
                codes &= inside if name == "in" else ~inside
            self._known = {count: codes}
        return self._known[count]


class IdCondition:
    """A condition on the id, by its hash as everywhere; what is no text is no id. Order is looked up in documents."""

    def __init__(self, tests: Tests) -> None:
        self._hashes = [
            (np.unique(np.array([item_hash(one) for one in wanted if isinstance(one, str)], np.uint64)), name)
            for name, wanted in tests
            if name not in ORDERED
        ]
        self._bounds = [_Bound(name, bound) for name, bound in tests if name in ORDERED]

    def mask(self, catalogue: "Catalogue", rows: Rows) -> Mask:
        """bool[n]: which of `rows` it holds for."""
        own = catalogue.column("hash")[rows]
        passed = np.ones(len(rows), np.bool_)
        for wanted, name in self._hashes:
            passed &= contained(own, wanted) != (name == "not_in")
        if self._bounds:
            for place in np.flatnonzero(passed).tolist():
                item_id = catalogue.fragment(int(rows[place])).id
                passed[place] = all(_compares(test, item_id) for test in self._bounds)
        return passed

    def few(self, catalogue: "Catalogue", most: int) -> Rows | None:
        """The rows of the ids named; None where only others are, or more than `most`."""
        named = [wanted for wanted, name in self._hashes if name == "in" and len(wanted) <= most]
        if not named:
            return None
        rows = catalogue.rows(min(named, key=len))
        return rows[rows >= 0]


class PriceCondition:
    """A condition on the price; what has none does not pass."""

    def __init__(self, tests: Tests) -> None:
        self._tests = [(name, operand if name in ORDERED else np.array(operand, np.float64)) for name, operand in tests]

    def mask(self, catalogue: "Catalogue", rows: Rows) -> Mask:
        """bool[n]: which of `rows` it holds for."""
        prices = catalogue.column("price")[rows]
        passed: Mask = ~np.isnan(prices)
        for name, operand in self._tests:
            if name in ORDERED:
                passed &= _ORDER[name](prices, operand)
            else:
                passed &= np.isin(prices, operand, invert=name == "not_in")
        return passed

    def few(self, catalogue: "Catalogue", most: int) -> Rows | None:  # noqa: ARG002 - as others are asked
        """Nothing leads from prices to rows."""
        return None


def _test(comparison: str, operand: Any) -> _Among | _Bound:
    if comparison in ORDERED:
        return _Bound(comparison, operand)
    keys = np.unique(np.array([key_of(one) for one in operand], np.uint64))
    return _Among(keys, frozenset(keys.tolist()), negated=comparison == "not_in")


def _holds(test: _Among | _Bound, value: Value) -> bool:
    if isinstance(test, _Among):
        return test.wanted.isdisjoint(value.keys) is test.negated
    return _compares(test, value.value)


def _compares(test: _Bound, value: Any) -> bool:
    """Whether one value passes; one of another type than the bound never does."""
    if is_number(value) and is_number(test.bound):
        return bool(_ORDER[test.name](as_number(value), as_number(test.bound)))
    if isinstance(value, str) and isinstance(test.bound, str):
        return bool(_ORDER[test.name](value, test.bound))
    return False
