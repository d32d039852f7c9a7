"""The fixed-width records of customers: one event in a tail, one item of a base.

A tail is a run of 40-byte records in order of arrival. An event that carries more than fits (traits, consent, how a
visit came about) is followed by blocks of the same width holding its JSON; `quantity` says how many. The high nibble of
`meta` is the record's version.
"""

import struct
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from etappe.customers.stated.consent import verdict_of
from etappe.customers.stated.touches import TOUCHING, touched
from etappe.customers.stated.traits import told
from etappe.errors import DataError
from etappe.events.vocabulary import CHANNELS, CODES, NAME_OF, STRENGTH, Event
from etappe.ids import event_hash, item_hash, order_hash, piece_hash

VERSION: Final = 3

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
other event. The `item` of `set_consent` is the verdict on personalisation (`consent.verdict_of`), that of a code of
ABOUT_PIECE the hash of a piece of content. Lua scripts know these places.
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
"""An item in memory, 56 bytes: hash, forward-decayed weight; Unix microseconds of the events that last decided cart,
wish list and rating; Unix seconds of the day of the last event, and of the last purchase. A time of 0 is never.
`compact` says what a base makes of it.
"""

WISHED: Final = 1
CARTED: Final = 2
IGNORED: Final = 4
GIFT: Final = 8

WIDTH: Final = EVENT.itemsize
CODE_AT: Final = WIDTH - 2
"""Where a record has its code."""
_EVENT: Final = struct.Struct("<QQqdIHBB")
"""One EVENT, as `encode` packs it: an array of one takes twice as long."""
MAX_QUANTITY: Final = 65_535
MAX_BLOCKS: Final = 256
TELLS: Final = frozenset({CODES["set_traits"], CODES["set_consent"], CODES["identify"]})
"""Events that always carry blocks: what they tell."""
TOUCHED: Final = 128
"""Added to the code of an event that says how a visit came about, and so carries blocks. Codes of events stay below."""
CARRIES_BLOCKS: Final = TELLS | {code + TOUCHED for code in TOUCHING}
"""Codes behind which there are blocks."""
LINES: Final = frozenset({CODES["purchase"], CODES["refund"]})
"""Events whose value is the money of all pieces."""
CLAIM: Final = 250
"""The code of a purchase that a browser claims: no event's own, so that whatever counts purchases passes it over."""
CLAIMED_REFUND: Final = 251
CLAIMED: Final = {CODES["purchase"]: CLAIM, CODES["refund"]: CLAIMED_REFUND}
"""What becomes of the codes of sales where they are claims."""

ABOUT_PIECE: Final = {CODES["impression"]: 252, CODES["click"]: 253, CODES["dismiss"]: 254}
"""What becomes of the codes of what can happen to a piece of content, where it is one: nothing that counts items
sees them."""
PIECE_CODES: Final = min(ABOUT_PIECE.values())
"""Codes from here on are about pieces."""

REBUILD: Final = "`etappe rebuild` makes the records anew from the log and loses nothing"
"""The remedy where a record is of another version."""
_TIMELESS: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
CARRIES: Final = np.isin(np.arange(256), list(CARRIES_BLOCKS))
"""bool[256] by code: CARRIES_BLOCKS, as kernels take it."""
OF_SESSION: Final = (STRENGTH != 0) | (np.arange(256) == CLAIM)
"""bool[256] by code: events that a base keeps as they were, where they are about an item."""
_CODE_OF: Final = {kind: CODES[name] for kind, name in NAME_OF.items()}
_CONSENT: Final = CODES["set_consent"]
_RATING: Final = CODES["rate"]
_META: Final = {channel: VERSION << 4 | place for place, channel in enumerate((None, *CHANNELS))}
_TIME_AT: Final = 16


