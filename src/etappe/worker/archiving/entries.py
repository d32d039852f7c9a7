"""Stream entries as rows of the log; those that cannot be read are named with the reason, and stop no others."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, Final

import msgspec
import polars as pl

from etappe.events.vocabulary import TYPES, Channel, Currency, Id, ItemEvent, Money, Quantity
from etappe.log.rows import as_rows
from etappe.store import keys
from etappe.store.config import journal
from etappe.store.ingesting import rows

SOURCE: Final = "stream"
_SAID: Final = (
    "event",
    "event_id",
    "user_id",
    "anonymous_id",
    "item_id",
    "quantity",
    "price",
    "currency",
    "order_id",
    "channel",
)
_BROKEN: Final = (
    KeyError,
    ValueError,
    TypeError,
    OverflowError,
    RecursionError,
    msgspec.MsgspecError,
    pl.exceptions.PolarsError,
)
_CHANGES: msgspec.json.Decoder[list[dict[str, Any]]] = msgspec.json.Decoder(list[dict[str, Any]])

_TOLD: Final = attrgetter(*_SAID)
_OF_ITEMS: Final = frozenset(name for name, kind in TYPES.items() if issubclass(kind, ItemEvent))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

_NOTHING: Final = msgspec.Raw()

_Row = dict[str, Any]
_Columns = dict[str, Sequence[Any] | pl.Series]


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One entry of a stream, or one event of it; `place` is the id of the entry."""

    stream: str
    place: str
    fields: dict[bytes, bytes]


class Rejected(msgspec.Struct, frozen=True):
    """An entry that cannot be read, and why."""

    entry: Entry
    reason: str


class _Event(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, gc=False):
    """An event as intake has checked and completed it; its properties are taken over as they were written.

    Of one type: what kinds there are and which must name an item is looked at for all together. Like an entry it holds
    nothing that could hold on to it.
    """

    event: str
    event_id: Id
    timestamp: datetime
    user_id: Id | None = None
    anonymous_id: Id | None = None
    item_id: Id | None = None
    quantity: Quantity | None = None
    price: Money | None = None
    currency: Currency | None = None
    order_id: Id | None = None
    channel: Channel | None = None
    properties: msgspec.Raw = _NOTHING
    claim: bool = False


_EVENT: Final = msgspec.json.Decoder(_Event)


def table_of(stream: str) -> str:
    """The table that the entries of a stream belong to."""
    return _OTHERS.get(stream, "event")


def rows_of(table: str, entries: Sequence[Entry]) -> tuple[pl.DataFrame, list[Rejected]]:
    """The rows of `table` that `entries` make, in their order, and the entries that make none."""
    try:
        return as_rows(table, _READERS[table](entries)), []
    except _BROKEN:
        return _one_by_one(table, entries)


def _one_by_one(table: str, entries: Sequence[Entry]) -> tuple[pl.DataFrame, list[Rejected]]:
    good: list[Entry] = []
    bad: list[Rejected] = []
    for entry in entries:
        try:
            as_rows(table, _READERS[table]([entry]))
            good.append(entry)
        except _BROKEN as error:
            bad.append(Rejected(_opened(table, entry), f"{type(error).__name__}: {error}"))
    return as_rows(table, _READERS[table](good)), bad


def _opened(table: str, entry: Entry) -> Entry:
    """An entry that is set aside, with what its row consists of where that can be told."""
    row = _row_in(entry.fields) if table == "event" else None
    if row is not None:
        with suppress(ValueError):
            return msgspec.structs.replace(entry, fields=rows.unpack(row))
    return entry


def _events(entries: Sequence[Entry]) -> _Columns:
    """Columns of events, made each in one go: rows put together one by one take three times as long."""
    decode, parts = _EVENT.decode, rows.parts
    events: list[_Event] = []
    received: list[int] = []
    subjects: list[bytes | None] = []
    flags: list[str | None] = []
    raws: list[str | None] = []
    place, moment = "", 0
    for entry in entries:
        if entry.place is not place:  # the events of one entry share it
            place, moment = entry.place, journal.ordered(entry.place)[0]
        row = _row_in(entry.fields)
        kind, flag, subject, told, raw = _fields(entry.fields) if row is None else parts(row)
        event = decode(told)
        if kind & rows.PRIVATE:
            event.user_id = event.anonymous_id = None
            event.properties = _NOTHING
            subject = raw = b""
        events.append(event)
        received.append(moment)
        subjects.append(subject or None)
        flags.append(_text(flag) if flag else None)
        raws.append(_text(raw) if raw else None)
    return _said(events) | {"received": received, "subject": subjects, "flag": flags, "raw": raws}


