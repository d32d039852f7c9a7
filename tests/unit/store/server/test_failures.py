"""Errors of Redis become errors of the store, each of the kind that says whether trying again helps."""

import asyncio

import pytest
import redis

from etappe.errors import StoreError, StoreFullError, StoreUnavailableError
from etappe.store.server.failures import in_thread, translated


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (redis.ConnectionError("refused"), StoreUnavailableError, r"does not answer \(refused\); try again"),
        (redis.TimeoutError(), StoreUnavailableError, "does not answer"),
        (redis.exceptions.BusyLoadingError("loading"), StoreUnavailableError, "loading"),
        (redis.exceptions.OutOfMemoryError("command not allowed"), StoreFullError, "is full"),
        (redis.ResponseError("Error running script: -OOM command not allowed"), StoreFullError, "is full"),
        (redis.exceptions.ReadOnlyError("read only replica"), StoreError, "refuses the events: read only replica"),
    ],
)
def test_each_error_has_its_kind(error: Exception, kind: type[StoreError], says: str) -> None:
    """Not answering is worth another try, full once there is room, refusing once it is mended; the words say which."""
    with pytest.raises(kind, match=says) as told, translated("the events"):
        raise error
    assert type(told.value) is kind
    assert told.value.__cause__ is error


def test_what_is_no_error_of_redis_passes() -> None:
    """Time that ran out, our own errors and faults of ours stay what they are."""
    for error in (TimeoutError(), StoreError("no"), ZeroDivisionError()):
        with pytest.raises(type(error)), translated():
            raise error


def test_work_in_a_thread_is_translated_too() -> None:
    """What blocks runs elsewhere, with its arguments, and fails in the same words."""

    def blocking(value: int, *, more: int = 0) -> int:
        if not value:
            raise redis.ConnectionError("refused")
        return value + more

    assert asyncio.run(in_thread(blocking, 1, more=2)) == 3
    with pytest.raises(StoreUnavailableError, match="refused"):
        asyncio.run(in_thread(blocking, 0))
