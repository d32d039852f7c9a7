"""The tombstones in the log. Apart from the others, since a serving process has no use for the log's polars."""

from collections.abc import Iterable
from typing import Any, Final

import polars as pl

from etappe.customers.identity import ERASE
from etappe.log import Log, as_rows
from etappe.store.identities import tombstones
from etappe.store.identities.tombstones import Tombstone

SOURCE: Final = "tombstones"


def in_log(log: Log) -> list[Tombstone]:
    """Those in the log, in order; of one that was erased several times the last."""
    rows = log.scan("identity").filter(pl.col("action") == ERASE).collect()
    found: dict[bytes, Tombstone] = {}
    for row in rows.iter_rows(named=True):
        stone = tombstones.from_row(row)
        found[stone.mark] = max(stone, found.get(stone.mark, stone), key=_since)
    return sorted(found.values())


def add(log: Log, stones: Iterable[Tombstone]) -> int:
    """Writes tombstones into the log that it does not have, or not of so late an erasure; returns how many."""
    latest = {stone.mark: stone.since for stone in in_log(log)}
    new: list[Tombstone] = []
    for stone in stones:
        if latest.get(stone.mark, -1) < stone.since:
            latest[stone.mark] = stone.since
            new.append(stone)
    if new:
        last: int | None = log.scan("identity").select(pl.col("epoch").max()).collect().item()
        with log.transaction(SOURCE) as into:
            into.add("identity", as_rows("identity", _columns(new, (last or 0) + 1)))
    return len(new)


def _columns(stones: list[Tombstone], epoch: int) -> dict[str, list[Any]]:
    rows = [tombstones.change(stone) for stone in stones]
    return {
        "epoch": [epoch] * len(rows),
        "time": [stone.since for stone in stones],
        "action": [row.action for row in rows],
        "subject": [row.subject for row in rows],
        "kind": [row.kind for row in rows],
        "value": [row.value for row in rows],
        "cause": [row.cause for row in rows],
    }


def _since(stone: Tombstone) -> int:
    return stone.since
