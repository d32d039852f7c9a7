"""What answers are made of: catalogue and snapshot."""

from collections.abc import Iterator

from etappe.cli.checks.finding import Finding, fault, ok
from etappe.store import catalogues, snapshots
from etappe.wiring.inspecting import Inspected


def catalogue(inspected: Inspected) -> Iterator[Finding]:
    """Whether the catalogue can be read."""
    found, _ = catalogues.load(inspected.client, inspected.place.data)
    yield ok(f"{len(found):,} items")


def snapshot(inspected: Inspected) -> Iterator[Finding]:
    """Whether there is a snapshot to serve, and it is whole."""
    found = snapshots.open_current(inspected.client, inspected.place.data)
    if found is None:
        yield fault("none is published; run `etappe train`")
    else:
        yield ok(f"{found.version}, {len(found.items):,} items, verified")
