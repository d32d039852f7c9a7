"""Decision records on their way out: buffered in the replica, written behind the answer, dropped in need."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec
import redis

from etappe import faults
from etappe.ids import Subject
from etappe.store import keys
from etappe.store.connection import AsyncRedis

_FLUSH_SECONDS: Final = 0.1
_AT_ONCE: Final = 500


class Recorded(msgspec.Struct, frozen=True):
    """One decision record, encoded; `subject` is empty for a stranger."""

    decision: str
    milliseconds: int
    subject: Subject | bytes
    record: bytes


class DecisionWriter:
    """Holds records back until the next flush, and for as long as `held`. `add` never waits and never fails."""

    def __init__(
        self, client: AsyncRedis, buffer: int, stream_length: int, held: Callable[[], bool] = lambda: False
    ) -> None:
        self._client = client
        self._waiting: deque[Recorded] = deque()
        self._buffer = buffer
        self._stream_length = stream_length
        self._held = held
        self.dropped = 0
        self.written = 0

    def add(self, recorded: Recorded) -> None:
        """Takes a record; the oldest goes where there is no room."""
        if len(self._waiting) >= self._buffer:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(recorded)

    async def run(self) -> None:
        """Flushes now and then until cancelled, and once more then."""
        try:
            while True:
                await asyncio.sleep(_FLUSH_SECONDS)
                with contextlib.suppress(redis.RedisError, OSError):
                    await self.flush()
        finally:
            with contextlib.suppress(redis.RedisError, OSError):
                await self.flush()

    async def flush(self) -> None:
        """Writes all that waits; what Redis did not take stays."""
        while self._waiting and not self._held():
            batch = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
            try:
                await self._write(batch)
            except BaseException:
                self._waiting.extendleft(reversed(batch))
                raise
            self.written += len(batch)

    async def _write(self, batch: list[Recorded]) -> None:
        async with self._client.pipeline(transaction=False) as pipe:
            for one in batch:
                fields = {"d": one.decision, "t": one.milliseconds, "s": one.subject, "r": one.record}
                pipe.xadd(keys.DECISION_STREAM, fields, maxlen=self._stream_length, approximate=True)  # type: ignore[arg-type]
            faults.point("decisions.before_write")
            await pipe.execute()
            faults.point("decisions.after_write")
