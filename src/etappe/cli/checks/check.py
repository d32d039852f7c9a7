"""`etappe check`: whether all is well with a place. It looks and changes nothing."""

from collections.abc import Iterator
from typing import Annotated, Final

import redis
from cyclopts import Parameter

from etappe.cli import show
from etappe.cli.checks import generation, ids, keys, log, served, store
from etappe.cli.checks.finding import Check, Finding, Level, fault, ok
from etappe.cli.options import HERE, Where
from etappe.errors import EtappeError
from etappe.wiring.inspecting import Inspected, inspected


def _settings(inspected: Inspected) -> Iterator[Finding]:
    yield ok(f"{inspected.place.data}")


CHECKS: Final[tuple[tuple[str, Check], ...]] = (
    ("settings", _settings),
    ("keys", keys.browser_orders),
    ("redis", store.durability),
    ("memory", store.memory),
    ("log", log.position),
    ("files", log.files),
    ("quarantine", log.quarantined),
    ("ids", ids.doubtful_ids),
    ("generation", generation.belonging),
    ("streams", generation.streams),
    ("journal", generation.journal),
    ("catalogue", served.catalogue),
    ("snapshot", served.snapshot),
)
"""What is looked at, in this order. A check that fails keeps no other from being made."""


def check(
    *,
    deep: Annotated[bool, Parameter(help="Read every file of the log whole.", negative="")] = False,
    where: Where = HERE,
) -> int:
    """Check settings, Redis, log, catalogue and snapshot, and that they belong together; exit 0 where all is well.

    Nothing is changed.
    """
    faults: dict[str, str] = {}
    with inspected(where.place(), deep=deep) as here:
        for name, made in CHECKS:
            for level, text in _findings(made, here):
                show.result(f"{level:4} {name}: {f'as {faults[text]}' if text in faults else text}")
                if level is Level.FAULT:
                    faults.setdefault(text, name)
    return 1 if faults else 0


def _findings(made: Check, here: Inspected) -> Iterator[Finding]:
    try:
        yield from made(here)
    except (EtappeError, redis.RedisError, OSError) as error:
        yield fault(str(error))
