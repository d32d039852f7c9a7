"""What the log says of configuration and identities, gone through in the order in which it was decided."""

from collections.abc import Iterator
from typing import Any

import msgspec
import polars as pl

from etappe.customers.identity import ERASE, NAME, Change, Graph
from etappe.ids import Subject, tombstone_of
from etappe.log import Log
from etappe.store.config import journal, kinds
from etappe.store.config.api_keys import ApiKey
from etappe.store.config.kinds import Pointer
from etappe.store.identities import tombstones


class Identities(msgspec.Struct, frozen=True):
    """The graph as the log tells it, without those who were erased, and the number of its last change."""

    graph: Graph
    epoch: int


def position(log: Log) -> str:
    """The last position of the journal that the log has."""
    found = log.scan("config").select("position").collect()["position"]
    return max(found, key=journal.ordered, default=journal.START)


def api_keys(log: Log) -> dict[str, ApiKey]:
    """The API keys by digest, each as it was last journalled."""
    return {key.digest: key for key in _changes(log, journal.KEY)}


def item_changes(log: Log) -> Iterator[journal.Change]:
    """All changes of items, in order."""
    rows = log.scan("config").filter(pl.col("kind").is_in(kinds.OF_ITEMS)).select("position", "kind", "payload")
    yield from (journal.Change(*row) for row in rows.collect().iter_rows())


def pointers(log: Log) -> list[Pointer]:
    """The snapshots that were published or gone back to; the last is in service."""
    return list(_changes(log, journal.SNAPSHOT))


def identities(log: Log, secret: bytes) -> Identities:
    """The identity graph after all its changes. Who came back after an erasure is in it with what came later."""
    graph, marks, named = Graph(), dict[bytes, Subject](), dict[Subject, int]()
    rows = log.scan("identity").sort("epoch", maintain_order=True).collect()
    for row in rows.iter_rows(named=True):
        time = int(row["time"].timestamp() * 1000)
        if row["action"] == ERASE:
            stone = tombstones.from_row(row)
            gone = marks.get(stone.mark)
            if gone in graph.nodes and named[gone] <= stone.since:
                graph.forget([gone])
            continue
        change = _change(row)
        if change.action == NAME and change.subject not in graph.nodes:
            marks[tombstone_of(secret, change.subject)] = change.subject
            named[change.subject] = time
        graph.apply(change, time)
    return Identities(graph, rows["epoch"].max() or 0 if rows.height else 0)  # type: ignore[arg-type]


def subjects(log: Log, table: str) -> pl.Series:
    """The distinct subjects (Binary) of a table."""
    return log.scan(table).select("subject").unique().collect()["subject"].drop_nulls()


def _changes(log: Log, kind: str) -> Iterator[Any]:
    """What all changes of a kind say."""
    rows = log.scan("config").filter(pl.col("kind") == kind).select("payload").collect()
    yield from map(kinds.DECODERS[kind].decode, rows["payload"])


def _change(row: dict[str, Any]) -> Change:
    customer = None if row["customer"] is None else Subject(row["customer"])
    return Change(row["action"], Subject(row["subject"]), customer, row["kind"], row["value"], row["cause"])
