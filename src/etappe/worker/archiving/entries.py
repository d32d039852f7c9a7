"""Stream entries as rows of the log; those that cannot be read are named with the reason, and stop no others."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, Final

import msgspec
import polars as pl

from etappe.events.vocabulary import NAME_OF, AnyEvent, Event
from etappe.log.rows import as_rows
from etappe.store import keys
from etappe.store.config import journal

SOURCE: Final = "stream"
_SAME: Final = (
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
_EVENT: msgspec.json.Decoder[Any] = msgspec.json.Decoder(AnyEvent)
_ENCODER: Final = msgspec.json.Encoder()
_CHANGES: msgspec.json.Decoder[list[dict[str, Any]]] = msgspec.json.Decoder(list[dict[str, Any]])

_TOLD: Final = attrgetter(*_SAME)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

_Row = dict[str, Any]
_Columns = dict[str, Sequence[Any] | pl.Series]


class Entry(msgspec.Struct, frozen=True):
    """One entry of a stream, or one event of it; `place` is the id of the entry."""

    stream: str
    place: str
    fields: dict[bytes, bytes]


class Rejected(msgspec.Struct, frozen=True):
    """An entry that cannot be read, and why."""

    entry: Entry
    reason: str


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
            bad.append(Rejected(entry, f"{type(error).__name__}: {error}"))
    return as_rows(table, _READERS[table](good)), bad


def _events(entries: Sequence[Entry]) -> _Columns:
    """Columns of events, made each in one go: rows put together one by one take three times as long."""
    events = [_event(entry) for entry in entries]
    told = [entry.fields for entry in entries]
    same = zip(*map(_TOLD, events), strict=True) if events else ((),) * len(_SAME)
    private = [fields.get(b"a") == b"1" for fields in told]
    columns: _Columns = {name: list(values) for name, values in zip(_SAME, same, strict=True)}
    return columns | {
        "event": [NAME_OF[type(event)] for event in events],
        "time": _times([event.timestamp for event in events]),
        "received": [journal.ordered(entry.place)[0] for entry in entries],
        "subject": [None if hidden else fields[b"s"] or None for fields, hidden in zip(told, private, strict=True)],
        "properties": [
            None if event.properties is None else _ENCODER.encode(event.properties).decode() for event in events
        ],
        "source": [SOURCE] * len(events),
        "flag": [_text(fields, b"f") for fields in told],
        "raw": [None if hidden else _text(fields, b"r") for fields, hidden in zip(told, private, strict=True)],
        "claim": [True if getattr(event, "claim", False) else None for event in events],
    }


def _event(entry: Entry) -> Event:
    """The event of an entry, without what is not kept where its customer has not consented to personalisation."""
    event: Event = _EVENT.decode(entry.fields[b"e"])
    if event.event_id is None or event.timestamp is None:
        raise ValueError("the event has no id or no time")
    if event.timestamp.tzinfo is None:
        event.timestamp = event.timestamp.replace(tzinfo=UTC)
    if entry.fields.get(b"a") == b"1":
        event.user_id = event.anonymous_id = event.properties = None
    return event


def _times(times: Sequence[datetime | None]) -> pl.Series:
    """Times (none of them None) as a column, by way of numbers: polars takes long for times of Python."""
    numbers = [((time or _EPOCH) - _EPOCH) // _MICROSECOND for time in times]
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


def _text(fields: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = fields.get(name)
    return value.decode(errors="backslashreplace") if value else None


_OTHERS: Final = {keys.IDENTITY_STREAM: "identity", keys.CONFIG_STREAM: "config", keys.DECISION_STREAM: "decision"}
_READERS: Final[dict[str, Callable[[Sequence[Entry]], _Columns]]] = {
    "event": _events,
    "identity": _by_rows(_identities),
    "config": _by_rows(_config),
    "decision": _by_rows(_decision),
}
