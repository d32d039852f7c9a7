"""Error replies as exceptions: the same classes and words as redis-py gives, so that callers need not know the wire."""

from collections.abc import Sequence
from typing import Final

import redis
from redis import exceptions

from etappe.errors import StoreUnavailableError

_BY_CODE: Final[dict[str, type[exceptions.RedisError]]] = {
    "ERR": exceptions.ResponseError,
    "ASK": exceptions.AskError,
    "CLUSTERDOWN": exceptions.ClusterDownError,
    "CROSSSLOT": exceptions.ClusterCrossSlotError,
    "EXECABORT": exceptions.ExecAbortError,
    "LOADING": exceptions.BusyLoadingError,
    "MASTERDOWN": exceptions.MasterDownError,
    "MOVED": exceptions.MovedError,
    "NOAUTH": exceptions.AuthenticationError,
    "NOPERM": exceptions.NoPermissionError,
    "NOSCRIPT": exceptions.NoScriptError,
    "OOM": exceptions.OutOfMemoryError,
    "READONLY": exceptions.ReadOnlyError,
    "TRYAGAIN": exceptions.TryAgainError,
    "WRONGPASS": exceptions.AuthenticationError,
}
"""Classes by the first word of an error; any other word stays in the message of a ResponseError."""
_NO_ROOM: Final = "max number of clients reached"
_AWAY: Final = (redis.ConnectionError, exceptions.ClusterDownError)
"""The server answers, but can do nothing for anybody just now."""


def refusal_of(line: str) -> exceptions.RedisError:
    """The exception that an error line of the protocol (without its `-`) stands for."""
    code, _, rest = line.partition(" ")
    if rest == _NO_ROOM:
        return redis.ConnectionError(rest)
    kind = _BY_CODE.get(code)
    return exceptions.ResponseError(line) if kind is None else kind(rest)


def answered(replies: Sequence[object]) -> None:
    """Does nothing where the server does its work.

    Raises:
        StoreUnavailableError: it loads its files, is full of connections, or wants another password.
    """
    for reply in replies:
        if isinstance(reply, exceptions.AuthenticationError):
            raise StoreUnavailableError(f"Redis refuses the user or password of ETAPPE_REDIS: {reply}") from reply
        if isinstance(reply, _AWAY):
            raise StoreUnavailableError(f"Redis does not answer: {reply}") from reply
