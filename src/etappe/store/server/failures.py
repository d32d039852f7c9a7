"""What redis-py raises, in words of ours: whoever asks the store knows no client of Redis."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

import redis

from etappe.errors import StoreUnavailableError
from etappe.store.server import memory

P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def translated(what: str = "what it was asked") -> Iterator[None]:
    """Inside the block, and in functions that it decorates, errors of Redis are errors of the store.

    Raises:
        StoreUnavailableError: Redis does not answer.
        StoreFullError: it has come to its maxmemory.
        StoreError: it refuses `what`.
    """
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise StoreUnavailableError(f"Redis does not answer ({str(error) or 'in time'}); try again") from error
    except redis.RedisError as error:
        raise memory.refusal(error, what) from error


async def in_thread(function: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
    """Runs in a thread what blocks. Raises as `translated`."""
    with translated():
        return await asyncio.to_thread(function, *arguments, **named)
