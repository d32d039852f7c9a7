"""How much a process takes upon itself: a few are at work, a burst waits, what cannot be done in time is refused.

Work is done on one loop. All that is at work shares it, so each more at work makes every other one slower, and none is
done sooner. Where more comes in for longer than a burst lasts, waiting helps nobody: then only a few may wait, and what
is accepted is answered about as soon as ever. (After CoDel, Nichols and Jacobson, "Controlling Queue
Delay", ACM Queue 2012, and Maurer, "Fail at Scale", ACM Queue 2015: a queue that does not empty is no burst.)
"""

import asyncio
from collections import deque
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

import msgspec

from etappe.api import metrics
from etappe.api.problems import RefusedError
from etappe.settings import Limits

MOST_WAITING: Final = 1_000
"""Of a burst; what waits holds its request in memory."""
STUCK_SECONDS: Final = 0.05
"""Who is at work for so long waits for Redis and costs nobody anything: the next may begin, so that a Redis that hangs
leads to degraded answers and not to none."""
CALM_SECONDS: Final = 0.2
"""After so long without a refusal, what comes in more than can be done is a burst again."""
RETRY_SECONDS: Final = 1
_EVENTS_A_PART: Final = 10
"""A batch takes a part of what may be at work for each so many events: each costs the loop time."""


class _Waiting(msgspec.Struct, eq=False):
    """A request that waits for its turn, and for how many parts."""

    future: "asyncio.Future[None]"
    parts: int
    since: float


