"""What operators watch, in Prometheus' format, added up over the serving processes of one machine."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_REGISTRY: Final = CollectorRegistry()

DECISIONS: Final = Counter("etappe_decisions", "Decisions answered.", ["degraded"], registry=_REGISTRY)
DECISION_SECONDS: Final = Histogram(
    "etappe_decision_seconds", "From request to answer, in seconds.", buckets=_SECONDS, registry=_REGISTRY
)
EVENTS: Final = Counter("etappe_events", "Events that came in.", ["status"], registry=_REGISTRY)
SET_BACK: Final = Counter(
    "etappe_decisions_set_back", "Decisions degraded because Redis has lost what it had.", registry=_REGISTRY
)
RECORDS_DROPPED: Final = Counter(
    "etappe_decision_records_dropped", "Decision records dropped under overload.", registry=_REGISTRY
)


def exposition(shared: str | None) -> bytes:
    """The metrics as text; `shared` is the folder in which processes share theirs, None for this process alone."""
    if shared is None:
        return generate_latest(_REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=shared)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
