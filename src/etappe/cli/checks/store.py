"""Redis: whether it keeps what it accepts."""

from collections.abc import Iterator

import redis

from etappe.cli.checks.finding import Finding, fault, ok, warning
from etappe.store.server.connection import durability_warning, shown
from etappe.store.server.memory import memory_of
from etappe.units import MIB
from etappe.wiring.inspecting import Inspected


def durability(inspected: Inspected) -> Iterator[Finding]:
    """Whether what was accepted outlives a crash of Redis."""
    if not inspected.begun:
        yield ok(f"{shown(inspected.place)} has not run yet")
        return
    client, here = inspected.client, shown(inspected.place)
    try:
        warned = durability_warning(client)
    except redis.ResponseError:  # managed servers forbid CONFIG GET
        yield ok(f"{here}; it does not tell whether it is durable: appendonly has to be yes, appendfsync always")
        return
    yield fault(warned) if warned else ok(f"{here}, durable")


def memory(inspected: Inspected) -> Iterator[Finding]:
    """Whether Redis has room, and loses nothing when it has none."""
    if not inspected.begun:
        yield ok("none in use yet")
        return
    found = memory_of(inspected.client)
    yield from map(fault if found.full else warning, found.warnings())
    if not found.warnings():
        most = f"of {found.most / MIB:,.1f} MiB" if found.most else "MiB, without a bound of its own"
        yield ok(f"{found.used / MIB:,.1f} {most}")
