"""Decision records on their way out: buffered in the replica, written behind the answer, dropped in need."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

from etappe import faults
from etappe.errors import StoreError
from etappe.ids import Subject
from etappe.store import keys
from etappe.store.wire import Wire, ask_all
from etappe.units import MIB

_FLUSH_SECONDS: Final = 0.1
_AT_ONCE: Final = 100
"""Records written by one ask: a decision's read may stand behind it."""
_TELLING: Final = 500
"""So many records say how long records are of late."""
USUAL_BYTES: Final = 2_048
"""Length of a record above which the stream holds fewer of them: one of twenty items is shorter."""
BUFFER_BYTES: Final = 64 * MIB
"""What the records that a replica holds back may take, while Redis is full for one."""


class Recorded(msgspec.Struct, frozen=True):
    """One decision record, encoded; `subject` is empty for a stranger."""

    decision: str
    milliseconds: int
    subject: Subject | bytes
    record: bytes


class DecisionWriter:
    """Holds records back until the next flush, and for as long as `held`. `add` never waits and never fails."""

    def __init__(self, wire: Wire, buffer: int, stream_length: int, held: Callable[[], bool] = lambda: False) -> None:
        self._wire = wire
        self._waiting: deque[Recorded] = deque()
        self._bytes = 0
        self._buffer = buffer
        self._stream_length = stream_length
        self._held = held
        self._usual = float(USUAL_BYTES)
        self.dropped = 0
        self.written = 0

    def add(self, recorded: Recorded) -> None:
        """Takes a record; the oldest go where there is no room."""
        size = len(recorded.record)
        while self._waiting and (len(self._waiting) >= self._buffer or self._bytes + size > BUFFER_BYTES):
            self._take(1)
            self.dropped += 1
        self._waiting.append(recorded)
        self._bytes += size

    async def run(self) -> None:
        """Flushes now and then until cancelled, and once more then."""
        try:
            while True:
                await asyncio.sleep(_FLUSH_SECONDS)
                with contextlib.suppress(StoreError, OSError):
                    await self.flush()
        finally:
            with contextlib.suppress(StoreError, OSError):
                await self.flush()

    async def flush(self) -> None:
        """Writes all that waits; what Redis did not take stays."""
        while self._waiting and not self._held():
            batch = self._take(min(_AT_ONCE, len(self._waiting)))
            try:
                await self._write(batch)
            except BaseException:
                self._waiting.extendleft(reversed(batch))
                self._bytes += _bytes_of(batch)
                raise
            self.written += len(batch)

    def _take(self, count: int) -> list[Recorded]:
        taken = [self._waiting.popleft() for _ in range(count)]
        self._bytes -= _bytes_of(taken)
        return taken

    def _most(self, batch: list[Recorded]) -> int:
        """How many records the stream may hold: fewer where those of late are longer than usual, so as many bytes."""
        weight = min(1.0, len(batch) / _TELLING)
        self._usual += weight * (_bytes_of(batch) / len(batch) - self._usual)
        return max(1, int(self._stream_length * min(1.0, USUAL_BYTES / self._usual)))

    async def _write(self, batch: list[Recorded]) -> None:
        most = self._most(batch)
        head = ("XADD", keys.DECISION_STREAM, "MAXLEN", "~", most, "*")
        faults.point("decisions.before_write")
        await ask_all(
            self._wire,
            [(*head, "d", one.decision, "t", one.milliseconds, "s", one.subject, "r", one.record) for one in batch],
        )
        faults.point("decisions.after_write")


def _bytes_of(some: list[Recorded]) -> int:
    return sum(len(one.record) for one in some)