class Gate:
    """Lets requests of one kind to work, `most` parts at once; others wait for at most `seconds`, or are refused.

    `in_line` may wait even where more comes in than can be done.
    """

    def __init__(self, what: str, most: int, in_line: int, seconds: float) -> None:
        self._what = what
        self._most = most
        self._in_line = in_line
        self._seconds = seconds
        self._waiting: deque[_Waiting] = deque()
        self._passed: deque[float] = deque()
        self._turns: deque[Turn] = deque()  # in the order in which they began, some of them ended
        self._timer: asyncio.TimerHandle | None = None
        self._filled = 0.0
        self._refused = -CALM_SECONDS
        self._at_work = 0

    @property
    def at_work(self) -> int:
        """How many parts are at work and not stuck."""
        self._give_back()
        return self._at_work

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def turn(self, parts: int = 1) -> "Turn":
        """What a request does its work inside of."""
        return Turn(self, parts)

    def overrun(self) -> bool:
        """Whether one more that comes in now would be refused."""
        waiting = len(self._waiting)
        return waiting >= self._in_line and (waiting >= MOST_WAITING or self._lasts())

    def passes(self) -> bool:
        """Whether one more that comes in now is let through the door. It is on its way to the gate then.

        Many arrive within one turn of the loop, before the first of them has been read and stands in line.
        """
        now = asyncio.get_running_loop().time()
        while self._passed and now - self._passed[0] > STUCK_SECONDS:  # went another way, or sends its body slowly
            self._passed.popleft()
        pressed = (self._waiting or now - self._refused < CALM_SECONDS) and self._lasts()
        if self.overrun() or (pressed and len(self._waiting) + len(self._passed) >= self._in_line):
            return False
        self._passed.append(now)
        return True

    def _lasts(self) -> bool:
        """Whether more comes in than can be done for longer than a burst lasts."""
        now = asyncio.get_running_loop().time()
        return now - self._filled > self._seconds or now - self._refused < CALM_SECONDS

    def begins(self, parts: int) -> bool:
        """Whether it is one's turn at once."""
        if self._passed:
            self._passed.popleft()
        if self._waiting or not self._has_room(parts):
            return False
        self._at_work += parts
        return True

    async def enter(self, parts: int) -> None:
        """Returns when it is one's turn.

        Raises:
            RefusedError: there is too much to do already.
        """
        if not self.begins(parts):
            await self.wait(parts)

    async def wait(self, parts: int) -> None:
        """Returns when it is one's turn, which it is not at once.

        Raises:
            RefusedError: there is too much to do already.
        """
        if self.overrun():
            raise self.refusal()
        loop = asyncio.get_running_loop()
        waiting = _Waiting(loop.create_future(), parts, loop.time())
        if not self._waiting:
            self._filled = waiting.since
        self._waiting.append(waiting)
        self._watch()
        try:
            await waiting.future
        except asyncio.CancelledError:
            if waiting.future.done() and not waiting.future.cancelled() and waiting.future.exception() is None:
                self.leave(parts)
            raise

    def note(self, turn: "Turn") -> None:
        """Notes a turn that has just begun, and looks after those before it."""
        if self._turns:
            self._give_back()
        self._turns.append(turn)
        if self._waiting:
            self._watch()

    def leave(self, parts: int) -> None:
        """Ends one's turn: the next begin theirs, those who waited too long are told."""
        self._at_work -= parts
        if not self._waiting:
            return
        now = asyncio.get_running_loop().time()
        while self._waiting:
            waiting = self._waiting[0]
            late = now - waiting.since > self._seconds
            if not waiting.future.done() and not late:
                if not self._fits(waiting.parts):
                    return
                self._at_work += waiting.parts
                waiting.future.set_result(None)
            elif not waiting.future.done():
                waiting.future.set_exception(self.refusal())
            self._waiting.popleft()

    def refusal(self) -> RefusedError:
        """What whoever is refused is told; it is counted."""
        self._refused = asyncio.get_running_loop().time()
        metrics.refused(self._what)
        return RefusedError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"this process is asked for more {self._what} than it can do in time; send the same again in"
            f" {RETRY_SECONDS} s, and run more serving processes where it lasts",
            seconds=RETRY_SECONDS,
        )

    def _fits(self, parts: int) -> bool:
        """A batch larger than all that may be at work goes alone."""
        return not self._at_work or self._at_work + parts <= self._most

    def _has_room(self, parts: int) -> bool:
        if not self._fits(parts):
            self._give_back()
        return self._fits(parts)

    def _give_back(self) -> None:
        """Takes the turns of those that are at work for too long; turns begin in order, so the first are the oldest."""
        stuck = asyncio.get_running_loop().time() - STUCK_SECONDS
        while self._turns and (self._turns[0].ended or self._turns[0].since <= stuck):
            self._turns.popleft().end()

    def _watch(self) -> None:
        """Looks to it that those who wait need not wait for one that is stuck. Where nobody waits no time is taken."""
        if self._timer is None and self._turns:
            self._timer = asyncio.get_running_loop().call_at(self._turns[0].since + STUCK_SECONDS, self._look)

    def _look(self) -> None:
        self._timer = None
        self._give_back()
        if self._waiting:
            self._watch()


class Turn:
    """One request's turn: `async with` waits for it and gives it back, even before its end where that is late.

    `since` is the time of the loop at which it began.
    """

    __slots__ = ("_gate", "_parts", "ended", "since")

    def __init__(self, gate: Gate, parts: int) -> None:
        self._gate = gate
        self._parts = parts
        self.ended = False
        self.since = 0.0

    async def __aenter__(self) -> Self:
        if not self._gate.begins(self._parts):
            await self._gate.wait(self._parts)
        self.since = asyncio.get_running_loop().time()
        self._gate.note(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Gives it back, once."""
        if not self.ended:
            self.ended = True
            self._gate.leave(self._parts)


class Admission:
    """The gates of a process. Health checks, metrics and what servers do now and then pass none."""

    def __init__(self, limits: Limits) -> None:
        self.decisions = Gate(
            "decisions", limits.decisions_at_once, limits.decisions_in_line, limits.decision_wait_ms / 1000
        )
        self.events = Gate("events", limits.events_at_once, limits.events_in_line, limits.event_wait_ms / 1000)

    def events_turn(self, count: int) -> Turn:
        """The turn of a batch of so many events."""
        return self.events.turn(1 + count // _EVENTS_A_PART)
