"""The pool: all candidates of one request as arrays. Each source is asked once, and goes on being asked where need be.

Lists of several placements are cut from one pool. Candidates stand in *segments*, one for each block that a source
gave; those of one source are a chain, so that arrays only ever grow at their end.
"""

from typing import Final, Self

import numpy as np

from etappe.serving.candidates import Candidates, grown
from etappe.serving.gate import Gate, OwnChecks, Verdicts
from etappe.serving.situation import Situation
from etappe.serving.sources.order import Asked
from etappe.serving.sources.source import Source
from etappe.serving.viewing.view import Rows

UNASKED: Final = -1
"""In place of a segment: the source may have more."""
NO_MORE: Final = -2
"""In place of a segment: the source has no more."""
START, END, NEXT = 0, 1, 2
"""Columns of `segments`: the candidates [start, end), and the next segment of the same source."""
_SEGMENTS: Final = 16
_ALL_JUDGED: Final = np.zeros(0, np.bool_)
"""In place of which segments are judged: all of the pool are, by the gate of the request."""
_AT_ONCE: Final = 2
"""Sources that are asked at the beginning, where fewer are in turn: one alone seldom fills a list."""


class Pool:
    """The candidates of one request.

    `told` is what sources say of them, and all that sources know of the pool: one that waits to be asked on would keep
    the pool in memory that keeps it. `verdicts` uint8 of the request's gate, one for each.
    """

    def __init__(self, here: Situation, gate: Gate, asked: Asked) -> None:
        self.here = here
        self.told = Candidates()
        self.sources: tuple[Source, ...] = asked.all
        self.in_turn = len(asked.in_turn)
        self._gate = gate
        self._asked = asked
        self._asking = [source.ask(here, self.told) for source in self.sources]
        self.verdicts: Verdicts = np.empty(len(self.told.rows), np.uint8)
        self.segments = np.empty((_SEGMENTS, 3), np.int64)
        self.heads = np.empty(len(self.sources), np.int64)
        self.heads.fill(UNASKED)
        self._last = [UNASKED] * len(self.sources)
        self._segments = 0
        for stream in range(min(max(self.in_turn, _AT_ONCE), len(self.sources))):
            self._ask(stream)
        self._judge(0)
        self.opening = self._segments

    def narrowed(self, rows: Rows) -> Self:
        """A pool of the same sources that need not look beyond `rows`."""
        return type(self)(self.here.narrowed(rows), self._gate, self._asked)

    @property
    def asked(self) -> int:
        """The number of segments."""
        return self._segments

    def follow(self, stream: int, segment: int) -> int:
        """The segment of a source behind `segment` (UNASKED: its first), for which it is asked where need be."""
        place = self.heads[stream] if segment == UNASKED else self.segments[segment, NEXT]
        if place != UNASKED:
            return int(place)
        before = self.told.count
        found = self._ask(stream)
        self._judge(before)
        return found

    def _ask(self, stream: int) -> int:
        """Takes the next block of a source in; returns its segment."""
        before, last = self.told.count, False
        while self.told.count == before and not last:
            last = next(self._asking[stream], True)
        found = self._segment(before, last=last) if self.told.count > before else NO_MORE
        if self._last[stream] == UNASKED:
            self.heads[stream] = found
        else:
            self.segments[self._last[stream], NEXT] = found
        if found != NO_MORE:
            self._last[stream] = found
        return found

    def _segment(self, start: int, *, last: bool) -> int:
        """The segment of the candidates from `start` on."""
        end, room, found = self.told.count, len(self.told.rows), self._segments
        if len(self.verdicts) < room:
            self.verdicts = grown(self.verdicts, room)
        if found == len(self.segments):
            self.segments = grown(self.segments, 2 * found)
        segment = self.segments[found]
        segment[START], segment[END], segment[NEXT] = start, end, NO_MORE if last else UNASKED
        self._segments += 1
        return found

    def _judge(self, start: int) -> None:
        """Each candidate is judged once a request."""
        end = self.told.count
        if start < end:
            self.verdicts[start:end] = self._gate.judge(self.told.rows[start:end])


class Screen:
    """The pool as one placement may use it: `verdicts` with its own checks, for the segments that are `judged`."""

    def __init__(self, pool: Pool, own: OwnChecks) -> None:
        self._pool = pool
        self._own = own or None
        self.verdicts, self.judged = pool.verdicts, _ALL_JUDGED
        if self._own is not None:
            self.verdicts, self.judged = np.empty_like(pool.verdicts), np.zeros(len(pool.segments), np.bool_)
            self._judge(self._own, 0, pool.opening)

    def follow(self, stream: int, segment: int) -> None:
        """Judges what a source has behind `segment`; the rest of the pool may be large, and is not asked about."""
        found = self._pool.follow(stream, segment)
        if self._own is None:
            self.verdicts = self._pool.verdicts
        elif found != NO_MORE:
            self._judge(self._own, found, found + 1)

    def _judge(self, own: OwnChecks, first: int, last: int) -> None:
        """Judges segments [first, last), whose candidates stand one behind another."""
        pool = self._pool
        if len(self.judged) < len(pool.segments):
            self.judged = grown(self.judged, len(pool.segments))
        if len(self.verdicts) < len(pool.verdicts):
            self.verdicts = grown(self.verdicts, len(pool.verdicts))
        self.judged[first:last] = True
        if first < last:
            part = slice(pool.segments[first, START], pool.segments[last - 1, END])
            self.verdicts[part] = own.judge(pool.told.rows[part], pool.verdicts[part])
