"""The rows of a catalogue matched with those of a snapshot: once, and then kept up with what changes."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe.catalog.growing import Growing, with_room
from etappe.catalog.table import NEW, Catalogue
from etappe.models.snapshot import Snapshot
from etappe.serving.viewing.orders import Orders

Rows = NDArray[np.int64]
UNKNOWN: Final = -1
DECAYED: Final = "decayed"
CUSTOMERS: Final = "customers"
_MOST_MOVES: Final = 1000
_UNMEASURED: Final = np.zeros(0, np.float32)
_UNMEASURED.flags.writeable = False  # as what is mapped from a snapshot: one compiled kernel takes both


class Alignment:
    """Which row is which model row, and the rows by popularity.

    Making one costs a pass over the catalogue, and so does the first order of a measure; it may be done in another
    thread than the one that changes the catalogue, which then only adds rows behind those that are seen here. After
    that, catching up costs what changed.
    """

    def __init__(self, catalogue: Catalogue, snapshot: Snapshot | None) -> None:
        self._catalogue = catalogue
        self._snapshot = snapshot
        self._followed = self._begun = len(catalogue.moves)  # first: what moves meanwhile is followed later
        hashes = catalogue.column("hash")
        to_model = np.full(len(hashes), UNKNOWN, np.int32)
        self._to_row: Rows = np.zeros(0, np.int64)
        if snapshot is not None:
            to_model = snapshot.rows_of(hashes)
            self._to_row = catalogue.rows(np.asarray(snapshot.items))
        self._to_model = Growing(with_room(to_model), len(to_model))
        self._orders: dict[str, Orders] = {}

    @property
    def worn(self) -> bool:
        """Whether so much came or moved since that orders are worth making anew."""
        return len(self._catalogue.moves) - self._begun > max(_MOST_MOVES, len(self._catalogue) // 50)

    def to_row(self) -> Rows:
        """int64[model rows]: the row of each model row, -1 where the catalogue lacks the item."""
        self._follow()
        return self._to_row

    def to_model(self) -> NDArray[np.int32]:
        """int32[rows]: the model row of each row, -1 where the snapshot has not seen the item."""
        self._follow()
        return self._to_model.values

    def measure(self, name: str) -> NDArray[Any]:
        """number[model rows]: a popularity measure of the snapshot."""
        return _UNMEASURED if self._snapshot is None else _measure(self._snapshot, name)

    def orders(self, measure: str) -> Orders:
        """The orders of a measure; equals are by decayed popularity, then by item hash, as in every replica."""
        self._follow()
        if measure not in self._orders:
            self._orders[measure] = self._made(measure)
        return self._orders[measure]

    def _made(self, measure: str) -> Orders:
        """Of the rows followed so far: nothing in here follows more, which these orders would not hear of."""
        model_rows = self._to_model.values
        count = len(model_rows)
        categories = self._catalogue.gate["category"][:count].copy()
        keys = [self._catalogue.column("hash")[:count], -self._measured(DECAYED, model_rows)]
        if measure != DECAYED:
            keys.append(-self._measured(measure, model_rows))
        return Orders(np.lexsort(keys).astype(np.int64), categories)

    def _measured(self, measure: str, model_rows: NDArray[np.int32]) -> NDArray[np.float64]:
        values = np.zeros(len(model_rows), np.float64)
        if self._snapshot is not None:
            measure_of = _measure(self._snapshot, measure)
            if len(model_rows) and model_rows.min() >= 0:
                return measure_of[model_rows].astype(np.float64)
            seen = model_rows >= 0
            values[seen] = measure_of[model_rows[seen]]
        return values

    def _follow(self) -> None:
        moves = self._catalogue.moves
        if self._followed == len(moves):
            return
        for row, old, new in moves[self._followed :].tolist():
            if old == NEW and row >= len(self._to_model):
                self._match(row)
            for orders in self._orders.values():
                orders.move(row, old, new)
        self._followed = len(moves)

    def _match(self, row: int) -> None:
        """Finds the model row of a row that came."""
        model_row = UNKNOWN
        if self._snapshot is not None:
            model_row = int(self._snapshot.rows_of(self._catalogue.column("hash")[row : row + 1])[0])
            if model_row >= 0:
                self._to_row[model_row] = row
        self._to_model.append(model_row)


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
