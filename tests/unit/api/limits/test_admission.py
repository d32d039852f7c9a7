"""Who may begin, who waits and who is refused."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from etappe.api.limits.admission import CALM_SECONDS, MOST_WAITING, STUCK_SECONDS, Admission, Gate
from etappe.api.problems import RefusedError
from etappe.settings import Limits


class Clock:
    """A loop's time that stands still but for what a test adds."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.ahead = 0.0
        began = loop.time()
        loop.time = lambda: began + self.ahead  # type: ignore[method-assign]


def _run(act: Callable[[Clock], Awaitable[Any]]) -> None:
    async def acting() -> None:
        await act(Clock(asyncio.get_running_loop()))

    asyncio.run(acting())


def _enter(gate: Gate, parts: int = 1) -> "asyncio.Task[None]":
    return asyncio.ensure_future(gate.enter(parts))


async def _settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def test_burst_waits_and_goes_in_order() -> None:
    """As many as may are at work; the others begin one by one, in the order in which they came, and nobody is refused."""

    async def act(_: Clock) -> None:
        gate, began = Gate("decisions", 2, 2, 1.0), list[int]()

        async def one(number: int) -> None:
            await gate.enter(1)
            began.append(number)

        tasks = [asyncio.ensure_future(one(number)) for number in range(5)]
        await _settle()
        assert (began, len(gate), gate.at_work) == ([0, 1], 3, 2)
        for _ in range(5):
            gate.leave(1)
            await _settle()
        assert (began, len(gate), gate.at_work) == ([0, 1, 2, 3, 4], 0, 0)
        await asyncio.gather(*tasks)

    _run(act)


def test_queue_that_lasts_is_no_burst() -> None:
    """Where some have waited all the time for longer than a burst, only a few may wait: the next is refused at once."""

    async def act(clock: Clock) -> None:
        gate = Gate("decisions", 2, 2, 1.0)
        tasks = [_enter(gate) for _ in range(5)]
        await _settle()
        assert not gate.overrun()
        clock.ahead = 1.5
        assert gate.overrun()
        with pytest.raises(RefusedError, match="more decisions than it can do in time") as refused:
            await gate.enter(1)
        assert refused.value.status_code == 503
        assert refused.value.headers == {"retry-after": "1"}
        gate.leave(1)  # who has waited longer than a burst is told so
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(one) for one in outcomes] == [type(None)] * 2 + [RefusedError] * 3
        assert len(gate) == 0

    _run(act)


def test_after_a_calm_it_is_a_burst_again() -> None:
    """Shortly after a refusal few may wait; when nobody was refused for a while, a burst may."""

    async def act(clock: Clock) -> None:
        gate = Gate("decisions", 1, 1, 1.0)
        gate.refusal()
        first, second = _enter(gate), _enter(gate)
        await _settle()
        assert gate.overrun()
        clock.ahead = CALM_SECONDS * 1.01
        assert not gate.overrun()
        gate.leave(1)
        await asyncio.gather(first, second)

    _run(act)


def test_those_on_their_way_count_at_the_door() -> None:
    """Under lasting load no more pass the door than may stand in line, though none stands there yet; a burst passes."""

    async def act(clock: Clock) -> None:
        gate = Gate("decisions", 1, 3, 1.0)
        assert [gate.passes() for _ in range(10)] == [True] * 10
        clock.ahead = STUCK_SECONDS * 1.1  # whoever has not come by then comes no more
        gate.refusal()
        assert [gate.passes() for _ in range(5)] == [True, True, True, False, False]
        first, second = _enter(gate), _enter(gate)
        await _settle()
        assert [gate.passes() for _ in range(2)] == [True, False]  # one waits, two are on their way
        gate.leave(1)
        await asyncio.gather(first, second)

    _run(act)


def test_no_burst_is_without_bound() -> None:
    """Even at first no more than a set number wait."""

    async def act(_: Clock) -> None:
        gate = Gate("events", 1, 1, 1.0)
        tasks = [_enter(gate) for _ in range(MOST_WAITING + 1)]
        await _settle()
        assert gate.overrun()
        with pytest.raises(RefusedError):
            await gate.enter(1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    _run(act)


def test_who_gives_up_takes_no_turn() -> None:
    """A request that is cancelled while it waits, or just when its turn came, leaves the turn to the next."""

    async def act(_: Clock) -> None:
        gate = Gate("decisions", 1, 1, 1.0)
        await gate.enter(1)
        waiting, just, last = _enter(gate), _enter(gate), _enter(gate)
        await _settle()
        waiting.cancel()
        await _settle()
        gate.leave(1)  # passes to `just`, which has not resumed yet
        just.cancel()
        await _settle()
        assert last.done()
        assert gate.at_work == 1
        await asyncio.gather(waiting, just, return_exceptions=True)

    _run(act)


def test_large_batch_goes_alone() -> None:
    """A batch of more parts than may be at work waits until nothing is, and then goes; small ones do not overtake it."""

    async def act(_: Clock) -> None:
        gate = Gate("events", 4, 4, 1.0)
        await gate.enter(3)
        large, small = _enter(gate, 50), _enter(gate)
        await _settle()
        assert (large.done(), small.done()) == (False, False)
        gate.leave(3)
        await _settle()
        assert (large.done(), small.done(), gate.at_work) == (True, False, 50)
        gate.leave(50)
        await small

    _run(act)


def test_turn_that_waits_for_redis_is_given_back_early() -> None:
    """Who is at work for long waits for Redis: the next begin, and the turn is given back once only."""

    async def acting() -> None:
        gate, hangs = Gate("decisions", 1, 1, 1.0), asyncio.Event()

        async def stuck() -> None:
            async with gate.turn():
                await hangs.wait()

        task = asyncio.ensure_future(stuck())
        await _settle()
        assert gate.at_work == 1
        await asyncio.sleep(STUCK_SECONDS * 1.5)
        assert gate.at_work == 0
        async with gate.turn():
            hangs.set()
            await task
            assert gate.at_work == 1
        assert gate.at_work == 0

    asyncio.run(acting())


def test_failing_request_gives_its_turn_back() -> None:
    """Whatever a request ends with, its turn ends with it."""

    async def act(_: Clock) -> None:
        gate = Gate("decisions", 1, 1, 1.0)
        with pytest.raises(ZeroDivisionError):
            async with gate.turn():
                raise ZeroDivisionError
        assert gate.at_work == 0

    _run(act)


def test_kinds_do_not_keep_each_other_out() -> None:
    """Decisions and events have bounds of their own, those of the settings; a batch counts by its events."""

    async def act(_: Clock) -> None:
        admission = Admission(Limits(decisions_at_once=1, events_at_once=2))
        async with admission.events_turn(500), admission.decisions.turn():
            assert (admission.events.at_work, admission.decisions.at_work) == (51, 1)

    _run(act)
