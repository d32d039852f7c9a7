"""What a snapshot must show before it is published: that it is sound, and no bad step back from the one in service."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from etappe.errors import DataError, EtappeError
from etappe.models.snapshot import Snapshot

SHRINK: Final = 0.5
"""Items, customers, orders and events may fall to this share of the snapshot in service: a log rarely loses more."""
LOSS: Final = 0.8
"""A metric may fall to this share of the one in service ..."""
NOISE: Final = 0.02
"""... and always by so much, about twice the standard error of a recall over a thousand customers."""
_SIZES: Final = ("customers", "orders", "events")


class GateError(EtappeError):
    """A snapshot is not fit to be published; the one in service stays."""


def opened(folder: Path) -> Snapshot:
    """The snapshot in `folder`, fresh from a training.

    Raises:
        GateError: an array of it is not what its part declares; nobody can force it through.
    """
    try:
        return Snapshot.open(folder)
    except DataError as error:
        raise GateError(f"snapshot {folder.name} is unsound: {error}") from error


def check(candidate: Snapshot, current: Snapshot | None, *, force: bool = False) -> list[str]:
    """Lets `candidate` pass in the place of `current` (None: nothing is in service).

    Returns what speaks against it but was overruled by `force`. What is unsound cannot be forced.

    Raises:
        GateError: it is empty, or it steps back badly and is not forced.
    """
    if len(candidate.items) == 0:
        raise GateError(f"snapshot {candidate.version} is unsound: it has no items. Train anew")
    losses = [] if current is None else list(_losses(candidate, current))
    if losses and not force:
        told = "; ".join(losses)
        raise GateError(f"snapshot {candidate.version} steps back: {told}. Look into the log, or train with --force")
    return losses


def _losses(candidate: Snapshot, current: Snapshot) -> Iterator[str]:
    sizes = {name: (getattr(candidate.parameters, name), getattr(current.parameters, name)) for name in _SIZES}
    sizes["items"] = (len(candidate.items), len(current.items))
    for name, (found, before) in sizes.items():
        if found < SHRINK * before:
            yield f"{found} {name}, the one in service has {before}"
    for part in sorted(current.parts - candidate.parts):
        yield f"it has no {part}, the one in service has"
    was = current.manifest.metrics
    for name, value in candidate.manifest.metrics.items():
        before = was.get(name)
        if isinstance(before, int | float) and value < LOSS * before and value < before - NOISE:
            yield f"{name} is {value:.4f}, of the one in service {before:.4f}"
