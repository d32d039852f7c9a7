"""The one key of a subject, taken apart and put together: what decides whether the rest may be read comes first.

0   version     u1
1   consent     u1   the last word on personalisation in all that is behind: 0 none, 1 granted, 2 denied
2   flags       u1   ALIAS, HOT, SEEN, TOLD
3   seen        u1   number of event hashes
4   base bytes  u4
8   graph bytes u2
10  used        u2   day (since 1970) on which something last came in
12  graph; u64[seen]; packed base; where HOT the hot part; tail

The graph part says what the subject is in the identity graph (`identities.roots`), where it is anything. `seen` are
events of the customer that went to no record, by which their repeats are known. The hot part is there while something
came in lately: it has the time of the last word on personalisation (i8, Unix microseconds) and four minutes, each (u4)
with how many events counted in it, of proven and of unproven senders (u2 each). The tail is a run of EVENT records; one
with the code `SEEN_CODE` has only the hash of an event that went to no record, and is folded into `seen`.

Who has no tail and was not there lately has neither hot part nor tail. `lua/places.lua` has these places, too.
"""

import struct
from typing import Final

import msgspec

from etappe.customers import records
from etappe.customers.stated.consent import DENIED, GRANTED
from etappe.customers.tails import events_of
from etappe.events.vocabulary import CODES
from etappe.units import SECONDS_PER_DAY

VERSION: Final = 1
ALIAS: Final = 1
"""Flag: the subject belongs to another customer."""
HOT: Final = 2
"""Flag: there is a hot part."""
SEEN: Final = 4
"""Flag: the tail has records of events that went to no record."""
TOLD: Final = 8
"""Flag: the tail has records of others."""
SEEN_CODE: Final = 255
"""The code of a record that has only the hash of an event."""
MOST_SEEN: Final = 255
HASH_BYTES: Final = 8
SPOKEN: Final = bytes([CODES["set_consent"], *sorted(records.CARRIES_BLOCKS)])
"""What scripts are told to walk a tail: the code of `set_consent`, then those of records with blocks."""
SEEN_END: Final = bytes(records.WIDTH - HASH_BYTES - 2) + bytes([SEEN_CODE, records.VERSION << 4])
"""What stands behind the hash in a record of `SEEN_CODE`."""
_HEADER: Final = struct.Struct("<BBBBIHH")
HEADER_BYTES: Final = _HEADER.size
_HOT_BYTES: Final = 40
_DAMAGED: Final = b"\0"


class Envelope(msgspec.Struct, frozen=True):
    """What is kept of one subject. `used` is a day; `stored` is the tail as it is kept."""

    consent: int = 0
    flags: int = 0
    used: int = 0
    graph: bytes = b""
    seen: bytes = b""
    base: bytes = b""
    stored: bytes = b""

    @property
    def tail(self) -> bytes:
        """The events of the tail, without those that went to no record."""
        if not self.flags & SEEN:
            return self.stored
        return b"".join(event for event in events_of(self.stored) if event[records.WIDTH - 2] != SEEN_CODE)

    def seen_by_now(self) -> bytes:
        """The hashes of `seen` and of the tail's own such records, the last of them."""
        if not self.flags & SEEN:
            return self.seen
        told = (event for event in events_of(self.stored) if event[records.WIDTH - 2] == SEEN_CODE)
        whole = self.seen + b"".join(event[:HASH_BYTES] for event in told)
        return whole[-MOST_SEEN * HASH_BYTES :]


EMPTY: Final = Envelope()


def opened(value: bytes | None) -> Envelope:
    """What Redis has; of what cannot be taken apart a base that cannot be read."""
    if not value:
        return EMPTY
    if len(value) < HEADER_BYTES or value[0] != VERSION:
        return Envelope(base=_DAMAGED)
    _, consent, flags, n_seen, base_bytes, graph_bytes, used = _HEADER.unpack_from(value)
    seen = HEADER_BYTES + graph_bytes
    base = seen + n_seen * HASH_BYTES
    hot = base + base_bytes
    tail = hot + (_HOT_BYTES if flags & HOT else 0)
    if tail > len(value):
        return Envelope(base=_DAMAGED)
    graph = value[HEADER_BYTES:seen]
    return Envelope(consent, flags, used, graph, value[seen:base], value[base:hot], value[tail:])


def closed(base: bytes = b"", graph: bytes = b"", *, used: int, seen: bytes = b"") -> bytes:
    """The value of somebody without a tail."""
    flags = ALIAS if graph[:1] == b"L" else 0
    header = _HEADER.pack(VERSION, word_of(base), flags, len(seen) // HASH_BYTES, len(base), len(graph), used)
    return header + graph + seen + base


def is_alias(header: bytes) -> bool:
    """Whether a value that begins so is an alias'."""
    return len(header) >= HEADER_BYTES and bool(_HEADER.unpack_from(header)[2] & ALIAS)


def is_hot(header: bytes) -> bool:
    """Whether a value that begins so has a hot part, and so perhaps a tail."""
    return len(header) >= HEADER_BYTES and bool(_HEADER.unpack_from(header)[2] & HOT)


def used_of(header: bytes) -> int:
    """The day on which something last came in of a value that begins so."""
    return int(_HEADER.unpack_from(header)[-1]) if len(header) >= HEADER_BYTES else 0


def without_graph(value: bytes) -> bytes:
    """A value as it is without its graph part."""
    version, consent, flags, n_seen, base_bytes, graph_bytes, used = _HEADER.unpack_from(value)
    header = _HEADER.pack(version, consent, flags & ~ALIAS, n_seen, base_bytes, 0, used)
    return header + value[HEADER_BYTES + graph_bytes :]


def graph_of(start: bytes) -> bytes:
    """The graph part in the first bytes of a value, as far as they have it."""
    if len(start) < HEADER_BYTES or start[0] != VERSION:
        return b""
    return start[HEADER_BYTES : HEADER_BYTES + int.from_bytes(start[8:10], "little")]


def word_of(base: bytes) -> int:
    """What a packed base says of personalisation, as the header has it."""
    flags = base[1] if len(base) > 1 else 0
    return DENIED if flags & DENIED else flags & GRANTED


def is_known(header: bytes) -> bool:
    """Whether a value that begins so has events of a customer, or is somebody in the identity graph."""
    if len(header) < HEADER_BYTES:
        return False
    _, _, flags, _, base_bytes, graph_bytes, _ = _HEADER.unpack_from(header)
    return bool(flags & TOLD or base_bytes or graph_bytes)


def has_record(header: bytes) -> bool:
    """Whether a value that begins so has events of a customer."""
    if len(header) < HEADER_BYTES:
        return False
    _, _, flags, _, base_bytes, _, _ = _HEADER.unpack_from(header)
    return bool(flags & TOLD or base_bytes)


def day_of(seconds: float) -> int:
    """The day (since 1970, UTC) of a Unix time, as `used` has it."""
    return int(seconds) // SECONDS_PER_DAY
