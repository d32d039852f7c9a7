"""The twin in memory, beyond what every wire does."""

import asyncio

import pytest

from etappe.errors import StoreUnavailableError
from etappe.store.wire import InMemory, ask_one


def test_server_that_is_away_does_not_answer() -> None:
    """A test may say that nobody answers, and that somebody does again."""
    twin = InMemory()
    twin.away = True
    with pytest.raises(StoreUnavailableError):
        asyncio.run(ask_one(twin, "PING"))
    twin.away = False
    assert asyncio.run(ask_one(twin, "PING")) == b"PONG"


def test_time_is_the_clock_s_that_it_is_given() -> None:
    """What lapses, lapses by the clock of the test."""
    now = [100.0]
    twin = InMemory(lambda: now[0])
    asyncio.run(twin.ask([("SET", "a", "1", "EX", 10)]))
    now[0] = 109.0
    assert asyncio.run(ask_one(twin, "GET", "a")) == b"1"
    now[0] = 110.0
    assert asyncio.run(ask_one(twin, "GET", "a")) is None
    assert asyncio.run(ask_one(twin, "EXPIRE", "a", 10)) == 0