def _said(events: Sequence[_Event]) -> _Columns:
    """The columns of what events say of themselves.

    Raises:
        ValueError: one of them is none that intake lets pass.
    """
    told = zip(*map(_TOLD, events), strict=True) if events else ((),) * len(_SAID)
    columns: _Columns = {name: list(values) for name, values in zip(_SAID, told, strict=True)}
    names = columns["event"]
    if not TYPES.keys() >= set(names):
        raise ValueError("the event is not in the vocabulary")
    if any(item is None and name in _OF_ITEMS for name, item in zip(names, columns["item_id"], strict=True)):
        raise ValueError("the event names no item_id")
    return columns | {
        "time": _times([event.timestamp for event in events]),
        "properties": [_object(event.properties) for event in events],
        "source": [SOURCE] * len(events),
        "claim": [True if event.claim else None for event in events],
    }


def _fields(fields: Mapping[bytes, bytes]) -> tuple[int, bytes, bytes, bytes, bytes]:
    """The parts of an event as `rows.parts` gives them, of an entry that has them as fields of its own."""
    private = rows.PRIVATE if fields.get(b"a") == b"1" else 0
    return private, fields.get(b"f", b""), fields[b"s"], fields[b"e"], fields.get(b"r", b"")


def _row_in(fields: Mapping[bytes, bytes]) -> bytes | None:
    """The row that an entry has, as those of partitions do."""
    return next(iter(fields.values())) if len(fields) == 1 else None


def _object(properties: msgspec.Raw) -> str | None:
    """The properties of an event as they are kept: as intake has written them."""
    text = bytes(properties).decode()
    if not text or text == "null":
        return None
    if not text.startswith("{"):
        raise ValueError("properties are no object")
    return text


def _times(times: Sequence[datetime]) -> pl.Series:
    """Times as a column, by way of numbers: polars takes long for times of Python. Those without a zone are UTC."""
    aware = [time if time.tzinfo else time.replace(tzinfo=UTC) for time in times]
    numbers = [(time - _EPOCH) // _MICROSECOND for time in aware]
    return pl.Series(numbers, dtype=pl.Int64).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _by_rows(read: Callable[[Entry], list[_Row]]) -> Callable[[Sequence[Entry]], _Columns]:
    """Columns of the rows that `read` makes of each entry."""

    def columns(entries: Sequence[Entry]) -> _Columns:
        rows = [row for entry in entries for row in read(entry)]
        return {name: [row[name] for row in rows] for name in (rows[0] if rows else ("time",))}

    return columns


def _identities(entry: Entry) -> list[_Row]:
    epoch, moment = int(entry.fields[b"n"]), int(entry.fields[b"t"])
    return [
        {
            "epoch": epoch,
            "time": moment,
            "action": row["action"],
            "subject": bytes.fromhex(row["subject"]),
            "customer": bytes.fromhex(row["customer"]) if row["customer"] else None,
            "kind": row["kind"],
            "value": row["value"],
            "cause": row["cause"],
        }
        for row in _CHANGES.decode(entry.fields[b"p"])
    ]


def _config(entry: Entry) -> list[_Row]:
    kind, payload = entry.fields[b"k"].decode(), entry.fields[b"p"].decode()
    return [{"position": entry.place, "kind": kind, "payload": payload, "time": journal.ordered(entry.place)[0]}]


def _decision(entry: Entry) -> list[_Row]:
    return [
        {
            "decision": entry.fields[b"d"].decode(),
            "time": int(entry.fields[b"t"]),
            "subject": entry.fields[b"s"] or None,
            "record": entry.fields[b"r"].decode(),
        }
    ]


def _text(value: bytes) -> str:
    return value.decode(errors="backslashreplace")


_OTHERS: Final = {keys.IDENTITY_STREAM: "identity", keys.CONFIG_STREAM: "config", keys.DECISION_STREAM: "decision"}
_READERS: Final[dict[str, Callable[[Sequence[Entry]], _Columns]]] = {
    "event": _events,
    "identity": _by_rows(_identities),
    "config": _by_rows(_config),
    "decision": _by_rows(_decision),
}
