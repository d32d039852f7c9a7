"""What a snapshot must show before it is published: that it is sound, and no bad step back from the one in service."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from etappe.errors import EtappeError
from etappe.models.snapshot import LISTS, Snapshot

SHRINK: Final = 0.5
"""Items, customers, orders and events may fall to this share of the snapshot in service: a log rarely loses more."""
LOSS: Final = 0.8
"""A metric may fall to this share of the one in service ..."""
NOISE: Final = 0.02
"""... and always by so much, about twice the standard error of a recall over a thousand customers."""
_SIZES: Final = ("customers", "orders", "events")


class GateError(EtappeError):
    """A snapshot is not fit to be published; the one in service stays."""


def check(candidate: Snapshot, current: Snapshot | None, *, force: bool = False) -> list[str]:
    """Lets `candidate` pass in the place of `current` (None: nothing is in service).

    Returns what speaks against it but was overruled by `force`. What is unsound cannot be forced.

    Raises:
        GateError: it is empty or holds numbers that are not finite, or it steps back badly and is not forced.
    """
    if faults := list(_faults(candidate)):
        raise GateError(f"snapshot {candidate.version} is unsound: {'; '.join(faults)}. Train anew")
    losses = [] if current is None else list(_losses(candidate, current))
    if losses and not force:
        told = "; ".join(losses)
        raise GateError(f"snapshot {candidate.version} steps back: {told}. Look into the log, or train with --force")
    return losses


def _faults(candidate: Snapshot) -> Iterator[str]:
    if len(candidate.items) == 0:
        yield "it has no items"
    for name in ("popularity", "factors", "gram"):
        if not np.isfinite(getattr(candidate, name)).all():
            yield f"{name} is not finite"
    for name in LISTS:
        if not np.isfinite(getattr(candidate, name).scores).all():
            yield f"the scores of {name} are not finite"


def _losses(candidate: Snapshot, current: Snapshot) -> Iterator[str]:
    sizes = {name: (getattr(candidate.parameters, name), getattr(current.parameters, name)) for name in _SIZES}
    sizes["items"] = (len(candidate.items), len(current.items))
    for name, (found, before) in sizes.items():
        if found < SHRINK * before:
            yield f"{found} {name}, the one in service has {before}"
    was = current.manifest.metrics
    for name, value in candidate.manifest.metrics.items():
        before = was.get(name)
        if isinstance(before, int | float) and value < LOSS * before and value < before - NOISE:
            yield f"{name} is {value:.4f}, of the one in service {before:.4f}"
