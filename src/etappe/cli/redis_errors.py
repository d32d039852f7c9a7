"""How errors of Redis are told. Apart from `main`, which has to know redis-py only once there is such an error."""

import redis

from etappe.errors import StoreFullError
from etappe.store.server.memory import is_full


def told(error: Exception) -> str | None:
    """What is said of an error of Redis; None where it is another one."""
    if not isinstance(error, redis.RedisError):
        return None
    return str(StoreFullError() if is_full(error) else error)
