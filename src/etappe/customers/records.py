"""The fixed-width records of customers: one event in a tail, one item of a base.

A tail is a run of 40-byte records in order of arrival. An event that carries more than fits (traits, consent) is
followed by blocks of the same width holding its JSON; `quantity` says how many. The high nibble of `meta` is the
record's version.
"""

import struct
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from etappe.customers.consent import verdict_of
from etappe.customers.traits import told
from etappe.errors import DataError
from etappe.events.vocabulary import CHANNELS, CODES, Event
from etappe.ids import event_hash, item_hash, order_hash

VERSION: Final = 2

EVENT: Final = np.dtype(
    [
        ("event", "<u8"),
        ("item", "<u8"),
        ("time", "<i8"),
        ("value", "<f8"),
        ("order", "<u4"),
        ("quantity", "<u2"),
        ("code", "u1"),
        ("meta", "u1"),
    ]
)
"""40 bytes: event and item hash (0: none), Unix microseconds, value, order hash, pieces, code, version and channel.

`value` is the money of the whole line of a purchase or refund, the rating of `rate`, the price of one piece of any
other event. The `item` of `set_consent` is the verdict on personalisation (`consent.verdict_of`). Lua scripts know
these places.
"""

ITEM: Final = np.dtype(
    [
        ("item", "<u8"),
        ("weight", "<f8"),
        ("carted", "<i8"),
        ("wished", "<i8"),
        ("rated", "<i8"),
        ("last", "<u4"),
        ("bought", "<u4"),
        ("purchases", "<u2"),
        ("views", "<u2"),
        ("flags", "u1"),
        ("rating", "u1"),
        ("spare", "<u2"),
    ]
)
"""56 bytes: item hash, forward-decayed weight; Unix microseconds of the events that last decided cart, wish list and
rating; Unix seconds of the last event and the last purchase. A time of 0 is never.
"""

WISHED: Final = 1
CARTED: Final = 2
IGNORED: Final = 4
GIFT: Final = 8

WIDTH: Final = EVENT.itemsize
_EVENT: Final = struct.Struct("<QQqdIHBB")
"""One EVENT, as `encode` packs it: an array of one takes twice as long."""
MAX_QUANTITY: Final = 65_535
MAX_BLOCKS: Final = 256
CARRIES_BLOCKS: Final = frozenset({CODES["set_traits"], CODES["set_consent"], CODES["identify"]})
LINES: Final = frozenset({CODES["purchase"], CODES["refund"]})
"""Events whose value is the money of all pieces."""
CLAIM: Final = 250
"""The code of a purchase that a browser claims: no event's own, so that whatever counts purchases passes it over."""
CLAIMED_REFUND: Final = 251
CLAIMED: Final = {CODES["purchase"]: CLAIM, CODES["refund"]: CLAIMED_REFUND}
"""What becomes of the codes of sales where they are claims."""

_TIMELESS: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_CARRIES: Final = np.isin(np.arange(256), list(CARRIES_BLOCKS))


def encode(event: Event, event_id: str, time: datetime) -> bytes:
    """The record (and blocks) of `event`. Times before 1970 are kept as 1970, where microseconds begin.

    Raises:
        DataError: what the event tells does not fit into blocks.
    """
    tag = str(event.__struct_config__.tag)
    code = CODES[tag]
    payload = payload_of(event.properties) if code in CARRIES_BLOCKS else b""
    blocks = blocks_for(payload)
    if blocks > MAX_BLOCKS:
        raise DataError(f"{tag} carries {len(payload)} bytes, at most {MAX_BLOCKS * WIDTH} fit")
    record = _EVENT.pack(
        event_hash(event_id),
        _item(tag, event),
        max(0, (time - _TIMELESS) // _MICROSECOND),
        _value(tag, event),
        order_hash(event.order_id) if event.order_id else 0,
        blocks or min(event.quantity or 1, MAX_QUANTITY),
        CLAIMED[code] if getattr(event, "claim", False) else code,
        VERSION << 4 | (CHANNELS.index(event.channel) + 1 if event.channel else 0),
    )
    return record + payload.ljust(blocks * WIDTH) if blocks else record


def payload_of(properties: dict[str, Any] | None) -> bytes:
    """What the blocks of an event hold: what its properties tell, as JSON."""
    return msgspec.json.encode(told(properties))


def blocks_for(payload: bytes) -> int:
    """The number of blocks that `payload` takes."""
    return -(-len(payload) // WIDTH)


def decode_tail(tail: bytes) -> NDArray[np.void]:
    """EVENT[n] of a tail as stored, blocks included: only `heads` knows which records are events.

    Raises:
        DataError: the tail is no run of whole records of this version.
    """
    if len(tail) % WIDTH:
        raise DataError(f"a tail of {len(tail)} bytes is no run of {WIDTH}-byte records; it is damaged")
    if tail and tail[WIDTH - 1] >> 4 != VERSION:
        raise DataError(f"a tail of version {tail[WIDTH - 1] >> 4}; this Etappe reads version {VERSION}")
    return np.frombuffer(tail, dtype=EVENT)


def heads(records: NDArray[np.void]) -> list[int] | None:
    """The places of the events in a tail, blocks left out; None where every record is an event.

    Raises:
        DataError: the last blocks are cut off.
    """
    codes = records["code"]
    if not _CARRIES[codes].any():
        return None
    listed, quantities = codes.tolist(), records["quantity"].tolist()
    found: list[int] = []
    index = 0
    while index < len(listed):
        found.append(index)
        index += 1 + (quantities[index] if listed[index] in CARRIES_BLOCKS else 0)
    if index > len(listed):
        raise DataError("the blocks of a tail's record are damaged: they are cut off")
    return found


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


def in_order(events: NDArray[np.void]) -> NDArray[np.void]:
    """EVENT[n] in the one order they are folded in: by time, ties by event hash."""
    ordered: NDArray[np.void] = events[np.lexsort((events["event"], events["time"]))]
    return ordered


def _item(tag: str, event: Event) -> int:
    """The verdict on personalisation where consent is said, else the item's hash, 0 for none."""
    if tag == "set_consent":
        return verdict_of(event.properties or {})
    return item_hash(event.item_id) if event.item_id else 0


def _value(tag: str, event: Event) -> float:
    if tag == "rate":
        return float((event.properties or {}).get("rating") or 0)
    price = event.price or 0.0
    return price * (event.quantity or 1) if CODES[tag] in LINES else price
