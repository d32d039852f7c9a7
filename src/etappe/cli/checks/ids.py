"""Ids in the log that look as if they were nobody's."""

from collections.abc import Iterator

from etappe.cli.checks.finding import Finding, ok, warning
from etappe.log import damage, doubtful
from etappe.wiring.inspecting import Inspected


def doubtful_ids(inspected: Inspected) -> Iterator[Finding]:
    """Which ids may be nobody's, with the setting to add them to; those that are in it are none."""
    nobody = inspected.settings.values.nobodys()
    if not inspected.log.days("event"):
        yield ok("no events yet")
        return
    if any(True for _ in damage.at_sight(inspected.log.folder, inspected.log.state().all())):
        yield warning("not looked at, as files of the log are damaged")
        return
    with inspected.log.reading():
        found = [one for one in doubtful.ids(inspected.log.scan("event")) if one.id.lower() not in nobody]
    yield from [warning(one.told()) for one in found] or [ok("none looks like nobody's")]
