"""A server that is none: strings in this process's memory, for tests of what reads a customer. It runs no script."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from redis.exceptions import NoScriptError, ResponseError

from etappe.errors import StoreUnavailableError
from etappe.store.wire.port import Command, Reply

_UNITS: Final = {b"EX": 1.0, b"PX": 0.001}
Word = bytes


class InMemory:
    """A wire without a server. Where `away` is set, nobody answers."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.away = False
        self._clock = clock
        self._values: dict[Word, bytes] = {}
        self._ends: dict[Word, float] = {}

    async def ask(self, commands: Sequence[Command]) -> list[Reply]:
        """See `Wire`."""
        if self.away:
            raise StoreUnavailableError("Redis does not answer: it was told not to")
        return [self._do([_word(part) for part in command]) for command in commands]

    def _do(self, words: list[Word]) -> Reply:
        name, arguments = words[0].upper(), words[1:]
        command = _COMMANDS.get(name)
        if name == b"EVALSHA":
            return NoScriptError("No matching script. Please use EVAL.")
        if command is None:
            return ResponseError(f"unknown command '{words[0].decode(errors='replace')}'")
        try:
            return command(self, *arguments)
        except TypeError:
            return ResponseError(f"wrong number of arguments for '{name.decode().lower()}' command")
        except ValueError as error:
            return ResponseError(str(error))

    def ping(self, said: Word = b"PONG") -> Reply:
        """PING."""
        return said

    def get(self, key: Word) -> bytes | None:
        """GET."""
        if self._ends.get(key, self._clock() + 1) <= self._clock():
            self.delete(key)
        return self._values.get(key)

    def mget(self, key: Word, *keys: Word) -> list[bytes | None]:
        """MGET."""
        return [self.get(one) for one in (key, *keys)]

    def set(self, key: Word, value: bytes, *options: Word) -> bytes | None:
        """SET with EX or PX, NX or XX."""
        left, seconds, conditions = list(options), None, set[bytes]()
        while left:
            option = left.pop(0).upper()
            if option in _UNITS and left:
                seconds = _number(left.pop(0)) * _UNITS[option]
            elif option in (b"NX", b"XX"):
                conditions.add(option)
            else:
                raise ValueError("syntax error")
        there = self.get(key) is not None
        if (b"NX" in conditions and there) or (b"XX" in conditions and not there):
            return None
        self.delete(key)
        self._values[key] = value
        if seconds is not None:
            self._ends[key] = self._clock() + seconds
        return b"OK"

    def delete(self, key: Word, *keys: Word) -> int:
        """DEL."""
        for one in (key, *keys):
            self._ends.pop(one, None)
        return sum(self._values.pop(one, None) is not None for one in (key, *keys))

    def append(self, key: Word, value: bytes) -> int:
        """APPEND."""
        self._values[key] = (self.get(key) or b"") + value
        return len(self._values[key])

    def exists(self, key: Word, *keys: Word) -> int:
        """EXISTS."""
        return sum(self.get(one) is not None for one in (key, *keys))

    def expire(self, key: Word, seconds: Word) -> int:
        """EXPIRE."""
        if self.get(key) is None:
            return 0
        self._ends[key] = self._clock() + _number(seconds)
        return 1


_COMMANDS: Final[dict[Word, Callable[..., Reply]]] = {
    b"PING": InMemory.ping,
    b"GET": InMemory.get,
    b"MGET": InMemory.mget,
    b"SET": InMemory.set,
    b"DEL": InMemory.delete,
    b"APPEND": InMemory.append,
    b"EXISTS": InMemory.exists,
    b"EXPIRE": InMemory.expire,
}


def _word(part: bytes | str | float) -> Word:
    """As the protocol sends it."""
    return part if isinstance(part, bytes) else str(part).encode()


def _number(word: Word) -> int:
    try:
        return int(word)
    except ValueError:
        raise ValueError("value is not an integer or out of range") from None
