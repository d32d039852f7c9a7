"""What is counted in plain numbers is what Prometheus shows."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from etappe.api import metrics
from etappe.api.metrics import Durations, Tally

BOUNDS = (0.001, 0.002, 0.5, 1.0)


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_TALLIES", [])


@given(st.lists(st.lists(st.sampled_from(BOUNDS) | st.floats(0, 2))))
def test_durations_are_those_of_a_histogram(rounds: list[list[float]]) -> None:
    """Told in whatever portions, buckets and count are those of a histogram that was told each; bounds are inside."""
    plain, told = _histogram(lambda one: one.observe), _histogram(lambda one: Durations(one, BOUNDS).observe)
    for seconds in rounds:
        for one in seconds:
            plain[1](one)
            told[1](one)
        metrics.tell()
    shown = [generate_latest(registry).decode().splitlines() for registry in (plain[0], told[0])]
    without_sum = [[line for line in lines if "_sum" not in line and "_created" not in line] for lines in shown]
    assert without_sum[0] == without_sum[1]
    sums = [_sum(registry) for registry in (plain[0], told[0])]
    assert sums[0] == pytest.approx(sums[1])


def _histogram(counting: Callable[[Histogram], Callable[[float], None]]) -> tuple[CollectorRegistry, Any]:
    registry = CollectorRegistry()
    return registry, counting(Histogram("a_seconds", "A.", buckets=BOUNDS, registry=registry))


def _sum(registry: CollectorRegistry) -> float:
    return registry.get_sample_value("a_seconds_sum") or 0.0


def test_a_tally_is_told_once() -> None:
    """What was counted goes to the counter at the next telling, and not again at the one after."""
    registry = CollectorRegistry()
    tally = Tally(Counter("some", "Some.", registry=registry))
    tally.inc()
    tally.inc(4)
    assert registry.get_sample_value("some_total") == 0.0
    for _ in range(2):
        metrics.tell()
        assert registry.get_sample_value("some_total") == 5.0


def test_what_was_counted_last_is_told_at_the_end() -> None:
    """Who is cancelled while it waits for the next time tells once more."""
    registry = CollectorRegistry()
    tally = Tally(Counter("some", "Some.", registry=registry))

    async def story() -> None:
        telling = asyncio.create_task(metrics.tell_now_and_then())
        await asyncio.sleep(0)
        tally.inc()
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)

    asyncio.run(story())
    assert registry.get_sample_value("some_total") == 1.0
