"""What keys Redis holds, by kind, and the clock put forward for all that lapse."""

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from etappe.settings import Settings
from etappe.store import keys
from etappe.store.server.connection import SyncRedis
from etappe.worker.sweeping import sweep

_SUBJECT: Final = r"\{\d{3}\}:%s:[0-9a-f]{32}"
KINDS: Final = {
    "c": (_SUBJECT % "c", "55 kB, 256 traits of at most 8 kB, a tail of 2,560 and what a second adds", False),
    "members": (_SUBJECT % "members", "500 identities", False),
    "answer": (_SUBJECT % "answer" + ":.*", "one answer", True),
    "answers": (r"\{\d{3}\}:answers", "the names of a partition's answers", True),
    "receipt": (r"\{identity\}:receipt:.*", "one receipt", True),
    "export": (r"\{export\}:(?!wanted)\w+", "one export", True),
    "gone": (_SUBJECT % "gone", "one time", False),
    "erased": (r"\{\d{3}\}:erased", "one time", False),
    "stream": (r"\{(?:\d{3}|config|identity|decision)\}:stream", "what is not archived", False),
    "mark": (r"\{\d{3}\}:mark", "one value", False),
    "long": (r"\{\d{3}\}:long", "emptied each round", False),
    "dirty": (r"\{\d{3}\}:dirty", "emptied each round", False),
    "erasures": (r"\{identity\}:erasures", "emptied by rewriting the log", False),
    "other": (r"\{(?:config|identity|export|artifact)\}:.*", "see store/keys.py", False),
}
"""For each kind of key what its name is like, what bounds one, and whether it must lapse by itself."""
_PATTERNS: Final = {kind: re.compile("etappe:" + pattern) for kind, (pattern, _, _) in KINDS.items()}
_AT_ONCE: Final = 2_000
_FORWARD: Final = """
local gone = 0
for index, key in ipairs(KEYS) do
  if string.find(key, ':c:', 1, true) then
    local low, high = string.byte(redis.call('GETRANGE', key, 10, 11), 1, 2)
    local used = low + 256 * high - math.floor(ARGV[1] / 86400000)
    redis.call('SETRANGE', key, 10, string.char(used % 256, math.floor(used / 256)))
  end
  local left = redis.call('PTTL', key)
  if left >= 0 and left <= tonumber(ARGV[1]) then
    gone = gone + redis.call('UNLINK', key)
  elseif left >= 0 then
    redis.call('PEXPIRE', key, left - ARGV[1])
  end
end
return gone
"""


class Held(msgspec.Struct, frozen=True):
    """Bytes of each key of one kind, and whether one of them lacks the time to live that it must have."""

    sizes: list[int]
    immortal: int


def names(client: SyncRedis) -> dict[str, list[bytes]]:
    """All keys by kind.

    Raises:
        ValueError: a key is of no kind that is known here.
    """
    found: dict[str, list[bytes]] = {kind: [] for kind in KINDS}
    for name in client.scan_iter(count=5_000):
        kind = next((kind for kind, pattern in _PATTERNS.items() if pattern.fullmatch(name.decode())), None)
        if kind is None:
            raise ValueError(f"{name.decode()} is no key that is known")
        found[kind].append(name)
    return found


def put_forward(client: SyncRedis, seconds: int) -> int:
    """Lets time pass for every key that has a time to live, and removes what has lapsed by then; returns how many."""
    gone = 0
    for some in _batches([name for of_kind in names(client).values() for name in of_kind]):
        reply: Any = client.eval(_FORWARD, len(some), *some, seconds * 1000)
        gone += reply
    return gone


def sweep_all(client: SyncRedis, settings: Settings) -> None:
    """Takes away what is kept of those who were not there for long: a whole pass, whenever the last one was."""
    client.delete(keys.SWEEP)
    sweep(client, settings)
    while not str(client.get(keys.SWEEP)).startswith("b'0:"):
        sweep(client, settings)


def waiting(client: SyncRedis) -> int:
    """Bytes of the streams of accepted events."""
    pipe = client.pipeline(transaction=False)
    for stream in keys.streams():
        pipe.memory_usage(stream, samples=0)
    return sum(size or 0 for size in pipe.execute())


def held(client: SyncRedis) -> dict[str, Held]:
    """The memory of every key, by kind, the server's own cost of a key included."""
    return {kind: _held(client, of_kind, mortal=KINDS[kind][2]) for kind, of_kind in names(client).items()}


def _held(client: SyncRedis, of_kind: list[bytes], *, mortal: bool) -> Held:
    sizes: list[int] = []
    immortal = 0
    for some in _batches(of_kind):
        pipe = client.pipeline(transaction=False)
        for name in some:
            pipe.memory_usage(name, samples=0)
            pipe.pttl(name)
        replies = pipe.execute()
        sizes += [size for size in replies[::2] if size is not None]
        immortal += sum(left == -1 for left in replies[1::2]) if mortal else 0
    return Held(sorted(sizes), immortal)


def _batches(values: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]