def encode(event: Event, event_id: str, time: datetime) -> bytes:
    """The record (and blocks) of `event`. Times before 1970 are kept as 1970, where microseconds begin.

    Raises:
        DataError: what the event tells does not fit into blocks.
    """
    kind, properties = _CODE_OF[type(event)], event.properties
    code, payload, blocks = kind, b"", 0
    hashed: int = item_hash(event.item_id) if event.item_id else 0
    if properties or kind in TELLS:  # few events: all below is for them
        code, payload = carried(kind, properties)
        code, hashed = about(code, properties) or (code, _verdict(properties) if kind == _CONSENT else hashed)
        blocks = blocks_for(payload)
        if blocks > MAX_BLOCKS:
            raise DataError(f"{NAME_OF[type(event)]} carries {len(payload)} bytes, at most {MAX_BLOCKS * WIDTH} fit")
    if kind in LINES and getattr(event, "claim", False):
        code = CLAIMED[kind]
    record = _EVENT.pack(
        event_hash(event_id),
        hashed,
        max(0, (time - _TIMELESS) // _MICROSECOND),
        _value(kind, event),
        order_hash(event.order_id) if event.order_id else 0,
        blocks or min(event.quantity or 1, MAX_QUANTITY),
        code,
        _META[event.channel],
    )
    return record + payload.ljust(blocks * WIDTH) if blocks else record


def time_of(record: bytes) -> int:
    """The time in an encoded record: Unix microseconds."""
    return int.from_bytes(record[_TIME_AT : _TIME_AT + 8], "little")


def carried(code: int, properties: dict[str, Any] | None) -> tuple[int, bytes]:
    """The code that an event's record has, and what the blocks behind it hold: what its properties tell, as JSON."""
    if code in TELLS:
        return code, msgspec.json.encode(told(properties))
    touch = touched(properties) if code in TOUCHING and properties else None
    return (code + TOUCHED, msgspec.json.encode(touch)) if touch else (code, b"")


def about(code: int, properties: dict[str, Any] | None) -> tuple[int, int] | None:
    """The code and the hash in the record of an event about a piece; None for any other."""
    piece = properties.get("piece") if properties and code in ABOUT_PIECE else None
    return (ABOUT_PIECE[code], piece_hash(piece)) if piece and isinstance(piece, str) else None


def plain(events: NDArray[np.void]) -> NDArray[np.void]:
    """EVENT[n] in which those that carried how a visit came about have their own code."""
    with_touch = (events["code"] > TOUCHED) & (events["code"] < CLAIM)
    if with_touch.any():
        events = events.copy()
        events["code"][with_touch] -= TOUCHED
    return events


def blocks_for(payload: bytes) -> int:
    """The number of blocks that `payload` takes."""
    return -(-len(payload) // WIDTH)


def decode_tail(tail: bytes) -> NDArray[np.void]:
    """EVENT[n] of a tail as stored, blocks included: only `heads` knows which records are events.

    Raises:
        DataError: as `check_tail`.
    """
    check_tail(tail)
    return np.frombuffer(tail, dtype=EVENT)


def check_tail(tail: bytes) -> None:
    """Refuses a tail that is no run of whole records of this version, with DataError."""
    if len(tail) % WIDTH:
        raise DataError(f"a tail of {len(tail)} bytes is no run of {WIDTH}-byte records; it is damaged")
    if tail and tail[WIDTH - 1] >> 4 != VERSION:
        raise DataError(f"a tail of version {tail[WIDTH - 1] >> 4}; this Etappe reads version {VERSION}: {REBUILD}")


def heads(records: NDArray[np.void]) -> list[int] | None:
    """The places of the events in a tail, blocks left out; None where every record is an event.

    Raises:
        DataError: the last blocks are cut off.
    """
    codes = records["code"]
    if not CARRIES[codes].any():
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


def one_run(*runs: NDArray[np.void]) -> NDArray[np.void]:
    """Runs of the same records one behind the other, to write to.

    By their bytes: `numpy.concatenate` and assignment to a slice go through the fields of records, and take ten times
    as long.
    """
    return np.frombuffer(bytearray(b"".join([run.tobytes() for run in runs])), runs[0].dtype)


def writable(records: NDArray[np.void]) -> NDArray[np.void]:
    """The records as kernels take them, which take no read-only ones: a copy where they are."""
    return records if records.flags.writeable else one_run(records)


def turns(events: NDArray[np.void]) -> NDArray[np.int64]:
    """int64[n]: the places of EVENT[n] in the one order they are folded in: by time, ties by event hash."""
    return np.lexsort((events["event"], events["time"]))


def in_order(events: NDArray[np.void]) -> NDArray[np.void]:
    """EVENT[n] in the one order they are folded in."""
    return events.take(turns(events))  # four times as fast as an index


def _verdict(properties: dict[str, Any] | None) -> int:
    """The verdict on personalisation, which stands in the place of an item."""
    return verdict_of(properties or {})


def _value(kind: int, event: Event) -> float:
    if kind == _RATING:
        return float((event.properties or {}).get("rating") or 0)
    price = event.price or 0.0
    return price * (event.quantity or 1) if kind in LINES else price
