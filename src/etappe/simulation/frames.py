"""What the shop was told, as frames with ids and words in place of numbers: events, and responses to what it showed."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from etappe.events.vocabulary import CHANNELS, NAMES
from etappe.simulation.goods.catalogue import CURRENCY
from etappe.simulation.goods.pieces import pieces
from etappe.simulation.journey.arrivals import NONE
from etappe.simulation.record import moments as of
from etappe.simulation.record.properties import (
    PLACEMENT_OF_LIST,
    PLACEMENT_OF_PIECE,
    Labels,
    Teller,
    where,
)
from etappe.simulation.record.record import Record
from etappe.simulation.story import Story
from etappe.simulation.tables import Ints
from etappe.simulation.visits.shown import Shown

TIME: Final = pl.Datetime("us", "UTC")
ROWS: Final = 400_000
"""Events of one frame."""


class Frames:
    """Makes the frames of one story."""

    def __init__(self, story: Story, named: Labels) -> None:
        self._story, self._named = story, named
        first = np.searchsorted(story.shown.visit, np.arange(len(story.visits) + 1))
        self._teller = Teller(story.world, named, first, story.shown.item)
        self._names = pl.Series([NAMES.get(place, "") for place in range(max(NAMES) + 1)])

    def events(self) -> Iterator[pl.DataFrame]:
        """The native event columns, one row an event as it was told, in order of arrival; frame by frame."""
        told = self._story.told
        for start, end in slices(len(told), ROWS):
            yield self._events(told.row[start:end], told.stamp[start:end])

    def event_ids(self, row: Ints) -> pl.Series:
        """The ids of rows of the record: what is told twice has one id."""
        return f"{self._named.run}-" + pl.Series(row, dtype=pl.Int64).cast(pl.String).str.zfill(9)

    def _events(self, row: Ints, stamp: Ints) -> pl.DataFrame:
        record, named = self._story.record.at(row), self._named
        priced = np.isin(record.code, of.PRICED)
        return pl.DataFrame(
            {
                "event_id": self.event_ids(row),
                "timestamp": pl.Series(stamp).cast(TIME),
                "event": self._names.gather(record.code),
                "user_id": where(record.user != NONE, named.users, record.user),
                "anonymous_id": where(record.device != NONE, named.devices, record.device),
                "item_id": where(np.isin(record.code, of.OF_ITEM) & (record.item != NONE), named.items, record.item),
                "quantity": where(priced, pl.Series(record.quantity, dtype=pl.Int32), np.arange(len(row))),
                "price": where(priced, pl.Series(record.cents / 100.0), np.arange(len(row))),
                "currency": where(priced, pl.Series([CURRENCY]), np.zeros(len(row), np.int64)),
                "order_id": self._orders(record),
                "channel": pl.Series(CHANNELS).gather(record.channel),
                "properties": self._teller.of(record),
            }
        )

    def _orders(self, record: Record) -> pl.Series:
        number = pl.Series(record.order, dtype=pl.Int64).cast(pl.String).str.zfill(6)
        return where(record.order != NONE, f"O-{self._named.run}-" + number, np.arange(len(record)))

    def responses(self) -> Iterator[pl.DataFrame]:
        """One row each item and piece the shop showed on its home page: by visit, its list by position, then its piece.

        `propensity` is the chance with which it was drawn, given those before it in its list. Frame by frame.
        """
        for start, end in slices(len(self._story.visits), ROWS // 4):
            yield self._responses(*self._story.shown_in(start, end))

    def _responses(self, shown: Shown, rows: Ints) -> pl.DataFrame:
        visits, named = self._story.visits, self._named
        of_items, of_pieces = np.arange(len(shown)), np.arange(len(rows))
        told = pl.DataFrame(
            {
                **self._shown_in(np.concatenate((shown.visit, rows))),
                "placement": _both(PLACEMENT_OF_LIST, of_items, PLACEMENT_OF_PIECE, of_pieces),
                "position": pl.Series(np.concatenate((shown.position, of_pieces * 0)), dtype=pl.Int8),
                "item_id": pl.concat([named.items.gather(shown.item), _nothing(len(rows))]),
                "piece": pl.concat([_nothing(len(shown)), named.pieces.gather(visits.piece[rows])]),
                "propensity": np.concatenate((shown.propensity, np.full(len(rows), 1 / len(pieces())))),
                "clicked": np.concatenate((shown.clicked, visits.clicked[rows])),
            }
        )
        return told[by_visit(shown, rows)]

    def _shown_in(self, visit: Ints) -> dict[str, pl.Series]:
        visits, named = self._story.visits.at(visit), self._named
        return {
            "decision": self._teller.decisions(visit),
            "timestamp": pl.Series(self._story.world.clock.moment(visits.day)).cast(TIME),
            "user_id": where(visits.user != NONE, named.users, visits.user),
            "anonymous_id": where(visits.device != NONE, named.devices, visits.device),
            "channel": pl.Series(CHANNELS).gather(visits.channel),
        }


def slices(rows: int, length: int) -> Iterator[tuple[int, int]]:
    """Start and end of portions of so many rows; one at least."""
    for start in range(0, max(rows, 1), length):
        yield start, min(start + length, rows)


def by_visit(shown: Shown, rows: Ints) -> Ints:
    """int64: the order of lists, and of the visits `rows` behind them, that puts each visit's piece behind its list."""
    return np.argsort(np.concatenate((shown.visit, rows)), kind="stable")


def _both(one: str, first: Ints, other: str, second: Ints) -> pl.Series:
    return pl.Series([one, other]).gather(np.concatenate((first * 0, second * 0 + 1)))


def _nothing(rows: int) -> pl.Series:
    return pl.Series([None], dtype=pl.String).new_from_index(0, rows)
