"""What a replica answers from: one snapshot, the live catalogue, the rows of the two matched, and more parts."""

from functools import lru_cache
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from etappe.catalog.table import Catalogue
from etappe.models.snapshot import Snapshot
from etappe.serving.viewing.alignment import CUSTOMERS, DECAYED, Alignment, Rows, measures

__all__ = ["CUSTOMERS", "DECAYED", "Rows", "View", "languages", "measures"]

_NOBODY: Final = np.zeros(0, np.int32)
_NOBODY.flags.writeable = False  # as what is mapped from a snapshot: one compiled kernel takes both
_PARTS: Final = ("catalogue", "snapshot", "pieces", "segments", "rules", "policy")


class View:
    """All that a decision reads beside the customer. A *row* is the catalogue's; a *model row* the snapshot's.

    A replica swaps it by one assignment. Its parts never change but for the catalogue, which does by `Catalogue.apply`
    between two requests. `pieces`, `segments`, `rules` and `policy` are None where there are none.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        snapshot: Snapshot | None = None,
        *,
        pieces: Any = None,
        segments: Any = None,
        rules: Any = None,
        policy: Any = None,
        aligned: Alignment | None = None,
    ) -> None:
        self.catalogue = catalogue
        self.snapshot = snapshot
        self.pieces, self.segments, self.rules, self.policy = pieces, segments, rules, policy
        self._aligned = Alignment(catalogue, snapshot) if aligned is None else aligned

    @property
    def version(self) -> str | None:
        """The version of the snapshot, if there is one."""
        return self.snapshot.manifest.version if self.snapshot else None

    @property
    def worn(self) -> bool:
        """Whether so much changed since rows were matched and put in order that `aligned` is worth its while."""
        return self._aligned.worn

    def has(self, part: str) -> bool:
        """Whether there is a snapshot with that part; whoever needs it does without where there is none."""
        return self.snapshot is not None and self.snapshot.has(part)

    def having(self, **parts: Any) -> Self:
        """The same with other parts, matched anew where `catalogue` or `snapshot` is among them."""
        aligned = self._aligned if parts.keys().isdisjoint(("catalogue", "snapshot")) else None
        return type(self)(**{name: getattr(self, name) for name in _PARTS} | parts, aligned=aligned)

    def with_snapshot(self, snapshot: Snapshot) -> Self:
        """The same under another snapshot, ready to be asked; may be called from another thread than `apply`."""
        return self.having(snapshot=snapshot).ready()

    def aligned(self) -> Self:
        """The same with rows matched and put in order anew; may be called from another thread than `apply`."""
        return self.having(catalogue=self.catalogue).ready()

    def ready(self) -> Self:
        """The same, with the order that nearly all requests ask for made."""
        self._aligned.orders(DECAYED)
        return self

    def to_rows(self, model_rows: NDArray[np.integer[Any]]) -> Rows:
        """int64[n]: the catalogue's rows of model rows, -1 where the catalogue lacks the item."""
        rows: Rows = self._aligned.to_row()[model_rows]
        return rows

    def rows_of_model(self) -> Rows:
        """int64[model rows]: the catalogue's row of each, -1 where the catalogue lacks the item; for kernels."""
        return self._aligned.to_row()

    def row(self, model_row: int) -> int:
        """As `to_rows`, of one."""
        return int(self._aligned.to_row()[model_row])

    def to_model_rows(self, rows: Rows) -> Rows:
        """int64[n]: the model rows of rows, -1 where the snapshot has not seen the item."""
        return self._aligned.to_model()[rows].astype(np.int64)

    def model_rows(self, hashes: NDArray[np.uint64]) -> Rows:
        """int64[n]: the model rows of item hashes, -1 for unknown ones."""
        if self.snapshot is None:
            return np.full(len(hashes), -1, np.int64)
        return self.snapshot.rows_of(hashes).astype(np.int64)

    def again(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        """int32[rows] model rows, -1 where the snapshot has not seen the item; int32[model rows] buyers who came again.

        The last are all buyers, int32[model rows]. Not to be kept.
        """
        if self.snapshot is None:
            return self._aligned.to_model(), _NOBODY, _NOBODY
        return self._aligned.to_model(), self.snapshot.repeats, self.snapshot.customers

    def by_popularity(self, measure: str = DECAYED, category: int = -1) -> Rows:
        """All rows (of one category code) by a measure of the snapshot, most popular first.

        `measure` is "decayed", "customers", or a window such as "7d". Equals are in order of decayed popularity, then
        of item hash, which is the same in every replica; where rows stand that came or moved since, `orders` says.
        """
        orders = self._aligned.orders(measure)
        return orders.all() if category < 0 else orders.of_category(category, self.catalogue.column("category"))

    def most_popular_first(self, rows: Rows, measure: str = DECAYED) -> Rows:
        """`rows` in the order of `by_popularity`."""
        return self._aligned.orders(measure).ranked(rows)

    def measured(self, measure: str) -> tuple[NDArray[np.int32], NDArray[Any]]:
        """int32[rows], the model row of each, and number[model rows], a popularity measure; neither to be kept."""
        return self._aligned.to_model(), self._aligned.measure(measure)


@lru_cache(maxsize=256)
def languages(locale: str | None) -> tuple[str, ...]:
    """The languages to look for in titles, most particular first: "de-CH" before "de"."""
    if not locale:
        return ()
    parts = locale.replace("_", "-").split("-")
    return tuple("-".join(parts[:end]) for end in range(len(parts), 0, -1))
