"""What operators watch, in Prometheus' format, added up over the serving processes of one machine."""

import logging
import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from etappe import settings

_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_REGISTRY: Final = CollectorRegistry()
_ALONE: Final = b"# The folder that serving processes share cannot be read: these are of one process alone.\n"
_log = logging.getLogger("etappe.api")

if folder := settings.shared_metrics():
    with suppress(OSError):  # a process that starts where the folder was removed counts in a new one, or says why not
        Path(folder).mkdir(parents=True, exist_ok=True)

DECISIONS: Final = Counter("etappe_decisions", "Decisions answered.", ["degraded"], registry=_REGISTRY)
DECISION_SECONDS: Final = Histogram(
    "etappe_decision_seconds", "From request to answer, in seconds.", buckets=_SECONDS, registry=_REGISTRY
)
EVENTS: Final = Counter("etappe_events", "Events that came in.", ["status"], registry=_REGISTRY)
SET_BACK: Final = Counter(
    "etappe_decisions_set_back", "Decisions degraded because Redis has lost what it had.", registry=_REGISTRY
)
HELD_BACK: Final = Counter(
    "etappe_decisions_held_back",
    "Degraded decisions that held back what was known to be forbidden to a customer seen lately.",
    registry=_REGISTRY,
)
REFUSED: Final = Counter(
    "etappe_refused", "Requests refused as there was more to do than could be done.", ["what"], registry=_REGISTRY
)
RECORDS_DROPPED: Final = Counter(
    "etappe_decision_records_dropped", "Decision records dropped under overload.", registry=_REGISTRY
)


@cache
def decisions(*, degraded: bool) -> Counter:
    """The counter of decisions that were degraded, or were not: looked up once, as each decision counts."""
    return DECISIONS.labels(degraded=str(degraded).lower())


def exposition(shared: str | None) -> bytes:
    """The metrics as text; `shared` is the folder in which processes share theirs, None for this process alone.

    Where the folder is gone or holds what is none of ours, what this process counted itself is all there is: it goes
    on counting in the files that it holds open.
    """
    if shared is None:
        return generate_latest(_REGISTRY)
    registry = CollectorRegistry()
    try:
        (Path(shared) / f"counter_{os.getpid()}.db").stat()
        MultiProcessCollector(registry, path=shared)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
    except Exception as error:  # noqa: BLE001 - whatever is in the folder, operators want to see what there is
        _log.warning(
            "%s cannot be read, so /metrics shows one process alone: %s; restart `etappe serve`", shared, error
        )
        return _ALONE + generate_latest(_REGISTRY)
