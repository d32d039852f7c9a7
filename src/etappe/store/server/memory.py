"""How full Redis is: told ahead of the moment at which it refuses to write, and when that has come.

At `maxmemory` Redis answers reads, and refuses what may need memory: most writes, and anything inside MULTI. Deleting
and trimming go on. So does a script from its first write on that needs none, as it cannot be stopped half-way.
"""

from typing import Final

import msgspec
import redis

from etappe.errors import StoreError, StoreFullError
from etappe.store.server.connection import AsyncRedis, SyncRedis
from etappe.units import MIB

WARNED_SHARE: Final = 0.8
"""Share of maxmemory from which on there are warnings: what is left is some time to act in."""
_SAFE: Final = "noeviction"


class Memory(msgspec.Struct, frozen=True):
    """What Redis holds (bytes), the most it may (0: no bound), and what it does then."""

    used: int
    most: int
    policy: str

    @property
    def full(self) -> bool:
        """Whether it refuses to write."""
        return bool(self.most) and self.used >= self.most

    def warnings(self) -> list[str]:
        """What to see to; nothing where all is well."""
        if not self.most:
            return []
        told = [self._fullness()] if self.used >= WARNED_SHARE * self.most else []
        if self.policy != _SAFE:
            told.append(
                f"Redis drops customers and events in silence when it is full: set maxmemory-policy {_SAFE}"
                f" (it is {self.policy})"
            )
        return told

    def _fullness(self) -> str:
        amounts = f"{self.used / MIB:,.1f} of {self.most / MIB:,.1f} MiB"
        if self.full:
            return f"{StoreFullError()} ({amounts})"
        return (
            f"Redis holds {amounts} and refuses events when it is full: see that `etappe worker` runs, and raise"
            " maxmemory (of the embedded server: store.memory_mib)"
        )


def memory_of(client: SyncRedis) -> Memory:
    """How full Redis is."""
    return _memory(client.info("memory"))


async def memory_of_async(client: AsyncRedis) -> Memory:
    """As `memory_of`, without blocking."""
    return _memory(await client.info("memory"))


def is_full(error: Exception) -> bool:
    """Whether Redis refused because it has come to its maxmemory; from a script older ones say so in words only."""
    return isinstance(error, redis.exceptions.OutOfMemoryError) or "OOM command not allowed" in str(error)


def refusal(error: Exception, what: str) -> StoreError:
    """What is told where Redis refused to take `what`."""
    if is_full(error):
        return StoreFullError()
    return StoreError(f"Redis refuses {what}: {error}; send the same again once that is mended")


def _memory(told: dict[str, object]) -> Memory:
    """Buffers of the append-only file and of replicas do not count."""
    apart = int(str(told.get("mem_not_counted_for_evict", 0)))
    used, most = int(str(told.get("used_memory", 0))) - apart, int(str(told.get("maxmemory", 0)))
    return Memory(used, most, str(told.get("maxmemory_policy", _SAFE)))
