"""The fixed-width records of customers: one event in a tail, one item of a base.

A tail is a run of 32-byte records in order of arrival. An event that carries more than fits (traits) is followed by
blocks of the same width holding its JSON; `quantity` says how many. The high nibble of `meta` is the record's version.
"""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from etappe.errors import DataError
from etappe.events.vocabulary import CHANNELS, CODES, Event, Rate
from etappe.ids import event_hash, item_hash, order_hash

VERSION: Final = 1

EVENT: Final = np.dtype(
    [
        ("event", "<u8"),
        ("item", "<u8"),
        ("time", "<u4"),
        ("value", "<f4"),
        ("order", "<u4"),
        ("quantity", "<u2"),
        ("code", "u1"),
        ("meta", "u1"),
    ]
)
"""32 bytes: event and item hash (0: none), Unix seconds, price of one piece (or rating), order hash, pieces, code."""

ITEM: Final = np.dtype(
    [
        ("item", "<u8"),
        ("weight", "<f8"),
        ("last", "<u4"),
        ("bought", "<u4"),
        ("purchases", "<u2"),
        ("views", "<u2"),
        ("flags", "u1"),
        ("rating", "u1"),
        ("spare", "<u2"),
    ]
)
"""32 bytes: item hash, forward-decayed weight, Unix seconds of the last event and the last purchase (0: never)."""

WISHED: Final = 1
CARTED: Final = 2
IGNORED: Final = 4
GIFT: Final = 8

WIDTH: Final = EVENT.itemsize
MAX_QUANTITY: Final = 65_535
MAX_BLOCKS: Final = 256
CARRIES_BLOCKS: Final = frozenset({CODES["set_traits"], CODES["set_consent"]})

_TIMELESS: Final = datetime(1970, 1, 1, tzinfo=UTC)


def encode(event: Event, event_id: str, time: datetime) -> bytes:
    """The record (and blocks) of `event`. Times before 1970 are kept as 1970, where seconds begin."""
    code = CODES[str(event.__struct_config__.tag)]
    payload = msgspec.json.encode(event.properties or {}) if code in CARRIES_BLOCKS else b""
    blocks = -(-len(payload) // WIDTH)
    if blocks > MAX_BLOCKS:
        raise DataError(f"{event.__struct_config__.tag} carries {len(payload)} bytes, at most {MAX_BLOCKS * WIDTH} fit")
    record = np.zeros(1, dtype=EVENT)
    record[0] = (
        event_hash(event_id),
        item_hash(event.item_id) if event.item_id else 0,
        max(0, int((time - _TIMELESS).total_seconds())),
        _value(event),
        order_hash(event.order_id) if event.order_id else 0,
        blocks if code in CARRIES_BLOCKS else min(event.quantity or 1, MAX_QUANTITY),
        code,
        VERSION << 4 | (CHANNELS.index(event.channel) + 1 if event.channel else 0),
    )
    return record.tobytes() + payload.ljust(blocks * WIDTH)


def decode_tail(tail: bytes) -> NDArray[np.void]:
    """EVENT[n] of a tail as stored, blocks included: only `fold` knows which records are events.

    Raises:
        DataError: the tail is no run of whole records of this version.
    """
    if len(tail) % WIDTH:
        raise DataError(f"a tail of {len(tail)} bytes is no run of {WIDTH}-byte records; it is damaged")
    records = np.frombuffer(tail, dtype=EVENT)
    if len(records) and records["meta"][0] >> 4 != VERSION:
        raise DataError(f"a tail of version {records['meta'][0] >> 4}; this Etappe reads version {VERSION}")
    return records


def blocks_of(records: NDArray[np.void], index: int) -> dict[str, Any]:
    """The JSON object in the blocks behind the record at `index`.

    Raises:
        DataError: the blocks are cut off or damaged.
    """
    end = index + 1 + int(records["quantity"][index])
    try:
        found: dict[str, Any] = msgspec.json.decode(records[index + 1 : end].tobytes().rstrip() or b"{}", type=dict)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DataError(f"the blocks of a tail's record are damaged: {error}") from error
    return found


def _value(event: Event) -> float:
    """The rating of a `rate` event, the price of any other."""
    if isinstance(event, Rate):
        return float((event.properties or {}).get("rating") or 0)
    return event.price or 0.0
