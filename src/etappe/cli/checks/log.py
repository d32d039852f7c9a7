"""The log: whether it is whole."""

from collections.abc import Iterator

from etappe.cli.checks.finding import Finding, ok
from etappe.wiring.inspecting import Inspected


def position(inspected: Inspected) -> Iterator[Finding]:
    """How far the log has come."""
    log = inspected.log
    yield ok(f"position {log.position():,}, {len(log.days('event')):,} days of events")
