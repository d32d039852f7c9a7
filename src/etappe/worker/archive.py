"""From the streams into the log: read, write Parquet, commit, and only then trim what was read."""

from typing import Any, Final

import msgspec

from etappe.events.vocabulary import AnyEvent, Event
from etappe.store import journal, keys
from etappe.store.connection import SyncRedis
from etappe.store.log import Log, Transaction, as_rows

SOURCE: Final = "stream"
PER_STREAM: Final = 2_000
_EVENT: msgspec.json.Decoder[Any] = msgspec.json.Decoder(AnyEvent)

Entries = list[tuple[bytes, dict[bytes, bytes]]]


def archive(client: SyncRedis, log: Log) -> int:
    """Moves everything that waits in the streams into the log; returns how many entries that were."""
    total = 0
    with log.archiving():
        more = True
        while more:
            moved, more = _archive_once(client, log)
            total += moved
    return total


def _archive_once(client: SyncRedis, log: Log) -> tuple[int, bool]:
    """One commit of what all streams hold, up to some thousand entries each: how many, and whether some had more.

    Running it again adds nothing. What comes in meanwhile is left to the next round, so that this one ends.
    """
    known = log.streams()
    found = _read(client, known)
    if not found:
        return 0, False
    with log.transaction(SOURCE) as transaction:
        _add_events(transaction, found)
        _add_config(transaction, found.get(keys.CONFIG_STREAM, []))
        _add_decisions(transaction, found.get(keys.DECISION_STREAM, []))
        transaction.streams = {name: entries[-1][0].decode() for name, entries in found.items()}
    _trim(client, found)
    lengths = [len(entries) for entries in found.values()]
    return sum(lengths), max(lengths) == PER_STREAM


def _read(client: SyncRedis, known: dict[str, str]) -> dict[str, Entries]:
    """The entries of each stream after what the log has of it."""
    names = [*keys.streams(), keys.CONFIG_STREAM, keys.DECISION_STREAM]
    pipe = client.pipeline(transaction=False)
    for name in names:
        pipe.xrange(name, f"({known[name]}" if name in known else "-", "+", count=PER_STREAM)
    return {name: entries for name, entries in zip(names, pipe.execute(), strict=True) if entries}


def _trim(client: SyncRedis, found: dict[str, Entries]) -> None:
    """Drops what is in the log now. The journal is trimmed elsewhere: replicas still read it."""
    pipe = client.pipeline(transaction=False)
    for name, entries in found.items():
        if name != keys.CONFIG_STREAM:
            milliseconds, sequence = journal.ordered(entries[-1][0].decode())
            pipe.xtrim(name, minid=f"{milliseconds}-{sequence + 1}", approximate=False)
    pipe.execute()


def _add_events(transaction: Transaction, found: dict[str, Entries]) -> None:
    entries = [entry for name in keys.streams() for entry in found.get(name, [])]
    if not entries:
        return
    events: list[Event] = [_EVENT.decode(fields[b"e"]) for _, fields in entries]
    columns = {name: [getattr(event, name) for event in events] for name in _SAME}
    columns |= {
        "event": [str(event.__struct_config__.tag) for event in events],
        "time": [event.timestamp for event in events],
        "received": [_milliseconds(place) for place, _ in entries],
        "subject": [fields[b"s"] or None for _, fields in entries],
        "properties": [
            None if one.properties is None else msgspec.json.encode(one.properties).decode() for one in events
        ],
        "source": [SOURCE] * len(entries),
    }
    transaction.add("event", as_rows("event", columns))


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


def _add_config(transaction: Transaction, entries: Entries) -> None:
    if entries:
        columns = {
            "position": [place.decode() for place, _ in entries],
            "kind": [fields[b"k"].decode() for _, fields in entries],
            "payload": [fields[b"p"].decode() for _, fields in entries],
            "time": [_milliseconds(place) for place, _ in entries],
        }
        transaction.add("config", as_rows("config", columns))


def _add_decisions(transaction: Transaction, entries: Entries) -> None:
    if entries:
        columns = {
            "decision": [fields[b"d"].decode() for _, fields in entries],
            "time": [int(fields[b"t"]) for _, fields in entries],
            "subject": [fields[b"s"] or None for _, fields in entries],
            "record": [fields[b"r"].decode() for _, fields in entries],
        }
        transaction.add("decision", as_rows("decision", columns))


def _milliseconds(place: bytes) -> int:
    return journal.ordered(place.decode())[0]
