"""Tombstones: what is left of erased identities, in Redis, in the log, and in lists that go with backups.

A tombstone is a keyed hash of a subject and tells nothing of a person. With it stand the partition its subject was of,
when it was erased, and the receipt that was given for it.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from etappe.customers.identity import ERASE, Change
from etappe.errors import InputError
from etappe.ids import PARTITIONS, Partition, Subject, partition_of, tombstone_of
from etappe.store import keys
from etappe.store.server.connection import SyncRedis

PARTITION: Final = "partition"
"""What the row of a tombstone has for its kind; its value is the partition."""
_MARK_BYTES: Final = 16
_FIELDS: Final = 4
_SCANNED: Final = 5_000


class Tombstone(msgspec.Struct, frozen=True, order=True):
    """An erased subject: `mark` is its keyed hash, `since` when it was erased (Unix ms)."""

    mark: bytes
    partition: int
    since: int
    receipt: str

    @property
    def key(self) -> str:
        """Its key in Redis."""
        return keys.gone(Subject(bytes([self.partition])), self.mark)


def of(secret: bytes, subject: Subject, since: int, receipt: str) -> Tombstone:
    """The tombstone of a subject."""
    return Tombstone(tombstone_of(secret, subject), partition_of(subject), since, receipt)


def change(stone: Tombstone) -> Change:
    """The row of the journal that keeps it."""
    return Change(ERASE, Subject(stone.mark), kind=PARTITION, value=str(stone.partition), cause=stone.receipt)


def from_row(row: dict[str, Any]) -> Tombstone:
    """The tombstone in a row of the table `identity`."""
    return Tombstone(row["subject"], int(row["value"]), int(row["time"].timestamp() * 1000), row["cause"] or "")


def in_redis(client: SyncRedis) -> list[Tombstone]:
    """Those that Redis knows. It knows no receipts: the first digits of the tombstones take their place."""
    names = [name.decode() for name in client.scan_iter(match="etappe:*:gone:*", count=_SCANNED)]
    values: Any = client.mget(names) if names else []
    found = []
    for name, value in zip(names, values, strict=True):
        mark = bytes.fromhex(name.rpartition(":")[2])
        partition = int(name[name.index("{") + 1 : name.index("}")])
        found.append(Tombstone(mark, partition, int(value), mark.hex()[:_MARK_BYTES]))
    return sorted(found)


def keep(client: SyncRedis, stones: Iterable[Tombstone]) -> None:
    """Writes tombstones into Redis, and of each partition the time of the last."""
    pipe = client.pipeline(transaction=False)
    last: dict[str, int] = {}
    for stone in stones:
        pipe.set(stone.key, stone.since)
        name = keys.erased(Partition(stone.partition))
        last[name] = max(stone.since, last.get(name, stone.since))
    for name, before in zip(last, client.mget(list(last)) if last else [], strict=True):
        pipe.set(name, max(last[name], int(before or 0)))
    pipe.execute()


def listed(stones: Iterable[Tombstone]) -> str:
    """Tombstones as text, one a line: hash, partition, time, receipt."""
    return "".join(
        f"{stone.mark.hex()} {stone.partition:03d} {_moment(stone).isoformat()} {stone.receipt}\n" for stone in stones
    )


def read(text: str, name: str) -> list[Tombstone]:
    """The tombstones in a text as `listed` writes it; `name` is what errors call it.

    Raises:
        InputError: a line is none.
    """
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                found.append(_read(line.split()))
            except (ValueError, IndexError, OverflowError) as error:
                hint = "give a list that `etappe erase --list` printed"
                raise InputError(f"{name}: line {number} is no tombstone; {hint}") from error
    return found


def _read(parts: list[str]) -> Tombstone:
    mark, partition, since = bytes.fromhex(parts[0]), int(parts[1]), datetime.fromisoformat(parts[2])
    if len(parts) != _FIELDS or len(mark) != _MARK_BYTES or not 0 <= partition < PARTITIONS:
        raise ValueError
    return Tombstone(mark, partition, round(since.timestamp() * 1000), parts[3])


def _moment(stone: Tombstone) -> datetime:
    return datetime.fromtimestamp(stone.since / 1000, UTC)
