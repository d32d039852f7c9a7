"""The identifiers everything agrees on: subjects, partitions, and the hashes of items, pieces and events.

They are decided once and for all: a change here means re-keying Redis and rewriting the log.
"""

import hashlib
import os
import time
from collections import deque
from functools import lru_cache
from typing import NewType

ItemHash = NewType("ItemHash", int)
PieceHash = NewType("PieceHash", int)
EventHash = NewType("EventHash", int)
Subject = NewType("Subject", bytes)
Partition = NewType("Partition", int)

PARTITIONS = 256
SUBJECT_BYTES = 16
_BROWSER_BYTES = 9
_BROWSER_END = bytes(SUBJECT_BYTES - 1 - _BROWSER_BYTES)
HASH_BITS = 56
"""Of the hash of an item or piece. That any two of n share one has a probability of about n^2 / 2^57: .0007 for ten
million, whose catalogue refuses the second of the two. 48 bits would save a byte and make that one in six."""
_HASH_MASK = 2**HASH_BITS - 1
_ITEM, _PIECE, _EVENT, _ORDER = (
    hashlib.blake2b(digest_size=8, person=person) for person in (b"item", b"piece", b"event", b"order")
)
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [high + low for high in _CROCKFORD for low in _CROCKFORD]
_DIGITS = "".join(_CROCKFORD[byte % 32] for byte in range(256)).encode()
"""What stands for a byte of which five bits count."""
_DRAWN_BYTES = 16
_BLOCK_BYTES = 4096
_drawn: deque[bytes] = deque()
os.register_at_fork(after_in_child=_drawn.clear)  # else two processes would hand out the same


@lru_cache(maxsize=16_384)
def item_hash(item_id: str) -> ItemHash:
    """56-bit hash of an item id: what records know an item by. Never 0, which means "no item"."""
    return ItemHash(_hash64(item_id, _ITEM) & _HASH_MASK or 1)


def piece_hash(piece_id: str) -> PieceHash:
    """56-bit hash of a piece's id. Never 0; an item of the same id has another one."""
    return PieceHash(_hash64(piece_id, _PIECE) & _HASH_MASK or 1)


def event_hash(event_id: str) -> EventHash:
    """64-bit hash of an event id, by which a repeated event is recognised within one customer. Never 0."""
    return EventHash(_hash64(event_id, _EVENT) or 1)


def order_hash(order_id: str) -> int:
    """32-bit hash of an order id, enough to tell one customer's orders apart. Never 0, which means "no order"."""
    return (_hash64(order_id, _ORDER) & 0xFFFFFFFF) or 1


@lru_cache(maxsize=16_384)
def subject_of(secret: bytes, kind: str, value: str) -> Subject:
    """Immutable 128-bit id of the identity (kind, value), keyed so that it tells nothing without `secret`."""
    message = kind.encode() + b"\0" + value.encode()
    return Subject(hashlib.blake2b(message, digest_size=SUBJECT_BYTES, key=secret, person=b"subject").digest())


def tombstone_of(secret: bytes, subject: Subject) -> bytes:
    """What is left of an erased subject: another keyed hash of it, 128 bits, which leads back to nothing."""
    return hashlib.blake2b(subject, digest_size=SUBJECT_BYTES, key=secret, person=b"tombstone").digest()


def browser_of(subject: Subject) -> Subject:
    """What the record of its own is kept under that a browser has beside an account's: in the same partition."""
    digest = hashlib.blake2b(subject, digest_size=_BROWSER_BYTES, person=b"browser").digest()
    return Subject(subject[:1] + digest + _BROWSER_END)


def is_browser(subject: Subject) -> bool:
    """Whether a subject is one of `browser_of`: it is in no graph and no log, and others end so once in 2^48."""
    return subject.endswith(_BROWSER_END)


def partition_of(subject: Subject) -> Partition:
    """Partition of a customer, 0 to 255. A subject is a uniform hash, so its first byte is `hash mod 256`."""
    return Partition(subject[0])


def new_decision_id() -> str:
    """A ULID (48 bits of Unix milliseconds, 80 random bits, Crockford's base 32): sorts by time, never guessable."""
    now = time.time_ns() // 1_000_000
    time_of = _first_digits(now >> 20) + _PAIRS[(now >> 10) & 1023] + _PAIRS[now & 1023]
    return time_of + unguessable().translate(_DIGITS).decode()


def unguessable() -> bytes:
    """16 random bytes of the system, handed out once. They are drawn in blocks: a call for many takes no longer."""
    while True:
        try:
            return _drawn.pop()
        except IndexError:
            block = os.urandom(_BLOCK_BYTES)
            _drawn.extend(block[start : start + _DRAWN_BYTES] for start in range(0, _BLOCK_BYTES, _DRAWN_BYTES))


@lru_cache(maxsize=2)
def _first_digits(number: int) -> str:
    """The first six digits of the time: those of some 17 minutes."""
    return "".join([_PAIRS[(number >> shift) & 1023] for shift in (20, 10, 0)])


def _hash64(text: str, begun: "hashlib.blake2b") -> int:
    """`begun` is copied: to make one anew with its settings takes as long as hashing."""
    hashing = begun.copy()
    hashing.update(text.encode())
    return int.from_bytes(hashing.digest(), "little")
