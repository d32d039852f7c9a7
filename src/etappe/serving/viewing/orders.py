"""Catalogue rows in order of popularity, made once for a snapshot and kept up with what changes.

What changes of a row that is known leaves the order as it is: popularity is the snapshot's. Rows that came since are
behind all others, in the order in which they came. A row that changed its category is gone from the old one's order
and stands in the new one's behind all that were there; those that changed so are by popularity among themselves.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from etappe.catalog.growing import Growing, with_room

Rows = NDArray[np.int64]
_NOBODY: Final = np.zeros(0, np.int64)


class Orders:
    """The orders of one measure of popularity, of all rows and of each category.

    Args:
        ranked: int64[n], all rows at the time, most popular first.
        categories: int32[n], the category code of each row at the time.
    """

    def __init__(self, ranked: Rows, categories: NDArray[np.int32]) -> None:
        self._ranked = Growing(with_room(ranked), len(ranked))
        self._categories = categories
        by_category = categories[ranked]
        order = np.argsort(by_category, kind="stable")
        self._grouped: Rows = ranked[order]
        most = int(by_category.max()) if len(ranked) else -1
        self._starts: list[int] = np.searchsorted(by_category[order], np.arange(most + 2)).tolist()
        self._rank = np.zeros(len(ranked), np.int32)
        self._rank[ranked] = np.arange(len(ranked), dtype=np.int32)
        self._came: dict[int, dict[int, None]] = {}
        self._left: set[int] = set()
        self._mended: dict[int, Rows] = {}

    def move(self, row: int, old: int, new: int) -> None:
        """Takes note that a row changed its category, or came (`old` is -1). What was noted before may come again."""
        known = row < len(self._categories)
        if row >= len(self._ranked):
            self._ranked.append(row)
        if old in self._came:
            self._came[old].pop(row, None)
        if known:
            self._left.add(old)
        if not known or self._categories[row] != new:
            self._came.setdefault(new, {})[row] = None
        for code in (old, new):
            self._mended.pop(code, None)

    def all(self) -> Rows:
        """All rows, most popular first."""
        ranked: Rows = self._ranked.values
        return ranked

    def of_category(self, code: int, categories: NDArray[np.int32]) -> Rows:
        """The rows of a category, most popular first; `categories` int32 are the codes of all rows by now."""
        there = code + 1 < len(self._starts)
        grouped = self._grouped[self._starts[code] : self._starts[code + 1]] if there else _NOBODY
        came = self._came.get(code)
        if not came and code not in self._left:
            return grouped
        if code not in self._mended:
            stayed = grouped[categories[grouped] == code] if code in self._left else grouped
            late = self.ranked(np.fromiter(came, np.int64, len(came))) if came else _NOBODY
            self._mended[code] = np.concatenate([stayed, late])
        return self._mended[code]

    def ranked(self, rows: Rows) -> Rows:
        """`rows`, most popular first."""
        places = rows.copy()  # of rows that came since: they are in the order of their numbers
        known = rows < len(self._rank)
        places[known] = self._rank[rows[known]]
        ordered: Rows = rows[np.argsort(places, kind="stable")]
        return ordered
