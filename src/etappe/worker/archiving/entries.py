"""Stream entries as rows of the log; those that cannot be read are named with the reason, and stop no others."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec
import polars as pl

from etappe.events.vocabulary import AnyEvent, Event
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
_NOBODYS: Final = dict.fromkeys(("subject", "user_id", "anonymous_id", "properties", "raw"))
"""What is not kept of an event whose customer has not consented to personalisation."""
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
_CHANGES: msgspec.json.Decoder[list[dict[str, Any]]] = msgspec.json.Decoder(list[dict[str, Any]])

_Row = dict[str, Any]


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
    read = _READERS[table]
    try:
        return _frame(table, (row for entry in entries for row in read(entry))), []
    except _BROKEN:
        return _one_by_one(table, entries)


def _one_by_one(table: str, entries: Sequence[Entry]) -> tuple[pl.DataFrame, list[Rejected]]:
    good: list[_Row] = []
    bad: list[Rejected] = []
    for entry in entries:
        try:
            rows = list(_READERS[table](entry))
            _frame(table, rows)
            good += rows
        except _BROKEN as error:
            bad.append(Rejected(entry, f"{type(error).__name__}: {error}"))
    return _frame(table, good), bad


def _frame(table: str, rows: Iterable[_Row]) -> pl.DataFrame:
    listed = list(rows)
    names = list(listed[0]) if listed else ["time"]
    return as_rows(table, {name: [row[name] for row in listed] for name in names})


def _event(entry: Entry) -> list[_Row]:
    event: Event = _EVENT.decode(entry.fields[b"e"])
    if event.event_id is None or event.timestamp is None:
        raise ValueError("the event has no id or no time")
    said = event.properties
    row = {name: getattr(event, name) for name in _SAME} | {
        "event": str(event.__struct_config__.tag),
        "time": event.timestamp,
        "received": journal.ordered(entry.place)[0],
        "subject": entry.fields[b"s"] or None,
        "properties": None if said is None else msgspec.json.encode(said).decode(),
        "source": SOURCE,
        "flag": _text(entry, b"f"),
        "raw": _text(entry, b"r"),
        "claim": True if getattr(event, "claim", False) else None,
    }
    return [row | _NOBODYS if entry.fields.get(b"a") == b"1" else row]


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


def _text(entry: Entry, name: bytes) -> str | None:
    value = entry.fields.get(name)
    return value.decode(errors="backslashreplace") if value else None


_OTHERS: Final = {keys.IDENTITY_STREAM: "identity", keys.CONFIG_STREAM: "config", keys.DECISION_STREAM: "decision"}
_READERS: Final[dict[str, Callable[[Entry], list[_Row]]]] = {
    "event": _event,
    "identity": _identities,
    "config": _config,
    "decision": _decision,
}
