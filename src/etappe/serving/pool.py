"""The pool: all candidates of one request as arrays. Each source is asked once, and goes on being asked where need be.

Lists of several placements are cut from one pool. Candidates stand in *segments*, one for each block that a source
gave; those of one source are a chain, so that arrays only ever grow at their end.
"""

from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from etappe.serving.gate import Gate, OwnChecks, Verdicts
from etappe.serving.situation import Situation
from etappe.serving.sources.order import Asked
from etappe.serving.sources.source import Block, Source
from etappe.serving.viewing.view import Rows

UNASKED: Final = -1
"""In place of a segment: the source may have more."""
NO_MORE: Final = -2
"""In place of a segment: the source has no more."""
START, END, NEXT = 0, 1, 2
"""Columns of `segments`: the candidates [start, end), and the next segment of the same source."""
_ROOM: Final = 1280
_SEGMENTS: Final = 16


class Pool:
    """The candidates of one request; each array has one value for each.

    `rows` int64, `scores` float32, `because` and `counts` int64 (-1: none) as in `Block`; `source` uint8, the place in
    `sources`, which says the reason too; `verdicts` uint8 of the request's gate.
    """

    def __init__(self, here: Situation, gate: Gate, asked: Asked) -> None:
        self.here = here
        self.sources: tuple[Source, ...] = asked.all
        self.in_turn = len(asked.in_turn)
        self._gate = gate
        self._asked = asked
        self._blocks = [source.ask(here) for source in self.sources]
        self._count = 0
        self.rows: Rows = np.empty(_ROOM, np.int64)
        self.scores = np.empty(_ROOM, np.float32)
        self.because: Rows = np.empty(_ROOM, np.int64)
        self.counts: Rows = np.empty(_ROOM, np.int64)
        self.source = np.empty(_ROOM, np.uint8)
        self.verdicts: Verdicts = np.empty(_ROOM, np.uint8)
        self.segments = np.empty((_SEGMENTS, 3), np.int64)
        self.heads = np.full(len(self.sources), UNASKED, np.int64)
        self._last = np.full(len(self.sources), UNASKED, np.int64)
        self._segments = 0
        for stream in range(self.in_turn):
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
        before = self._count
        found = self._ask(stream)
        self._judge(before)
        return found

    def _ask(self, stream: int) -> int:
        """Takes the next block of a source in; returns its segment."""
        block = next(self._blocks[stream], None)
        found = NO_MORE if block is None else self._segments
        if self._last[stream] == UNASKED:
            self.heads[stream] = found
        else:
            self.segments[self._last[stream], NEXT] = found
        if block is not None:
            self._last[stream] = found
            self._append(stream, block)
        return found

    def _append(self, stream: int, block: Block) -> None:
        start, end = self._count, self._count + len(block.rows)
        self._make_room(end)
        self.rows[start:end] = block.rows
        self.scores[start:end] = block.scores
        self.because[start:end] = -1 if block.because is None else block.because
        self.counts[start:end] = -1 if block.counts is None else block.counts
        self.source[start:end] = stream
        self.segments[self._segments] = (start, end, NO_MORE if block.last else UNASKED)
        self._segments += 1
        self._count = end

    def _judge(self, start: int) -> None:
        """Each candidate is judged once a request."""
        if start < self._count:
            self.verdicts[start : self._count] = self._gate.judge(self.rows[start : self._count])

    def _make_room(self, count: int) -> None:
        if self._segments == len(self.segments):
            self.segments = grown(self.segments, 2 * len(self.segments))
        if count > len(self.rows):
            room = max(count, 2 * len(self.rows))
            for name in ("rows", "scores", "because", "counts", "source", "verdicts"):
                setattr(self, name, grown(getattr(self, name), room))


class Screen:
    """The pool as one placement may use it: `verdicts` with its own checks, for the segments that are `judged`."""

    def __init__(self, pool: Pool, own: OwnChecks) -> None:
        self._pool = pool
        self._own = own
        self.verdicts = np.empty_like(pool.verdicts) if own else pool.verdicts
        self.judged = np.zeros(len(pool.segments), np.bool_)
        self._judge(0, pool.opening if own else pool.asked)

    def follow(self, stream: int, segment: int) -> None:
        """Judges what a source has behind `segment`; the rest of the pool may be large, and is not asked about."""
        found = self._pool.follow(stream, segment)
        if found != NO_MORE:
            self._judge(found, found + 1)

    def _judge(self, first: int, last: int) -> None:
        """Judges segments [first, last), whose candidates stand one behind another."""
        pool = self._pool
        if len(self.judged) < len(pool.segments):
            self.judged = grown(self.judged, len(pool.segments))
        self.judged[first:last] = True
        if not self._own:
            self.verdicts = pool.verdicts
            return
        if len(self.verdicts) < len(pool.verdicts):
            self.verdicts = grown(self.verdicts, len(pool.verdicts))
        if first < last:
            part = slice(pool.segments[first, START], pool.segments[last - 1, END])
            self.verdicts[part] = self._own.judge(pool.rows[part], pool.verdicts[part])


def grown(array: NDArray[Any], size: int) -> NDArray[Any]:
    """`array` with room for `size` along its first axis; what is new says nothing."""
    room = np.zeros((size, *array.shape[1:]), array.dtype)
    room[: len(array)] = array
    return room
