"""What is kept of a subject, put into Redis and seen there as a test needs it."""

import struct

from etappe.customers.records import VERSION, WIDTH
from etappe.ids import Subject
from etappe.store import keys
from etappe.store.records import envelope
from etappe.store.records.envelope import Envelope
from etappe.store.server.connection import SyncRedis

TODAY = 20_000


def record(name: str) -> bytes:
    """A record of an event without blocks, told from others by the name it begins with."""
    return name.encode().ljust(WIDTH - 2, b".") + bytes([1, VERSION << 4])


def value(base: bytes = b"", tail: bytes = b"", graph: bytes = b"", used: int = TODAY) -> bytes:
    """The value of a subject."""
    whole = bytearray(envelope.closed(base, graph, used=used))
    if tail:
        whole[2] |= envelope.HOT | envelope.TOLD
        said = base[16:24] if len(base) >= 24 else bytes(8)
        whole += said + struct.pack("<IHH", 0, 0, 0) * 4 + tail
    return bytes(whole)


def put(
    client: SyncRedis, subject: Subject, base: bytes = b"", tail: bytes = b"", graph: bytes = b"", used: int = TODAY
) -> None:
    """Puts a record into Redis."""
    client.set(keys.record(subject), value(base, tail, graph, used))


def seen(client: SyncRedis, subject: Subject) -> Envelope:
    """What Redis has of a subject."""
    return envelope.opened(client.get(keys.record(subject)))  # type: ignore[arg-type]
