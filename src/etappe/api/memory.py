"""How full Redis is, as a serving process has last heard."""

import asyncio
import contextlib
from typing import Final

from etappe.errors import StoreError
from etappe.store.server.connection import AsyncRedis
from etappe.store.server.failures import translated
from etappe.store.server.memory import memory_of_async

_SECONDS: Final = 1.0


class MemoryWatch:
    """Asks now and then, so that readiness itself waits for nothing."""

    def __init__(self, client: AsyncRedis) -> None:
        self._client = client
        self.warnings: list[str] = []

    async def run(self) -> None:
        """Goes on until cancelled. Where Redis does not answer, what was last heard stays.

        A client that is asked just when this is cancelled may take that for a failure of its own.
        """
        task = asyncio.current_task()
        while task is None or not task.cancelling():
            with contextlib.suppress(StoreError, OSError), translated():
                self.warnings = (await memory_of_async(self._client)).warnings()
            await asyncio.sleep(_SECONDS)
