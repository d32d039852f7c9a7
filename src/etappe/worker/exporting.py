"""Everything that is held of one customer, as one JSON document."""

from typing import Any

import msgspec
import polars as pl

from etappe.customers.state import fold_state
from etappe.errors import DamagedFileError
from etappe.log import Log
from etappe.settings import Settings
from etappe.store.identities import erased_rows, erasure, exports
from etappe.store.identities.exports import Wanted
from etappe.store.records import customers
from etappe.store.server.connection import SyncRedis
from etappe.worker.archiving.archive import archive


def export_wanted(client: SyncRedis, log: Log, settings: Settings) -> int:
    """Makes the exports that are asked for; returns how many.

    Raises:
        DamagedFileError: the log cannot be read whole. The export waits, as one with rows missing would not be all.
    """
    made = 0
    while wanted := exports.next_wanted(client):
        archive(client, log)
        try:
            with log.reading():
                found = export_of(client, log, wanted, settings)
        except DamagedFileError:
            exports.want_again(client, wanted)
            raise
        exports.put(client, wanted.number, exports.NOTHING if found is None else msgspec.json.encode(found))
        made += 1
    return made


def export_of(client: SyncRedis, log: Log, wanted: Wanted, settings: Settings) -> dict[str, Any] | None:
    """Identities, traits, consents, events and decisions of a customer; times as ISO 8601, money as in the events.

    None where nothing is held of them, but for what they were asked for by.
    """
    erased = erasure.pending(client)
    mine = pl.Series(wanted.subjects, dtype=pl.Binary)
    events = erased_rows.visible(log.events(subjects=mine), erased).sort("time", "event_id").collect()
    decided = log.scan("decision").filter(pl.col("subject").is_in(mine.implode()))
    decisions = erased_rows.visible(decided, erased, "time").sort("time", "decision").collect()
    record = customers.read_resolved(client, wanted.customer)
    if not (record.found or events.height or decisions.height or len(wanted.identities) > 1):
        return None
    state = fold_state(record.base, record.tail, settings.learning.half_life_days)
    return {
        "identities": wanted.identities,
        "consents": state.consents(),
        "traits": state.traits(),
        "events": [_event(row) for row in events.iter_rows(named=True)],
        "decisions": [_decision(row) for row in decisions.iter_rows(named=True)],
    }


def _event(row: dict[str, Any]) -> dict[str, Any]:
    told = {name: value for name, value in row.items() if value is not None and name != "subject"}
    for name in ("properties", "raw"):
        if name in told:
            told[name] = _json(told[name])
    return told


def _decision(row: dict[str, Any]) -> dict[str, Any]:
    return {"decision": row["decision"], "time": row["time"], "record": _json(row["record"])}


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return text
