"""Events as an entry of a partition's stream holds them: one entry for each call of the script, one row for each event.

The fields of an entry are "1", "2" and so on, each with a row:

0  kind        u1   OWNED, PRIVATE
1  flag bytes  u1
2  event bytes u4
6  flag; subject (16 bytes, where OWNED); event as JSON; payload of another system that it was made of

`lua/rows.lua` changes rows, and knows these places, too.
"""

import struct
from typing import Final

from etappe.ids import SUBJECT_BYTES

OWNED: Final = 1
"""Kind: the row says whose the event is."""
PRIVATE: Final = 2
"""Kind: the customer had not consented to personalisation, so whose it was is not to be kept."""
FIRST: Final = b"1"
"""The name of the first row of an entry."""
_HEAD: Final = struct.Struct("<BBI")
_HEAD_BYTES: Final = _HEAD.size


def pack(event: bytes, subject: bytes = b"", flag: bytes = b"", raw: bytes = b"") -> bytes:
    """The row of an event; without a subject it is nobody's."""
    return b"".join((_HEAD.pack(OWNED if subject else 0, len(flag), len(event)), flag, subject, event, raw))


def parts(row: bytes) -> tuple[int, bytes, bytes, bytes, bytes]:
    """What a row consists of: kind, flag, subject, event, payload; empty where there is none.

    Raises:
        ValueError: it is no row.
    """
    if len(row) < _HEAD_BYTES:
        raise ValueError(f"a row of {len(row)} bytes has no head")
    kind, flag_bytes, event_bytes = _HEAD.unpack_from(row)
    subject = _HEAD_BYTES + flag_bytes
    event = subject + (SUBJECT_BYTES if kind & OWNED else 0)
    raw = event + event_bytes
    if raw > len(row):
        raise ValueError(f"a row of {len(row)} bytes is cut off")
    return kind, row[_HEAD_BYTES:subject], row[subject:event], row[event:raw], row[raw:]


def unpack(row: bytes) -> dict[bytes, bytes]:
    """What a row tells: `e` event, `s` subject or nothing, and where there is some `f` flag, `r` payload, `a` private.

    Raises:
        ValueError: it is no row.
    """
    kind, flag, subject, event, raw = parts(row)
    told = {b"s": subject, b"e": event}
    if flag:
        told[b"f"] = flag
    if raw:
        told[b"r"] = raw
    if kind & PRIVATE:
        told[b"a"] = b"1"
    return told
