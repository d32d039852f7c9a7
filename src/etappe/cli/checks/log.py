"""The log: whether it is whole, and what lies beside it."""

from collections.abc import Iterable, Iterator

import redis

from etappe.cli.checks.finding import Finding, fault, ok, warning
from etappe.errors import EtappeError
from etappe.log import damage, findings, quarantine
from etappe.log.quarantine import Held
from etappe.store.config import learned
from etappe.wiring.inspecting import Inspected


def position(inspected: Inspected) -> Iterator[Finding]:
    """How far the log has come, whether all is there that has ever been in it, and what no commit names."""
    log = inspected.log
    evidence = log.inspect(_learned(inspected))
    if inspected.place.redis_url is not None and evidence.blank:
        yield ok("none here; it lies where the worker runs")
        return
    lost = [fault(line) for line in findings.faults(evidence)]
    yield from lost or [ok(f"position {evidence.state.position:,}, days with events: {len(log.days('event')):,}")]
    unnamed = [quarantine.look(log.folder, orphan.path) for orphan in evidence.orphans]
    if unnamed:
        yield warning(f"{_told(unnamed)} that no commit names; nothing deletes them")


def files(inspected: Inspected) -> Iterator[Finding]:
    """Whether each live file is there with its size; with `deep` whether every byte is what was written."""
    log = inspected.log
    state = log.state()
    search = damage.deep if inspected.deep else damage.at_sight
    damaged = [fault(f"{one}; {damage.REMEDY.format(one.file.path)}") for one in search(log.folder, state.all())]
    whole = "read and whole" if inspected.deep else "there with their sizes; `etappe check --deep` reads them"
    yield from damaged or [ok(f"{len(state.live()):,} files are {whole}")]
    for gone in state.missing:
        yield warning(
            f"{gone.rows:,} rows of table {gone.table}, {gone.day}, are missing since {gone.path} was set aside;"
            " `etappe quarantine --heal BACKUP` brings them back"
        )


def quarantined(inspected: Inspected) -> Iterator[Finding]:
    """What is in quarantine."""
    held = quarantine.held(inspected.log.folder)
    if held:
        yield warning(f"{_told(held)}; `etappe quarantine` lists them")
    else:
        yield ok("nothing")


def _learned(inspected: Inspected) -> dict[str, int]:
    """What snapshots have learned up to, as far as that can be looked at: of Redis there is a check of its own."""
    try:
        return learned.positions(inspected.client if inspected.begun else None, inspected.place.data)
    except (EtappeError, redis.RedisError):
        return learned.positions(None, inspected.place.data)


def _told(held: Iterable[Held]) -> str:
    """Files with what they hold: how many, rows by table, days."""
    listed = list(held)
    rows: dict[str, int] = {}
    for one in listed:
        rows[one.table] = rows.get(one.table, 0) + (one.rows or 0)
    days = sorted({one.day for one in listed})
    tables = ", ".join(f"{count:,} rows of table {table}" for table, count in sorted(rows.items()))
    span = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return f"{len(listed):,} file{'s' if len(listed) > 1 else ''} with {tables} ({span})"
