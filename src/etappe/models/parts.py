"""Parts of a snapshot: what a model family declares of its arrays, and how given arrays are held against it.

A declaration is all there is to say of a part: opening a snapshot checks by it and docs/models.md shows it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Named = Mapping[str, NDArray[Any]]
"""Arrays by name."""
Sizes = Mapping[str, int]
"""Lengths by the name of a dimension."""

ITEMS: Final = "items"
"""The dimension whose rows are the snapshot's items; of no other dimension are they."""
NONE: Final = -1
"""The row that pads a list shorter than others."""
_BLOCK: Final = 65_536
"""Rows compared at a time, so that a check allocates little beside the arrays it reads."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What must hold of an array's values, in words that follow "must be", and the test of it."""

    told: str
    holds: Callable[[NDArray[Any], Sizes], bool]


@dataclass(frozen=True, slots=True)
class Array:
    """One array: its dtype, the names of its dimensions, what it is, and what must hold of its values.

    Of one name one length is expected; `items` and `windows` are the snapshot's, all others the part's own.
    """

    name: str
    dtype: type[np.generic]
    shape: tuple[str, ...]
    told: str
    rules: tuple[Rule, ...] = ()

    def empty(self, sizes: Sizes) -> NDArray[Any]:
        """Zeros that stand in for an absent array: dimensions that only its part knows have length 0."""
        return np.zeros(tuple(sizes.get(name, 0) for name in self.shape), self.dtype)


@dataclass(frozen=True, slots=True)
class Part:
    """What one model family puts into a snapshot: all of its arrays, or the part is absent."""

    name: str
    told: str
    arrays: tuple[Array, ...]

    def faults(self, named: Named, sizes: Sizes) -> Iterator[str]:
        """What is wrong with the part's arrays, where the snapshot's dimensions have `sizes`.

        Values are looked at only where dtype and shape fit: compiled code trusts both, and so do the rules.
        """
        known = dict(sizes)
        for array in self.arrays:
            values = named.get(array.name)
            if values is None:
                yield f"{array.name} of the part {self.name} is missing"
            elif misfit := _misfit(array, values, known):
                yield misfit
            else:
                yield from (
                    f"{array.name} must be {rule.told}" for rule in array.rules if not rule.holds(values, known)
                )

    def empty(self, sizes: Sizes) -> dict[str, NDArray[Any]]:
        """Arrays that say nothing, for a snapshot without the part."""
        return {array.name: array.empty(sizes) for array in self.arrays}


def _misfit(array: Array, values: NDArray[Any], known: dict[str, int]) -> str | None:
    """Why dtype or shape are not those declared; notes in `known` the lengths of dimensions seen first here."""
    if values.dtype != np.dtype(array.dtype):
        return f"{array.name} has dtype {values.dtype}, {np.dtype(array.dtype)} is declared"
    declared = f"({', '.join(array.shape)})"
    if values.ndim != len(array.shape):
        return f"{array.name} has shape {values.shape}, {declared} is declared"
    expected = tuple(known.setdefault(name, size) for name, size in zip(array.shape, values.shape, strict=True))
    if values.shape != expected:
        return f"{array.name} has shape {values.shape}, {declared} is {expected} here"
    return None


def _finite(values: NDArray[Any], _: Sizes) -> bool:
    # A NaN is the least and the greatest of all, so the two ends tell of every value.
    return values.size == 0 or bool(np.isfinite(values.min()) and np.isfinite(values.max()))


def _not_negative(values: NDArray[Any], _: Sizes) -> bool:
    return values.size == 0 or bool(values.min() >= 0)


def _ascending(values: NDArray[Any], _: Sizes) -> bool:
    return bool((values[1:] > values[:-1]).all())


def _rows_of_items(values: NDArray[Any], sizes: Sizes) -> bool:
    return values.size == 0 or bool(values.min() >= NONE and values.max() < sizes[ITEMS])


def _padded(values: NDArray[Any], _: Sizes) -> bool:
    """Readers stop at the first padding, and count what is none to know a list's length."""
    return not any(((block[:, :-1] == NONE) & (block[:, 1:] != NONE)).any() for block in _blocks(values))


def _best_first(values: NDArray[Any], _: Sizes) -> bool:
    return all((block[:, 1:] <= block[:, :-1]).all() for block in _blocks(values))


def _blocks(values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    return (values[start : start + _BLOCK] for start in range(0, len(values), _BLOCK))


FINITE: Final = Rule("finite", _finite)
NOT_NEGATIVE: Final = Rule("0 or more", _not_negative)
ASCENDING: Final = Rule("in ascending order, each once", _ascending)
ROWS_OF_ITEMS: Final = Rule("rows of items, or -1", _rows_of_items)
PADDED: Final = Rule("padded with -1 at the end only", _padded)
BEST_FIRST: Final = Rule("best first", _best_first)
