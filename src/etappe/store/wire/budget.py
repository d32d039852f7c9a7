"""A time within which a reply has to be there, of which this process's own delays take nothing."""

import asyncio
from types import TracebackType


class Within:
    """As `asyncio.timeout`, but for a reply that has come by then.

    Where the loop was busy until the time was up, it reads the reply and ends the wait in one and the same turn, and
    `asyncio.timeout` lets the end win. Here it takes one turn more, in which who waits goes on with the reply.
    """

    __slots__ = ("_before", "_loop", "_seconds", "_task", "_timer", "_up")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._up = False

    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can be given a time")
        self._task, self._before = task, task.cancelling()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.Handle = self._loop.call_later(self._seconds, self._is_up)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._up and self._task.uncancel() <= self._before and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _is_up(self) -> None:
        self._timer = self._loop.call_soon(self._end)

    def _end(self) -> None:
        self._up = True
        self._task.cancel()


def within(seconds: float) -> Within:
    """The time of one wait: `async with` raises TimeoutError where nothing has come after so many `seconds`."""
    return Within(seconds)
