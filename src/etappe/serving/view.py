"""What a replica answers from: one snapshot and the live catalogue, with the rows of the two matched."""

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe.catalog.table import Catalogue
from etappe.models.snapshot import Snapshot

Rows = NDArray[np.int64]
DECAYED: Final = "decayed"
CUSTOMERS: Final = "customers"


class View:
    """Snapshot and catalogue, aligned. A *row* is the catalogue's; a *model row* the snapshot's.

    The snapshot never changes; the catalogue does, by `Catalogue.apply` between two requests, and grows.
    """

    def __init__(self, catalogue: Catalogue, snapshot: Snapshot | None = None) -> None:
        self.catalogue = catalogue
        self.snapshot = snapshot
        self._aligned_at = -1
        self._aligned_rows = -1
        self._to_row: Rows = np.zeros(0, np.int64)
        self._to_model: Rows = np.zeros(0, np.int64)
        self._orders: dict[tuple[str, int], Rows] = {}

    @property
    def version(self) -> str | None:
        """The version of the snapshot, if there is one."""
        return self.snapshot.manifest.version if self.snapshot else None

    def has(self, part: str) -> bool:
        """Whether there is a snapshot with that part; whoever needs it does without where there is none."""
        return self.snapshot is not None and self.snapshot.has(part)

    def with_snapshot(self, snapshot: Snapshot) -> "View":
        """The same catalogue under another snapshot."""
        return View(self.catalogue, snapshot)

    def to_rows(self, model_rows: NDArray[np.integer[Any]]) -> Rows:
        """int64[n]: the catalogue's rows of model rows, -1 where the catalogue lacks the item."""
        self._align()
        rows: Rows = self._to_row[model_rows]
        return rows

    def row(self, model_row: int) -> int:
        """As `to_rows`, of one."""
        self._align()
        return int(self._to_row[model_row])

    def model_row(self, row: int) -> int:
        """The model row of a row, -1 where the snapshot has not seen the item."""
        self._align()
        return int(self._to_model[row])

    def to_model_rows(self, rows: Rows) -> Rows:
        """int64[n]: the model rows of rows, -1 where the snapshot has not seen the item."""
        self._align()
        found: Rows = self._to_model[rows]
        return found

    def model_rows(self, hashes: NDArray[np.uint64]) -> Rows:
        """int64[n]: the model rows of item hashes, -1 for unknown ones."""
        if self.snapshot is None:
            return np.full(len(hashes), -1, np.int64)
        return self.snapshot.rows_of(hashes).astype(np.int64)

    def again_shares(self, rows: Rows) -> NDArray[np.float64]:
        """float64[n]: the share of each item's buyers who bought it in two orders or more; 0 where nobody is known.

        One buyer more is assumed than there are, so that a single one proves little.
        """
        self._align()
        shares = np.zeros(len(rows), np.float64)
        if self.snapshot is not None:
            model_rows = self._to_model[rows]
            seen = model_rows >= 0
            found = model_rows[seen]
            shares[seen] = self.snapshot.repeats[found] / (self.snapshot.customers[found] + 1)
        return shares

    def by_popularity(self, measure: str = DECAYED, category: int = -1) -> Rows:
        """All rows (of one category code) by a measure of the snapshot, most popular first.

        `measure` is "decayed", "customers", or a window such as "7d". Equals are in order of decayed popularity, then
        of item hash, which is the same in every replica.
        """
        self._align()
        key = (measure, category)
        if key not in self._orders:
            self._orders[key] = self._ranked(measure, category)
        return self._orders[key]

    def measured(self, measure: str) -> NDArray[np.float64]:
        """float64[rows]: a popularity measure for each row of the catalogue; 0 for items the snapshot lacks."""
        self._align()
        values = np.zeros(len(self.catalogue), np.float64)
        if self.snapshot is not None:
            known = self._to_row >= 0
            values[self._to_row[known]] = _measure(self.snapshot, measure)[known]
        return values

    def measured_at(self, measure: str, rows: Rows) -> NDArray[np.float64]:
        """float64[n]: as `measured`, of `rows` alone."""
        self._align()
        values = np.zeros(len(rows), np.float64)
        if self.snapshot is not None:
            model_rows = self._to_model[rows]
            seen = model_rows >= 0
            values[seen] = _measure(self.snapshot, measure)[model_rows[seen]]
        return values

    def _ranked(self, measure: str, category: int) -> Rows:
        if category < 0:
            worth = -self.measured(measure)
            return np.lexsort((self.catalogue.column("hash"), -self.measured(DECAYED), worth)).astype(np.int64)
        ranked = self.by_popularity(measure)
        found: Rows = ranked[self.catalogue.column("category")[ranked] == category]
        return found

    def _align(self) -> None:
        """Matches the rows anew where the catalogue grew; drops cached orders where anything in it changed."""
        if self._aligned_at == self.catalogue.changes:
            return
        if self._aligned_rows != len(self.catalogue):
            self._match_rows()
        self._aligned_at = self.catalogue.changes
        self._orders = {}

    def _match_rows(self) -> None:
        self._aligned_rows = len(self.catalogue)
        hashes = self.catalogue.column("hash")
        self._to_model = self.model_rows(hashes)
        self._to_row = np.zeros(0, np.int64)
        if self.snapshot is not None:
            self._to_row = self.catalogue.rows(np.asarray(self.snapshot.items))


def measures(snapshot: Snapshot) -> list[str]:
    """The names of the popularity measures a snapshot has."""
    windows = snapshot.parameters.windows if snapshot.has("popularity") else ()
    return [DECAYED, CUSTOMERS, *(f"{days}d" for days in windows)]


def _measure(snapshot: Snapshot, name: str) -> NDArray[Any]:
    if name in (DECAYED, CUSTOMERS):
        decayed = name == DECAYED and snapshot.has("popularity")
        return snapshot.popularity if decayed else snapshot.customers
    window: NDArray[np.int32] = snapshot.windows[measures(snapshot).index(name) - 2]
    return window


@lru_cache(maxsize=256)
def languages(locale: str | None) -> tuple[str, ...]:
    """The languages to look for in titles, most particular first: "de-CH" before "de"."""
    if not locale:
        return ()
    parts = locale.replace("_", "-").split("-")
    return tuple("-".join(parts[:end]) for end in range(len(parts), 0, -1))
