"""Whether the log has lost something: asked before a place is opened or served, so it loads no models."""

from pathlib import Path

from etappe.log import Log, findings
from etappe.log.findings import Evidence
from etappe.settings import Place
from etappe.store.config import learned
from etappe.store.server.connection import SyncRedis


def evidence_of(client: SyncRedis | None, log: Log, data: Path) -> Evidence:
    """What speaks for and against the log having all that was in it."""
    return log.inspect(learned.positions(client, data))


def refuse_lost(client: SyncRedis, place: Place) -> None:
    """Keeps a place from being served whose log has lost something; it may lie on another machine, with its worker.

    Raises:
        DataError: it has; the message says what and the remedy.
    """
    evidence = evidence_of(client, Log(place.data / "log"), place.data)
    if place.redis_url is None or not evidence.blank:
        findings.refuse(evidence)
