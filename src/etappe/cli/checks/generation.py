"""Redis and the log: whether they belong together, and neither has lost what the other knows of."""

from collections.abc import Iterator

from etappe.cli.checks.finding import Finding, fault, ok, warning
from etappe.store import generation, keys, marks
from etappe.store.generation import Fault, Kind
from etappe.wiring.inspecting import Inspected


def belonging(inspected: Inspected) -> Iterator[Finding]:
    """Whether this is the Redis that was left: neither emptied nor set back, nor another shop's."""
    if not inspected.begun:
        yield _of_no_redis(inspected)
    elif (wrong := _wrong(inspected)) is None:
        yield ok("Redis has what it had")
    elif wrong.kind is not Kind.LOG:
        yield fault(f"{wrong.reason}; {wrong.remedy}")
    else:
        yield ok("Redis has all that the log has")


def streams(inspected: Inspected) -> Iterator[Finding]:
    """Whether the log has come as far as Redis was told, with events and identities."""
    yield from _reached(
        inspected, [name for name in keys.MARKED if name != keys.CONFIG_STREAM], "events and identities"
    )


def journal(inspected: Inspected) -> Iterator[Finding]:
    """Whether the log has come as far as Redis was told, with the configuration."""
    yield from _reached(inspected, [keys.CONFIG_STREAM], "the configuration")


def _of_no_redis(inspected: Inspected) -> Finding:
    """What is to be said of an embedded server that has never run, or whose folder is gone."""
    if inspected.log.position() == 0:
        return ok("nothing has come in yet")
    return fault(f"{marks.EMPTIED}; {marks.REMEDY}")


def _reached(inspected: Inspected, names: list[str], what: str) -> Iterator[Finding]:
    if not inspected.begun:
        yield ok("Redis has told the log nothing")
        return
    if generation.kept(inspected.place.data) is None:
        yield warning("the log of this shop is in another data folder, or Redis was left by an earlier version")
        return
    lost = generation.lost_by_log(inspected.client, inspected.log, inspected.place.data, names)
    yield fault(f"{lost.reason}; {lost.remedy}") if lost else ok(f"the log has {what} that Redis let go of")


def _wrong(inspected: Inspected) -> Fault | None:
    if generation.kept(inspected.place.data) is None and inspected.log.position() == 0:
        return None
    return generation.fault_of(inspected.client, inspected.log, inspected.place.data)
