"""Redis: whether it keeps what it accepts."""

from collections.abc import Iterator

from etappe.cli.checks.finding import Finding, fault, ok
from etappe.store.connection import durability_warning, shown
from etappe.wiring.inspecting import Inspected


def durability(inspected: Inspected) -> Iterator[Finding]:
    """Whether what was accepted outlives a crash of Redis."""
    warned = durability_warning(inspected.client)
    yield fault(warned) if warned else ok(f"{shown(inspected.place)}, durable")
