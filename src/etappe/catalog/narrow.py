"""The rows that narrow filters let pass, kept while they are asked for and mended by what changed."""

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from etappe.catalog.filters import Filter
    from etappe.catalog.table import Catalogue

Rows = NDArray[np.int64]
KEPT: Final = 256
"""Filters that are remembered."""
_LOG: Final = 65_536
"""Changes that are remembered, at least; what was kept before them is found anew."""


class _Kept(NamedTuple):
    rows: Rows | None
    changes: int
    most: int


class Narrow:
    """What filters were found to let pass, and which rows changed since."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        self._changed: list[int] = []
        self._dropped = 0

    def note(self, row: int) -> None:
        """Takes note of a change of a row."""
        self._changed.append(row)
        if len(self._changed) > 2 * _LOG:
            del self._changed[:_LOG]
            self._dropped += _LOG

    def rows(self, key: bytes, wanted: "Filter", catalogue: "Catalogue", most: int) -> Rows | None:
        """All rows that pass, ascending; None where more than `most` may have to be looked at."""
        now = self._dropped + len(self._changed)
        kept = self._kept.get(key)
        if kept is None or kept.changes < self._dropped or kept.most != most:
            rows = _found(wanted, catalogue, most)
        elif kept.rows is None or kept.changes == now:
            rows = kept.rows
        else:
            rows = _mended(kept.rows, self._changed[kept.changes - self._dropped :], wanted, catalogue)
        self._kept[key] = _Kept(rows, now, most)
        self._kept.move_to_end(key)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return rows


def _found(wanted: "Filter", catalogue: "Catalogue", most: int) -> Rows | None:
    few = wanted.few(catalogue, most)
    if few is None:
        return None
    rows = np.unique(few)
    return rows[wanted.mask(catalogue, rows)]


def _mended(rows: Rows, changed: list[int], wanted: "Filter", catalogue: "Catalogue") -> Rows:
    later = np.unique(np.array(changed, np.int64))
    passing = later[wanted.mask(catalogue, later)]
    return np.union1d(np.setdiff1d(rows, later, assume_unique=True), passing)
