"""A time within which a reply has to be there, of which this process's own delays take nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """As `asyncio.timeout`, but for a reply that has come by then.

    Where the loop was busy until the time was up, it reads the reply and ends the wait in one and the same turn, and
    `asyncio.timeout` lets the end win. Here it takes one turn more, in which who waits goes on with the reply.

    Raises:
        TimeoutError: nothing came.
    """
    async with asyncio.timeout(None) as limit:
        timer = asyncio.get_running_loop().call_later(seconds, limit.reschedule, 0.0)  # long past: in the next turn
        try:
            yield
        finally:
            timer.cancel()
