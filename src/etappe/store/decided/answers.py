"""Answers kept for repeated requests: packed, and within bounds that no request can move.

In Redis all answers of a partition share a ring of so many bytes, from which the oldest go first, whoever asked. So a
key that anybody may read out of a page cannot fill Redis by asking with ever new ids, nor with ever new names.
"""

import time
import zlib
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from etappe.ids import PARTITIONS, Subject, partition_of
from etappe.settings import Settings
from etappe.store import keys, scripts
from etappe.store.server.connection import SyncRedis
from etappe.store.server.failures import translated
from etappe.store.wire import Wire, ask_script
from etappe.units import MIB

OWN_BYTES: Final = 300
"""What Redis itself needs for an answer and its entry in the ring; the name, which stands in both, counts twice."""
NEARBY_BYTES: Final = 32 * MIB
"""What the answers that one process keeps itself may take: those it could not give to Redis."""
_LEVEL: Final = 1
"""Of zlib: lists of items are small already at the lowest one, which is the fastest."""
_HEADS: Final = (b"\x01", b"\x02")
"""First byte of a packed answer: impersonal, personal."""


class Kept(msgspec.Struct, frozen=True):
    """An answer as it was given, and whether it was made from a customer's record."""

    answer: bytes
    personal: bool


def packed(kept: Kept) -> bytes:
    """An answer as it is kept."""
    return _HEADS[kept.personal] + zlib.compress(kept.answer, _LEVEL)


def unpacked(value: bytes) -> Kept | None:
    """What `packed` made; None for what another version of Etappe may have kept."""
    if value[:1] not in _HEADS:
        return None
    try:
        return Kept(zlib.decompress(value[1:]), value[:1] == _HEADS[True])
    except zlib.error:
        return None


def share(settings: Settings) -> int:
    """What the answers of one partition may take (bytes), and so the most that one answer may."""
    return settings.store.answers_mib * MIB // PARTITIONS


def fits(value: bytes, subject: Subject, request_id: str, settings: Settings) -> bool:
    """Whether a packed answer is small enough to be kept."""
    return len(value) + 2 * len(keys.answer(subject, request_id)) + OWN_BYTES <= share(settings)


async def keep(wire: Wire, subject: Subject, request_id: str, value: bytes, settings: Settings) -> bytes:
    """Keeps a packed answer, unless there is one; returns the one that counts.

    Raises:
        StoreError: Redis does not answer, is full, or refuses to write.
    """
    names = [keys.answer(subject, request_id), keys.answers(partition_of(subject))]
    arguments: list[bytes | str | float] = [value, settings.store.answer_seconds, share(settings), OWN_BYTES]
    with translated("the answer"):
        before: bytes | None = await ask_script(wire, scripts.KEEP, names, arguments)
    return before or value


def forget(client: SyncRedis, subjects: Iterable[Subject]) -> None:
    """Removes what was answered to these subjects, and their names from the rings."""
    for subject in subjects:
        ring, prefix = keys.answers(partition_of(subject)), keys.answer(subject, "").encode()
        told: Any = client.hgetall(ring)
        for number, entry in told.items():
            until, _, rest = entry.partition(b":")
            size, _, name = rest.partition(b":")
            if name.startswith(prefix):
                client.delete(name)
                client.hset(ring, number, b"%s:%s:" % (until, size))


class Nearby:
    """Answers that this process keeps itself while Redis cannot; the oldest go first."""

    def __init__(self, most_bytes: int = NEARBY_BYTES) -> None:
        self._most = most_bytes
        self._held = 0
        self._answers: OrderedDict[tuple[Subject, str], tuple[bytes, float]] = OrderedDict()

    def __len__(self) -> int:
        """How many there are."""
        return len(self._answers)

    def get(self, subject: Subject, request_id: str) -> bytes | None:
        """The packed answer, where there is one that has not lapsed."""
        value, until = self._answers.get((subject, request_id), (None, 0.0))
        return value if time.monotonic() < until else None

    def put(self, subject: Subject, request_id: str, value: bytes, seconds: float) -> None:
        """Keeps a packed answer for some time."""
        self._drop(self._answers.pop((subject, request_id), None))
        self._answers[subject, request_id] = value, time.monotonic() + seconds
        self._held += len(value) + OWN_BYTES
        while self._held > self._most and self._answers:
            self._drop(self._answers.popitem(last=False)[1])

    def _drop(self, entry: tuple[bytes, float] | None) -> None:
        if entry is not None:
            self._held -= len(entry[0]) + OWN_BYTES
