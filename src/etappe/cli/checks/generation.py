"""Redis and the log: whether they belong together, and neither has lost what the other knows of."""

from collections.abc import Iterable, Iterator

from etappe.cli.checks.finding import Finding, fault, ok
from etappe.store import keys
from etappe.store.place import generation, marks
from etappe.store.place.generation import Fault, Kind
from etappe.store.server import connection
from etappe.wiring.inspecting import Inspected


def belonging(inspected: Inspected) -> Iterator[Finding]:
    """Whether this is the Redis that was left: neither emptied nor set back, nor another shop's."""
    if _secret_is_lost(inspected):
        yield fault(connection.lost_secret(inspected.place.data))
    elif not inspected.begun:
        yield _of_no_redis(inspected)
    elif (wrong := _wrong(inspected)) is None:
        yield ok("Redis has what it had")
    elif wrong.kind is Kind.LOG and _lost(inspected, keys.MARKED):
        yield ok("Redis has all that the log has")
    else:
        yield fault(f"{wrong.reason}; {wrong.remedy}")


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
    if generation.is_guest(inspected.log, inspected.place.data):
        yield ok("to be asked where the log lies: it is in another data folder")
        return
    lost = _lost(inspected, names)
    yield fault(f"{lost.reason}; {lost.remedy}") if lost else ok(f"the log has {what} that Redis let go of")


def _lost(inspected: Inspected, names: Iterable[str]) -> Fault | None:
    return generation.lost_by_log(inspected.client, inspected.log, inspected.place.data, names)


def _secret_is_lost(inspected: Inspected) -> bool:
    data = inspected.place.data
    if connection.kept_secret(data / connection.SECRET_FILE) is not None or not connection.has_log(data):
        return False
    return not inspected.begun or not inspected.client.exists(keys.SECRET)


def _wrong(inspected: Inspected) -> Fault | None:
    if generation.is_guest(inspected.log, inspected.place.data):
        return None
    return generation.fault_of(inspected.client, inspected.log, inspected.place.data)
