"""A wire through redis-py: what the bare one is compared with."""

from collections.abc import Sequence

import redis

from etappe.errors import StoreUnavailableError
from etappe.store.server.connection import AsyncRedis
from etappe.store.wire.port import Command, Reply


class RedisPy:
    """A wire through redis-py."""

    def __init__(self, client: AsyncRedis) -> None:
        self._client = client

    async def ask(self, commands: Sequence[Command]) -> list[Reply]:
        """See `Wire`."""
        try:
            async with self._client.pipeline(transaction=False) as pipe:
                for command in commands:
                    pipe.execute_command(*command)
                return list(await pipe.execute(raise_on_error=False))
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise StoreUnavailableError(f"Redis does not answer: {error}") from error
